"""Recorded answers of media servers, and a clock and values to play them with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporters.rtmp.clock import Instant
from exporters.rtmp.fetch import NotFoundError
from exporters.rtmp.model import Publisher, ServerReading, StreamReading

FOLDER = Path(__file__).parents[1] / "fixtures/rtmp"
EPOCH_WALL = 1_800_000_000.0


def fixture(name: str) -> bytes:
    """A recorded answer."""
    return (FOLDER / name).read_bytes()


class HandClock:
    """A clock that stands still until it is moved; ``at`` seconds after a fixed start."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> Instant:
        return self.at(self.seconds)

    @staticmethod
    def at(seconds: float) -> Instant:
        return Instant(EPOCH_WALL + seconds, 1000.0 + seconds)


def stream(name: str = "demo", id: str = "1", app: str = "live", **values: Any) -> StreamReading:
    """A published stream; values of the publisher may be given beside the stream's."""
    own = {key: values.pop(key) for key in list(values) if key in Publisher.__dataclass_fields__}
    return StreamReading(app, name, publisher=Publisher(id=id, **own), **values)


def server(*streams: StreamReading, epoch: str = "100", **values: Any) -> ServerReading:
    """A server process with these streams."""
    return ServerReading("nginx 1", epoch, apps=("live",), streams=streams, **values)


class Recorded:
    """Answers requests by what the end of their URL is mapped to; an exception is raised. ``asked`` keeps the URLs."""

    def __init__(self, answers: Mapping[str, bytes | Exception]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        for ending, answer in self._answers.items():
            if url.endswith(ending):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        raise NotFoundError("HTTP 404", "http")
