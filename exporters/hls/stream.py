"""Following one stream at one endpoint: its multivariant playlist, and a task for every media playlist it names."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from urllib.parse import urljoin

from exporters import metrics
from exporters.errors import SourceError, SourceFormatError
from exporters.hls import naming, reading
from exporters.hls.exchange import Exchange
from exporters.hls.fetching import NO_HEADERS
from exporters.hls.media import Clock, MediaWatch
from exporters.hls.pacing import Pace, reload_seconds
from exporters.hls.playlist import MultivariantPlaylist
from exporters.hls.tables import HlsTables
from exporters.hls.targets import Target
from exporters.hls.validators import conditional_headers

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0


class StreamProbe:
    """Probes one target until it is stopped."""

    def __init__(
        self, target: Target, exchange: Exchange, tables: HlsTables, pace: Pace, clock: Clock, reload_seconds: float
    ) -> None:
        self.target = target
        self.media: dict[str, MediaWatch] = {}
        self._exchange = exchange
        self._tables = tables
        self._pace = pace
        self._clock = clock
        self._reload_seconds = reload_seconds
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._main: asyncio.Task[None] | None = None
        self._ticked_at = clock.monotonic()
        self._conditional: Mapping[str, str] = NO_HEADERS
        self._ok = False
        self._labels = (target.stream, target.endpoint)

    def start(self) -> None:
        self._tables[metrics.HLS_UP].set(0, *self._labels)
        self._tables[metrics.HLS_PLAYLIST_STALE_SECONDS].add(0, *self._labels)
        self._main = asyncio.create_task(self._run())

    async def stop(self) -> None:
        tasks = [*self._tasks.values(), *([self._main] if self._main else [])]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        self._tables[metrics.HLS_UP].set(0, *self._labels)
        self._tables.withhold(*self._labels)

    def tick(self) -> None:
        """Show what time alone changes: staleness and whether the stream is up."""
        now = self._clock.monotonic()
        elapsed, self._ticked_at = now - self._ticked_at, now
        stale = {name for name, watch in self.media.items() if watch.stale()}
        for name, watch in self.media.items():
            if watch.playlist is not None:
                self._tables[metrics.HLS_PLAYLIST_STALE].set(int(name in stale), *self._labels, name)
        if stale:
            self._tables[metrics.HLS_PLAYLIST_STALE_SECONDS].add(elapsed, *self._labels)
        good = [name for name, watch in self.media.items() if watch.ok and name not in stale]
        self._tables[metrics.HLS_UP].set(int(self._ok and bool(good)), *self._labels)
        failing = sum(not watch.ok for watch in self.media.values())
        states = {"declared": len(self.media), "ok": len(good), "failing": failing, "stale": len(stale)}
        for state, number in states.items():
            self._tables[metrics.HLS_VARIANTS].set(number, *self._labels, state)
        edges = [watch.edge_latency for watch in self.media.values() if watch.edge_latency is not None]
        if len(edges) > 1:
            self._tables[metrics.HLS_VARIANT_DRIFT].set(round(max(edges) - min(edges), 6), *self._labels)

    async def _run(self) -> None:
        due = self._clock.monotonic()
        while True:
            begun = await self._pace.until(due)
            try:
                wait = await self._turn()
            except SourceError as error:
                log.debug("%s at %s: %s", *self._labels, error)
                self._ok = False
                wait = RETRY_SECONDS
            except Exception:
                log.exception("turn of %s at %s failed", *self._labels)
                wait = self._reload_seconds
            due = max(begun + wait, self._clock.monotonic())

    async def _turn(self) -> float:
        """Fetch the multivariant playlist once; gives the seconds to wait."""
        answer = await self._exchange.get("multivariant", self.target.url, self._conditional)
        self._tables[metrics.HLS_LAST_PROBE].set(self._clock.wall(), *self._labels)
        self._ok = True
        if answer.status == 304:
            return self._reload_seconds
        try:
            playlist = reading.read_playlist(answer.body, answer.url)
        except SourceFormatError:
            self._exchange.failed("multivariant", "parse")
            raise
        self._conditional = conditional_headers(answer.headers)
        if isinstance(playlist, MultivariantPlaylist):
            self._declare(playlist, answer.url)
        else:
            self._follow({naming.MAIN: self.target.url})
        return self._reload_seconds

    def _declare(self, playlist: MultivariantPlaylist, url: str) -> None:
        named = naming.media_playlists(playlist)
        self._follow({name: urljoin(url, uri) for name, uri in named.items()})
        for name, variant in zip(naming.variant_names(playlist.variants), playlist.variants, strict=True):
            if name in named and variant.bandwidth:
                self._tables[metrics.HLS_DECLARED_RATE].set(variant.bandwidth / 8, *self._labels, name)

    def _follow(self, urls: dict[str, str]) -> None:
        for name in [name for name in self.media if name not in urls]:
            self._tasks.pop(name).cancel()
            del self.media[name]
            self._tables.withhold_variant(*self._labels, name)
        for name, url in urls.items():
            if name in self.media:
                self.media[name].url = url  # tokens in it may have changed
            else:
                watch = MediaWatch(name, url, self._exchange, self._tables, self._clock)
                self.media[name] = watch
                self._tasks[name] = asyncio.create_task(self._run_media(watch))

    async def _run_media(self, watch: MediaWatch) -> None:
        due, first = self._clock.monotonic(), True
        while True:
            begun = await self._pace.until(due)
            changed = False
            try:
                changed = await watch.poll() is not None
                self._tables[metrics.HLS_LAST_PROBE].set(self._clock.wall(), *self._labels)
            except SourceError as error:
                log.debug("%s at %s, %s: %s", *self._labels, watch.name, error)
            except Exception:
                log.exception("turn of %s at %s, %s failed", *self._labels, watch.name)
            target = watch.playlist.target_duration if watch.playlist else RETRY_SECONDS
            wait = reload_seconds(target, changed)
            due = max(begun + (self._pace.first(wait) if first else wait), self._clock.monotonic())
            first = False
