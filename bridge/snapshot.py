"""The snapshot: everything the live API says, taken from Prometheus at one instant, frozen, and swapped whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bridge import contract
from bridge.problems import unavailable
from prometheus import queries
from prometheus.queries import Query

Values = Mapping[tuple[str, ...], float]
NOTHING: Mapping[str, float] = MappingProxyType({})

HOPS: Mapping[str, Query] = MappingProxyType(
    {
        "rtmp": queries.STREAM_UP,
        "hls": queries.PLAYLIST_AGE,
        "cdn": queries.EDGE_BYTES,
        "viewers": queries.VIEWERS,
    }
)
"""The hops in path order, each with the query whose silence means that the hop says nothing about a stream."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """One stream in a snapshot: the answer of each catalogue query about it. None and empty mean "not said"."""

    stream: str
    values: Mapping[str, float] = field(default_factory=dict)
    splits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """hops that say nothing about this stream"""

    def value(self, query: Query) -> float | None:
        """The stream's value of a query by stream alone."""
        return self.values.get(query.name)

    def split(self, query: Query) -> Mapping[str, float]:
        """The stream's values of a query by stream and a second label, by that label."""
        return self.splits.get(query.name, NOTHING)

    @property
    def publishing(self) -> bool:
        return self.value(queries.STREAM_UP) == 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All streams and the platform at one instant (``taken``, Unix seconds)."""

    taken: float
    streams: Mapping[str, StreamState]
    results: Mapping[str, Values]
    missing: tuple[str, ...] = ()
    """hops whose exporter or source does not answer"""

    def platform(self, query: Query) -> float | None:
        """The value of a query without labels."""
        return self.results.get(query.name, {}).get(())

    def live(self) -> tuple[StreamState, ...]:
        """The streams now publishing."""
        return tuple(one for one in self.streams.values() if one.publishing)


def build(taken: float, results: Mapping[str, Values]) -> Snapshot:
    """Fold the answers of the catalogue's queries (by query name) into a snapshot."""
    values: dict[str, dict[str, float]] = {}
    splits: dict[str, dict[str, dict[str, float]]] = {}
    for query in queries.SNAPSHOT:
        answer = results.get(query.name, {})
        if query.labels == ("stream",):
            for (stream,), value in answer.items():
                values.setdefault(stream, {})[query.name] = value
        elif len(query.labels) == 2 and query.labels[0] == "stream":
            for (stream, part), value in answer.items():
                splits.setdefault(stream, {}).setdefault(query.name, {})[part] = value
    missing = _silent_hops(results)
    streams = {
        stream: StreamState(
            stream,
            MappingProxyType(values.get(stream, {})),
            MappingProxyType(splits.get(stream, {})),
            tuple(hop for hop, query in HOPS.items() if hop in missing or query.name not in values.get(stream, {})),
        )
        for stream in sorted(values.keys() | splits.keys())
        if stream and not stream.startswith("_")
    }
    return Snapshot(taken, MappingProxyType(streams), MappingProxyType(dict(results)), missing)


def _silent_hops(results: Mapping[str, Values]) -> tuple[str, ...]:
    up = results.get(queries.EXPORTERS_UP.name, {})
    sources = results.get(queries.SOURCES_UP.name, {})
    silent = []
    for hop, query in HOPS.items():
        exporter_down = up.get((hop,), 1) == 0 or sources.get((hop,), 1) == 0
        never_heard = (hop,) not in up and not results.get(query.name)
        if exporter_down or never_heard:
            silent.append(hop)
    return tuple(silent)


class SnapshotStore:
    """Holds the newest snapshot; readers take it without a lock."""

    def __init__(
        self,
        stale_after_seconds: float = 6.0,
        limit_seconds: float = 60.0,
        clock: Callable[[], float] = time.time,
        mock: bool = False,
    ) -> None:
        self._stale_after_seconds = stale_after_seconds
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._mock = mock
        self.present: Snapshot | None = None

    def swap(self, snapshot: Snapshot) -> None:
        self.present = snapshot

    def age_seconds(self) -> float:
        """How old the newest snapshot is; infinite when there is none."""
        return float("inf") if self.present is None else max(0.0, self._clock() - self.present.taken)

    def is_stale(self) -> bool:
        return self.age_seconds() > self._stale_after_seconds

    def latest(self) -> Snapshot:
        """The newest snapshot; raises a 503 Problem when there is none that is fresh enough."""
        if self.present is None:
            raise unavailable("no numbers yet: Prometheus has not answered", 2)
        if self.age_seconds() > self._limit_seconds:
            raise unavailable(f"Prometheus has not answered for {self.age_seconds():.0f} s")
        return self.present

    def meta(self, snapshot: Snapshot, missing: tuple[str, ...] | None = None) -> contract.Meta:
        """What is true about a snapshot's numbers, for the answer that carries them."""
        age = max(0.0, self._clock() - snapshot.taken)
        meta: contract.Meta = {
            "asOf": contract.instant(snapshot.taken),
            "ageSeconds": round(age, 1),
            "stale": age > self._stale_after_seconds,
            "missing": list(snapshot.missing if missing is None else missing),
        }
        if self._mock:
            meta["mock"] = True
        return meta
