"""The book of streams: what polls and hooks tell, brought together into who publishes now and since when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from exporters.discovery import LiveStream
from exporters.labels import OTHER, BoundedLabel
from exporters.naming import Naming
from exporters.rtmp.broadcast import Broadcast
from exporters.rtmp.clock import Clock, Instant, now
from exporters.rtmp.counting import Sight, StreamCounts
from exporters.rtmp.model import ServerReading
from exporters.rtmp.publish import Publish
from exporters.rtmp.tallies import Tallies

T = TypeVar("T")
MAX_APPS = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds and time limits of the book, in seconds where not said.

    ``hook_grace`` is how long polls may not show a publish that a hook announced; ``worker_grace`` how long a publish
    whose server process is gone from the polls is kept, where nothing tells whether that process still runs.
    """

    streams: int = 2000
    reconnect: float = 60.0
    retention: float = 900.0
    hook_grace: float = 5.0
    worker_grace: float = 10.0


@dataclass(frozen=True, slots=True)
class Round:
    """One good poll of a target: the processes that answered, when it was asked and when it was answered.

    ``worker_alive`` tells whether a process that did not answer still runs (None: not known).
    """

    target: str
    readings: tuple[ServerReading, ...]
    begun: Instant
    at: Instant
    complete: bool = True
    worker_alive: Callable[[str], bool | None] = lambda epoch: None


