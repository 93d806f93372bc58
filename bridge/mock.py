"""A seeded simulation in Prometheus' place: the same catalogue queries, answered without any infrastructure.

Every number is a function of the seed and the time alone, so that restarts and parallel bridges agree.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bridge.promapi import Labels, Points
from prometheus import queries
from prometheus.queries import Query

PERIOD_SECONDS = 3 * 3600
ON_AIR_SECONDS = 170 * 60
AUDIENCE_STEP_SECONDS = 10
PEAK_STEP_SECONDS = 60
COUNTRIES = MappingProxyType({"DE": 30, "US": 25, "GB": 12, "FR": 10, "BR": 9, "JP": 8, "ZZ": 6})
DEVICES = MappingProxyType({"mobile": 48, "desktop": 34, "tv": 12, "tablet": 6})
VARIANTS = MappingProxyType({"720p": 45, "1080p": 30, "480p": 18, "360p": 7})
EVENTS = MappingProxyType({"chat_message": 3.1, "like": 1.4, "reaction": 0.9, "share": 0.2, "follow": 0.1})
NAMES = ("forest-cam", "night-trail", "base-camp", "river-talk", "summit-show", "campfire")


@dataclass(frozen=True, slots=True)
class SimulatedStream:
    """One stream's constants; all else follows from the time."""

    name: str
    offset: float
    audience: float
    swing_seconds: float
    plays_a_second: float
    average_view_seconds: float

    def started(self, at: float) -> float:
        """When the broadcast that is or was last on air at this time began."""
        return math.floor((at + self.offset) / PERIOD_SECONDS) * PERIOD_SECONDS - self.offset

    def is_live(self, at: float) -> bool:
        return at - self.started(at) < ON_AIR_SECONDS

    def viewers(self, at: float) -> int:
        """Concurrent viewers: rising in the first minutes, swinging after."""
        since = at - self.started(at)
        if not self.is_live(at):
            return 0
        step = math.floor(at / AUDIENCE_STEP_SECONDS)
        wobble = 1 + 0.03 * math.sin(step * 12.9898 + self.offset)  # each step another, without a generator
        rise = 1 - math.exp(-since / 300)
        return round(self.audience * rise * (1 + 0.25 * math.sin(at / self.swing_seconds)) * wobble)

    def peak(self, at: float) -> int:
        end = min(at, self.started(at) + ON_AIR_SECONDS - 1)
        steps = range(math.floor(self.started(at)) + PEAK_STEP_SECONDS, math.floor(end), PEAK_STEP_SECONDS)
        return max((self.viewers(one) for one in steps), default=0)

    def plays(self, at: float) -> int:
        return math.floor(min(at - self.started(at), ON_AIR_SECONDS) * self.plays_a_second)


class Simulator:
    """Answers catalogue queries about its streams."""

    def __init__(self, seed: int = 7) -> None:
        numbers = random.Random(seed)
        self.streams = tuple(
            SimulatedStream(
                name,
                offset=numbers.uniform(0, PERIOD_SECONDS),
                audience=numbers.uniform(40, 900),
                swing_seconds=numbers.uniform(120, 900),
                plays_a_second=numbers.uniform(0.2, 1.5),
                average_view_seconds=numbers.uniform(180, 1500),
            )
            for name in NAMES
        )

    def instant(self, query: Query, at: float) -> dict[Labels, float]:
        """The query's values at a time, as Prometheus would give them."""
        if query in PLATFORM:
            return {labels: value for labels, value in PLATFORM[query].items()}
        one_by_one = VALUES.get(query)
        if one_by_one is not None:
            return {(stream.name,): one_by_one(stream, at) for stream in self.streams}
        split = SPLITS.get(query)
        if split is None:
            return {}
        return {(stream.name, part): value for stream in self.streams for part, value in split(stream, at)}

    def range(self, query: Query, start: float, end: float, step_seconds: float) -> dict[Labels, Points]:
        """The query's points over a time."""
        series: dict[Labels, list[tuple[float, float]]] = {}
        for step in range(math.floor((end - start) / step_seconds) + 1):
            at = start + step * step_seconds
            for labels, value in self.instant(query, at).items():
                series.setdefault(labels, []).append((at, value))
        return {labels: tuple(points) for labels, points in series.items()}

    def close(self) -> None:
        """There is nothing to close; sources are closed with the bridge."""


