"""The shard's background work: time, sketches for history, and following the stream directory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from exporters.discovery import LiveStream
from exporters.loop import Loop
from exporters.viewers.admission import Admission
from exporters.viewers.inputs import Input, StreamLive, StreamOver
from exporters.viewers.shard import Shard

TICK_SECONDS = 0.5
SKETCH_SECONDS = 60.0


class Clockwork(Loop):
    """A worker that calls ``turn`` twice a second, or as often as it is told."""

    def __init__(self, turn: Callable[[], None], name: str, seconds: float = TICK_SECONDS) -> None:
        super().__init__(name, seconds)
        self._turn = turn
        self._seconds = seconds

    def take_turn(self) -> float:
        self._turn()
        return self._seconds


class StreamFollower:
    """Tells the shard and the admission which streams are live; a listener of the stream directory."""

    def __init__(self, shard: Shard, admission: Admission, clock: Callable[[], float] = time.time) -> None:
        self._shard = shard
        self._admission = admission
        self._clock = clock
        self._before: Mapping[str, LiveStream] = {}

    def __call__(self, streams: Mapping[str, LiveStream]) -> None:
        now = self._clock()
        inputs: list[Input] = []
        for stream, one in streams.items():
            if one.state == "live":
                inputs.append(StreamLive(stream, one.started, now))
            else:
                inputs.append(StreamOver(stream, now))
        inputs += [StreamOver(stream, now) for stream in self._before if stream not in streams]
        self._admission.note(streams, self._before)
        self._before = streams
        if inputs:
            self._shard.take(inputs)
