"""Answers encoded once per snapshot: the first reader pays, the others get the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from bridge.snapshot import Snapshot


class EncodedAnswers:
    """JSON bytes by key, for one snapshot; forgotten as a whole when a newer one is asked for."""

    def __init__(self) -> None:
        self._of: tuple[Snapshot | None, dict[Any, bytes]] = (None, {})

    def get(self, snapshot: Snapshot, key: Any, make: Callable[[], Any]) -> bytes:
        """The encoded answer, made now if nobody has asked for it since the snapshot was taken."""
        held, answers = self._of
        if held is not snapshot:
            answers = {}
            self._of = (snapshot, answers)
        found = answers.get(key)
        if found is None:
            found = answers[key] = orjson.dumps(make())
        return found
