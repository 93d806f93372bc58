"""A room: the sockets that are sent the same messages, and what they were sent last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from bridge import frames
from bridge.connection import Connection

Messages = Callable[[int], Iterable[Mapping[str, Any]]]
"""A room's messages for a sequence number, made once for all its members."""


class Room:
    """The members of one topic. When what ``viewers`` gives has changed, the next messages may go out early."""

    __slots__ = ("_made_for", "early", "frame", "key", "members", "messages", "told", "topic", "viewers")

    def __init__(self, key: str, topic: str, messages: Messages, viewers: Callable[[], object] = lambda: None) -> None:
        self.key = key
        self.topic = topic
        self.messages = messages
        self.viewers = viewers
        self.members: dict[Connection, None] = {}
        self.frame = b""
        self.early = False
        """whether the messages of the next broadcast have been sent already"""
        self._made_for: tuple[int, object] = (-1, None)
        self.told = viewers()
        """the viewers that all members know of"""

    def encode(self, sequence: int, version: object) -> bytes:
        """The room's present messages as frames; made again only for a new sequence or newer numbers."""
        if self._made_for[0] != sequence or self._made_for[1] is not version:
            self.frame = b"".join(frames.text_frame(orjson.dumps(one)) for one in self.messages(sequence))
            self._made_for = (sequence, version)
        return self.frame
