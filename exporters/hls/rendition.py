"""Probing one rendition: fetched at its pace or by blocking reloads, every step checked, counted and shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from exporters import metrics
from exporters.errors import SourceError
from exporters.hls.blocking import BlockingReloads
from exporters.hls.exchange import Exchange, StatusError
from exporters.hls.hints import LowLatencyChecks
from exporters.hls.media import Clock, MediaWatch, Poll
from exporters.hls.pacing import Pace, reload_seconds
from exporters.hls.playlist import MediaPlaylist
from exporters.hls.progress import Step
from exporters.hls.rules.fetches import failure_finding
from exporters.hls.rules.single import check_media
from exporters.hls.rules.update import check_step
from exporters.hls.sampling import RemovedSegments, SegmentSampler
from exporters.hls.showing import RenditionTables
from exporters.hls.tables import HlsTables
from exporters.hls.violations import Violations

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
PATIENCE = 2
"""failures in a row before a playlist counts as broken: one may be a token that has just expired"""
MOVED = frozenset({401, 403, 404, 410})
"""statuses after which the multivariant playlist may have a new address"""


@dataclass(frozen=True)
class Workshop:
    """What the probes of one target share."""

    exchange: Exchange
    tables: HlsTables
    violations: Violations
    pace: Pace
    clock: Clock
    on_poll: Callable[[str, Step | None], None]
    """told of every good fetch: the rendition's name, and the step where there was one"""
    on_moved: Callable[[], None]
    """told that a playlist is not where it was"""
    in_grace: Callable[[], bool]
    """whether the stream may still be starting"""


class RenditionProbe:
    """Follows one rendition until its task is cancelled."""

    def __init__(self, name: str, url: str, shop: Workshop, blocking: bool) -> None:
        self.name = name
        self.watch = MediaWatch(name, url, shop.exchange, shop.clock)
        self.sampler = SegmentSampler(name, shop.exchange, shop.tables)
        self.removed = RemovedSegments()
        self.checks = LowLatencyChecks(self.watch, shop.exchange, shop.tables, shop.violations)
        self.shown = RenditionTables(shop.tables, shop.exchange.target.stream, shop.exchange.target.endpoint, name)
        self.edge_latency: float | None = None
        self._shop = shop
        self._blocking = blocking
        self._reloads = BlockingReloads(self.watch, shop.exchange, shop.tables, shop.violations, shop.clock)

    async def run(self) -> None:
        due, first = self._shop.clock.monotonic(), True
        while True:
            begun = await self._shop.pace.until(due)
            try:
                wait = await self.turn()
            except Exception:
                log.exception("turn of %s failed", self.watch.url)
                wait = RETRY_SECONDS
            # Streams that were found together are spread out once, and keep their distance by their pace.
            due = max(begun + (self._shop.pace.first(wait) if first else wait), self._shop.clock.monotonic())
            first = False

    async def turn(self) -> float:
        """Fetch once and take what came; gives the seconds from the fetch's begin to the next."""
        asked = self._blocks_on()
        try:
            poll = await (self._reloads.reload(asked) if asked else self.watch.poll())
        except SourceError as error:
            self._failed(error)
            return RETRY_SECONDS
        self._taken(poll)
        playlist = self.watch.playlist
        if playlist is None:
            return RETRY_SECONDS
        if self._blocks_on():
            # The answer came when there was something new: ask for the next at once, unless the server does not hold.
            return (playlist.part_target or playlist.target_duration) / 4
        return reload_seconds(playlist.target_duration, poll.step is not None)

    def _blocks_on(self) -> MediaPlaylist | None:
        """The playlist to ask on from with a blocking reload, where the server offers it."""
        playlist = self.watch.playlist
        if not self._blocking or playlist is None or playlist.ended or self.watch.failures:
            return None
        control = playlist.server_control
        return playlist if control is not None and control.can_block_reload else None

    def _taken(self, poll: Poll) -> None:
        shop = self._shop
        shop.tables[metrics.HLS_LAST_PROBE].set(
            shop.clock.wall(), shop.exchange.target.stream, shop.exchange.target.endpoint
        )
        shop.violations.update(f"fetch:{self.name}", ())
        if poll.step is not None:
            self._stepped(poll.step)
        shop.on_poll(self.name, poll.step)

    def _stepped(self, step: Step) -> None:
        shop = self._shop
        if step.restarted:
            self.removed.clear()
        elif step.before is not None:
            self.removed.take(step.before, step.playlist, self.watch.final_url, shop.clock.monotonic())
        self.edge_latency = self.shown.show(step, shop.clock.wall())
        shop.violations.update(self.name, [*check_media(step.playlist, self.watch.final_url), *check_step(step)])

    def _failed(self, error: SourceError) -> None:
        log.debug("%s: %s", self.watch.url, error)
        if isinstance(error, StatusError) and error.status in MOVED:
            self._shop.on_moved()
        if self.watch.failures >= PATIENCE and not self._shop.in_grace():
            self._shop.violations.update(f"fetch:{self.name}", [failure_finding(error)])
