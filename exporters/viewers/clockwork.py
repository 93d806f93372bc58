"""The shard's background work: time, sketches for history, and following the stream directory."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from exporters.discovery import LiveStream
from exporters.viewers.admission import Admission
from exporters.viewers.inputs import Input, StreamLive, StreamOver
from exporters.viewers.shard import Shard

log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
SKETCH_SECONDS = 60.0


class Clockwork:
    """A worker that calls ``turn`` twice a second."""

    def __init__(self, turn: Callable[[], None], name: str, seconds: float = TICK_SECONDS) -> None:
        self._turn = turn
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._turn()
            except Exception:
                log.exception("%s: a turn failed", self._thread.name)


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