class StreamBook:
    """Thread-safe: pollers and hooks write, scrapes and stream lists read."""

    def __init__(self, naming: Naming, tallies: Tallies, limits: Limits | None = None, clock: Clock = now) -> None:
        self.limits = limits or Limits()
        self.lost: dict[str, Instant] = {}
        self._naming = naming
        self._tallies = tallies
        self._clock = clock
        self._lock = threading.RLock()
        self._apps = BoundedLabel(MAX_APPS, lambda: tallies.dropped_series.add(1, "apps"))
        self._streams = BoundedLabel(self.limits.streams, lambda: tallies.dropped_series.add(1, "streams"))
        self._broadcasts: dict[tuple[str, str], Broadcast] = {}
        self._counts = StreamCounts()
        self._known_targets: set[str] = set()

    # What polls tell

    def observe(self, round: Round) -> None:
        """Take a good poll of a target."""
        with self._lock:
            self.lost.pop(round.target, None)
            sights: dict[tuple[str, str], list[Sight]] = {}
            for reading in round.readings:
                for stream in reading.streams:
                    sights.setdefault((stream.app, stream.name), []).append((reading.epoch, stream))
            published = {named for named, found in sights.items() if self._sight(round, named, found)}
            for publish in list(self._publishes()):
                if publish.target in ("", round.target) and (publish.app, publish.name) not in published:
                    self._miss(round, publish)
            self._counts.close(round.target)
            self._known_targets.add(round.target)
            self._expire(round.at)

    def lose(self, target: str) -> None:
        """A target did not answer: what only it can tell is withheld, and after the retention taken for ended."""
        at = self._clock()
        with self._lock:
            since = self.lost.setdefault(target, at)
            if at.since(since) >= self.limits.retention:
                for publish in [one for one in self._publishes() if one.target == target]:
                    self._end(publish, publish.seen, "error")
            self._expire(at)

    def _sight(self, round: Round, named: tuple[str, str], found: list[Sight]) -> bool:
        """Take what a round shows of one name; gives whether somebody publishes it there."""
        feeds = [one for one in found if one[1].publisher is not None]
        # A worker that relays from its sibling repeats the sibling's stream: the true publisher's worker counts.
        true_feeds = [one for one in feeds if one[1].publisher and not one[1].publisher.relay]
        feeds = true_feeds or feeds[:1]
        broadcast = self._find(*named)
        if feeds:
            broadcast = self._feed(round, named, feeds[0])
        if broadcast is not None:
            sources = feeds if self._owns(round.target, broadcast, named[1]) else []
            self._counts.take(round.target, round.at.steady, broadcast, found, sources)
        return bool(feeds)

    def _feed(self, round: Round, named: tuple[str, str], sight: Sight) -> Broadcast | None:
        epoch, reading = sight
        publisher = reading.publisher
        assert publisher is not None
        broadcast = self._broadcast(*named)
        publish = broadcast.publishes.get(reading.name)
        if publish is not None and publish.target in ("", round.target) and publish.is_other(publisher.id, epoch):
            self._end(publish, publish.seen, "gap")
            publish = None
        if publish is None:
            last = broadcast.last.get(reading.name)
            if last is not None and last[2] == "hook" and round.begun.since(last[1]) <= 0:
                return broadcast  # asked before the hook told of the end
            connected = publisher.connected_seconds
            start = round.at.before(connected if connected is not None else 0.0)
            publish = Publish(*named, publisher.id, start, round.at, round.target)
            self._begin(broadcast, publish, "poll" if round.target in self._known_targets else "found")
        if publish.target in ("", round.target):
            publish.take(round.target, epoch, reading, round.at)
        return broadcast

    def _owns(self, target: str, broadcast: Broadcast, name: str) -> bool:
        """Whether the publish of this name was found at this target; elsewhere it is a copy on its way to viewers."""
        publish = broadcast.publishes.get(name)
        return publish is None or publish.target in ("", target)

    def _miss(self, round: Round, publish: Publish) -> None:
        """A round did not show a publish that was taken for live."""
        if publish.reading is None:
            elsewhere = not publish.target and self.lost  # it may be at a server that does not answer
            if round.begun.since(publish.seen) > self.limits.hook_grace and not elsewhere:
                self._end(publish, publish.seen, "gap")  # the server refused it after the hook had allowed it
        elif publish.epoch in {reading.epoch for reading in round.readings}:
            if round.begun.since(publish.start) > 0:
                self._end(publish, round.at, "gap")
        elif round.complete:
            alive = round.worker_alive(publish.epoch)
            if alive is False or (alive is None and round.at.since(publish.seen) > self.limits.worker_grace):
                self._end(publish, publish.seen, "error")

    # What hooks tell

    def begin(self, app: str, name: str, id: str, target: str = "") -> None:
        """A hook allowed a publish. Where the name is taken, the server refuses it and nothing changes here."""
        at = self._clock()
        with self._lock:
            broadcast = self._broadcast(app, name)
            publish = broadcast.publishes.get(name)
            if publish is None:
                self._begin(broadcast, Publish(app, name, id, at, at, target), "hook")
            elif not publish.is_other(id, ""):
                publish.seen = at

    def end(self, app: str, name: str, id: str) -> None:
        """A hook told that a publish ended; that of another connection than the live one changes nothing."""
        at = self._clock()
        with self._lock:
            broadcast = self._find(app, name)
            publish = broadcast.publishes.get(name) if broadcast else None
            if publish is not None and not publish.is_other(id, ""):
                self._end(publish, at, "hook")

    def confirm(self, app: str, name: str, id: str, seconds: float) -> None:
        """A hook told that a connection, made ``seconds`` ago, still publishes."""
        at = self._clock()
        with self._lock:
            broadcast = self._broadcast(app, name)
            publish = broadcast.publishes.get(name)
            last = broadcast.last.get(name)
            if publish is not None:
                if not publish.is_other(id, ""):
                    publish.seen = at
            elif last is not None and last[2] == "error" and not last[0].is_other(id, ""):
                last[0].seen = at
                broadcast.resume(last[0])
            elif last is None:
                self._begin(broadcast, Publish(app, name, id, at.before(seconds), at), "found")

    # What is known

    def streams(self) -> tuple[LiveStream, ...]:
        """Every stream that has a name of its own, live or lately ended, with the start of its broadcast."""
        with self._lock:
            rows = []
            for broadcast in self._broadcasts.values():
                if broadcast.stream != OTHER and broadcast.began is not None:
                    state = "live" if broadcast.publishes else "ended"
                    rows.append(LiveStream(broadcast.stream, broadcast.app, state, round(broadcast.began.wall, 3)))
            return tuple(rows)

    def rows(self, row: Callable[[Broadcast], T | None]) -> list[T]:
        """What ``row`` makes of each broadcast, without the Nones; the book stands still meanwhile."""
        with self._lock:
            return [made for made in map(row, self._broadcasts.values()) if made is not None]

    # Inside, the lock held

    def _publishes(self) -> Iterator[Publish]:
        for broadcast in self._broadcasts.values():
            yield from broadcast.publishes.values()

    def _find(self, app: str, name: str) -> Broadcast | None:
        """The broadcast a name belongs to, or None where nothing is known of it."""
        stream = self._naming.stream(name)
        key = (app if app in self._apps else OTHER, stream if stream in self._streams else OTHER)
        found = self._broadcasts.get(key)
        if found is not None and OTHER in key and not found.knows(name):
            return None
        return found

    def _broadcast(self, app: str, name: str) -> Broadcast:
        """The broadcast a name belongs to, made when it is new."""
        found = self._find(app, name)
        if found is not None:
            return found
        key = (self._apps.admit(app), self._streams.admit(self._naming.stream(name)))
        if key not in self._broadcasts:
            self._broadcasts[key] = Broadcast(*key, self.limits.reconnect)
            self._tallies.know_app(key[0])
        return self._broadcasts[key]

    def _begin(self, broadcast: Broadcast, publish: Publish, reason: str) -> None:
        broadcast.begin(publish)
        self._tallies.starts.add(1, broadcast.app, reason)

    def _end(self, publish: Publish, at: Instant, reason: str) -> None:
        broadcast = self._broadcast(publish.app, publish.name)
        broadcast.end(publish.name, at, reason)
        self._tallies.ends.add(1, broadcast.app, reason)
        self._tallies.durations.observe(round(max(0.0, at.since(publish.start)), 3), broadcast.app)

    def _expire(self, at: Instant) -> None:
        """Close broadcasts nobody came back to, and remove streams whose retention is over."""
        for key, broadcast in list(self._broadcasts.items()):
            broadcast.settle(at)
            over = broadcast.ended is not None and at.since(broadcast.ended) >= self.limits.retention
            if over and not broadcast.publishes:
                del self._broadcasts[key]
                if not any(stream == key[1] for _, stream in self._broadcasts):
                    self._streams.forget(key[1])