def divided(total: int, weights: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """A whole number by weights, without losing one: the largest remainders round up."""
    whole = sum(weights.values())
    exact = {name: total * weight / whole for name, weight in weights.items()}
    left = total - sum(math.floor(value) for value in exact.values())
    ranked = sorted(exact, key=lambda name: exact[name] - math.floor(exact[name]), reverse=True)
    for position, name in enumerate(ranked):
        yield name, math.floor(exact[name]) + (position < left)


def _if_live(value: float) -> Callable[[SimulatedStream, float], float]:
    return lambda stream, at: value if stream.is_live(at) else 0.0


def _by(weights: Mapping[str, float]) -> Callable[[SimulatedStream, float], Iterator[tuple[str, float]]]:
    return lambda stream, at: divided(stream.viewers(at), weights)


def _engagements(stream: SimulatedStream, at: float) -> Iterator[tuple[str, float]]:
    for event, share in EVENTS.items():
        yield event, math.floor(stream.plays(at) * share)


def _bytes(stream: SimulatedStream, at: float) -> float:
    return stream.viewers(at) * 350_000.0


VALUES: Mapping[Query, Callable[[SimulatedStream, float], float]] = {
    queries.STREAM_UP: lambda stream, at: float(stream.is_live(at)),
    queries.STREAM_START: lambda stream, at: stream.started(at),
    queries.STREAM_FIRST_START: lambda stream, at: stream.started(at),
    queries.STREAM_INGEST_RATE: _if_live(562_500),
    queries.STREAM_FRAME_RATE: _if_live(30),
    queries.STREAM_WIDTH: _if_live(1920),
    queries.STREAM_HEIGHT: _if_live(1080),
    queries.STREAM_AVAILABLE: lambda stream, at: 0.998,
    queries.PLAYLIST_STALE: lambda stream, at: float(not stream.is_live(at)),
    queries.PLAYLIST_AGE: lambda stream, at: 1.0 + at % 2,
    queries.LIVE_EDGE_LATENCY: lambda stream, at: 4.0,
    queries.HLS_UP: lambda stream, at: float(stream.is_live(at)),
    queries.VIEWERS: lambda stream, at: float(stream.viewers(at)),
    queries.PEAK_VIEWERS: lambda stream, at: float(stream.peak(at)),
    queries.PLAYS: lambda stream, at: float(stream.plays(at)),
    queries.WATCH_SECONDS: lambda stream, at: stream.plays(at) * stream.average_view_seconds,
    queries.AVERAGE_VIEW: lambda stream, at: stream.average_view_seconds,
    queries.STALL_RATIO: lambda stream, at: 0.004 + 0.003 * math.sin(at / stream.swing_seconds),
    queries.STARTUP_P50: lambda stream, at: 0.9,
    queries.STARTUP_P95: lambda stream, at: 2.4,
    queries.LIVE_LATENCY_P50: lambda stream, at: 6.5,
    queries.REVENUE_TODAY: lambda stream, at: round(stream.plays(at) * 0.11, 2),
    queries.ENGAGED_RATIO: lambda stream, at: 0.31,
    queries.ENGAGED_SESSIONS: lambda stream, at: stream.plays_a_second * 0.31,
    queries.SESSION_STARTS: lambda stream, at: stream.plays_a_second,
    queries.AVERAGE_BITRATE: lambda stream, at: 410_000.0,
    queries.REBUFFERS: lambda stream, at: float(stream.plays(at) // 9),
    queries.UNIQUE_VIEWERS: lambda stream, at: math.floor(stream.plays(at) * 0.86),
    queries.CHAT_PARTICIPANTS: lambda stream, at: math.floor(stream.plays(at) * 0.17),
    queries.EDGE_BYTES: _bytes,
    queries.EDGE_REQUESTS: lambda stream, at: stream.viewers(at) * 0.9,
    queries.EDGE_FAILED: lambda stream, at: stream.viewers(at) * 0.0018,
    queries.EDGE_ERROR_RATIO: lambda stream, at: 0.002,
    queries.EDGE_TTFB: lambda stream, at: 0.024 + 0.004 * math.sin(at / stream.swing_seconds),
}
SPLITS: Mapping[Query, Callable[[SimulatedStream, float], Iterator[tuple[str, float]]]] = {
    queries.ENGAGEMENTS: _engagements,
    queries.VIEWERS_BY_COUNTRY: _by(COUNTRIES),
    queries.VIEWERS_BY_DEVICE: _by(DEVICES),
    queries.VIEWERS_BY_VARIANT: _by(VARIANTS),
}
PLATFORM: Mapping[Query, Mapping[Labels, float]] = {
    queries.CLUSTER_ERROR_RATIO: {(): 0.002},
    queries.CLUSTER_ENGAGED_RATIO: {(): 0.31},
    queries.CLUSTER_STALL_RATIO: {(): 0.004},
    queries.HOST_CPU: {(): 0.42},
    queries.EXPORTERS_UP: {(hop,): 1.0 for hop in ("rtmp", "hls", "cdn", "viewers")},
}
