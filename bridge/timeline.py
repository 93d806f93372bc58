"""The recent course of viewers and chat: one frame of all streams each step, kept in memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Protocol

from bridge import contract
from bridge.promapi import Points, PrometheusUnreachableError, QueryRefusedError
from bridge.snapshot import Snapshot
from prometheus import queries
from prometheus.queries import Query

log = logging.getLogger(__name__)
Frame = dict[str, tuple[float, float | None]]
"""stream to (viewers, chat messages since the stream started, None where nobody says); without unheard streams"""
NOTHING_SEEN = (0.0, None)
CHAT = "chat_message"


class RangeSource(Protocol):
    """Answers range queries: Prometheus, or the simulator."""

    def range(
        self, query: Query, start: float, end: float, step_seconds: float
    ) -> Mapping[tuple[str, ...], Points]: ...


class Timeline:
    """Frames on a fixed grid of ``step_seconds``; a snapshot writes the frame of its instant."""

    def __init__(self, step_seconds: int = 10, points: int = 30) -> None:
        self.step_seconds = step_seconds
        self.points = points
        self._frames: dict[int, Frame] = {}
        self._lock = threading.Lock()

    def observe(self, snapshot: Snapshot) -> None:
        """Write the frame that the snapshot falls in."""
        frame: Frame = {
            stream: (viewers, state.split(queries.ENGAGEMENTS).get(CHAT))
            for stream, state in snapshot.streams.items()
            if (viewers := state.value(queries.VIEWERS)) is not None
        }
        self._put(int(snapshot.taken // self.step_seconds), frame)

    def backfill(self, source: RangeSource, now: float) -> None:
        """Fill the frames before ``now`` by one range query a series; raises what the source raises."""
        end = now // self.step_seconds * self.step_seconds
        start = end - self.points * self.step_seconds
        viewers = source.range(queries.VIEWERS, start, end, self.step_seconds)
        engagements = source.range(queries.ENGAGEMENTS, start, end, self.step_seconds)
        frames: dict[int, Frame] = {}
        for (stream,), points in viewers.items():
            for at, value in points:
                frames.setdefault(int(at // self.step_seconds), {})[stream] = (value, None)
        for (stream, event), points in engagements.items():
            for at, value in points if event == CHAT else ():
                frame = frames.get(int(at // self.step_seconds), {})
                if stream in frame:
                    frame[stream] = (frame[stream][0], value)
        with self._lock:
            self._frames = {**frames, **self._frames}

    def course(self, stream: str, now: float) -> list[contract.TimelinePoint]:
        """The stream's last points, oldest first; a step nobody saw counts no viewers and no messages."""
        last = int(now // self.step_seconds)
        frames = self._frames
        points: list[contract.TimelinePoint] = []
        _, before = frames.get(last - self.points, {}).get(stream, NOTHING_SEEN)
        for step in range(last - self.points + 1, last + 1):
            viewers, chat = frames.get(step, {}).get(stream, NOTHING_SEEN)
            messages = 0.0 if chat is None or before is None else max(0.0, chat - before)
            points.append(
                {
                    "timestamp": contract.instant(step * self.step_seconds),
                    "viewers": round(viewers),
                    "chatActivity": round(messages),
                }
            )
            before = before if chat is None else chat
        return points

    def _put(self, step: int, frame: Frame) -> None:
        with self._lock:
            kept = {one: old for one, old in self._frames.items() if step - self.points <= one}
            kept[step] = frame
            self._frames = kept


class TimelineFiller:
    """Backfills a timeline once, as soon as the source answers; called after each snapshot."""

    def __init__(self, timeline: Timeline, source: RangeSource) -> None:
        self._timeline = timeline
        self._source = source
        self._filled = False

    def __call__(self, snapshot: Snapshot) -> None:
        self._timeline.observe(snapshot)
        if not self._filled:
            try:
                self._timeline.backfill(self._source, snapshot.taken)
            except (PrometheusUnreachableError, QueryRefusedError) as error:
                log.warning("the recent course is not known yet: %s", error)
                return
            self._filled = True
