"""One broadcast of a stream: its present audience and its exact totals."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from exporters.exposition import Cell
from exporters.labels import OTHER, BoundedLabel
from exporters.viewers.tables import ViewerTables
from exporters.viewers.uniques import Sketch, UniqueWindows

K = TypeVar("K")
MAX_VARIANTS = 12
SHOWN_STATES = ("starting", "playing", "rebuffering", "seeking", "paused", "failed")
TOTALS = (
    "attempts",
    "plays",
    "views",
    "watch_seconds",
    "rebuffer_seconds",
    "rebuffers",
    "start_failures",
    "playback_failures",
    "exits_before_start",
    "switches",
    "revenue",
)
MOMENTS = ("started", "heard", "over_at", "peak", "peak_at", "closed")


class Device(NamedTuple):
    """What a user agent says."""

    device: str
    os: str
    browser: str


class Broadcast:
    """Mutable state of one broadcast; only the engine changes it, under its lock."""

    __slots__ = (
        *TOTALS,
        "_cells",
        "_tables",
        "backgrounded",
        "by_country",
        "by_device",
        "by_variant",
        "chatters",
        "concurrent",
        "closed",
        "engaged",
        "engagements",
        "heard",
        "label",
        "listed",
        "over_at",
        "peak",
        "peak_at",
        "rates",
        "revenue_day",
        "revenue_today",
        "sessions",
        "started",
        "states",
        "stream",
        "variants",
        "viewers",
    )

    def __init__(self, stream: str, label: str, started: float, tables: ViewerTables) -> None:
        self.stream = stream
        self.label = label
        self.started = started
        self.heard = started
        """when a report last came"""
        self.over_at = 0.0
        """when it ended, or 0"""
        self.listed = False
        """whether a stream list tells of its end"""
        self._tables = tables
        self._cells: dict[tuple[str, ...], Cell] = {}
        self.states = dict.fromkeys(SHOWN_STATES, 0)
        self.sessions = 0
        """how many live, shown or not"""
        self.concurrent = 0
        self.backgrounded = 0
        self.by_country: dict[str, int] = {}
        self.by_device: dict[tuple[str, str], int] = {}
        self.by_variant: dict[str, int] = {}
        self.rates: dict[int, str] = {}
        self.variants = BoundedLabel(MAX_VARIANTS, lambda: tables.dropped_series.add(1, "variant"))
        self.viewers = UniqueWindows()
        self.chatters = Sketch()
        self.engaged: set[str] = set()
        """users and sessions with an engagement that no known session had"""
        self.closed = False
        """whether its totals are final and written"""
        self.reset_totals()

    def reset_totals(self) -> None:
        """Start the totals at zero."""
        self.attempts = self.plays = self.views = self.rebuffers = self.switches = 0
        self.start_failures = self.playback_failures = self.exits_before_start = 0
        self.watch_seconds = self.rebuffer_seconds = self.revenue = 0.0
        self.peak = 0
        self.peak_at = self.started
        self.engagements: dict[str, int] = {}
        self.revenue_day = 0
        self.revenue_today = 0.0

    def cell(self, table: str, *labels: str) -> Cell:
        """The cell of a counter with this stream and further labels, kept for the next time."""
        key = (table, *labels)
        found = self._cells.get(key)
        if found is None:
            found = self._cells[key] = getattr(self._tables, table).cell(self.label, *labels)
        return found

    def forget_cells(self) -> None:
        """Look the cells up again, after the tables were restored."""
        self._cells.clear()

    def variant_name(self, variant: str, rate: float) -> str:
        """The bounded rendition label of what a report tells: its name, else the name known for its bitrate."""
        if variant:
            name = self.variants.admit(variant)
            if rate > 0 and name != OTHER and (int(rate) in self.rates or len(self.rates) < MAX_VARIANTS * 4):
                self.rates[int(rate)] = name
            return name
        if rate <= 0:
            return ""
        known = self.rates.get(int(rate))
        if known is None:
            known = self.variants.admit(f"{rate * 8 / 1000:.0f}k")
            if len(self.rates) < MAX_VARIANTS * 4:
                self.rates[int(rate)] = known
        return known

    def join(self, now: float, country: str, device: Device, variant: str) -> None:
        """One more concurrent viewer."""
        self.concurrent += 1
        if self.concurrent > self.peak:
            self.peak, self.peak_at = self.concurrent, now
        _add(self.by_country, country, 1)
        _add(self.by_device, (device.device, device.os), 1)
        _add(self.by_variant, variant, 1)

    def leave(self, country: str, device: Device, variant: str) -> None:
        """One concurrent viewer less."""
        self.concurrent -= 1
        _add(self.by_country, country, -1)
        _add(self.by_device, (device.device, device.os), -1)
        _add(self.by_variant, variant, -1)

    def change_variant(self, before: str, after: str) -> None:
        """A concurrent viewer watches another rendition now."""
        _add(self.by_variant, before, -1)
        _add(self.by_variant, after, 1)

    def shift(self, now: float, by: float) -> None:
        """Our clock was set to ``now``; ``started`` stays, because history knows the broadcast by it."""
        self.heard += by
        self.viewers.shift(now, by)
        self.revenue_day = min(self.revenue_day, int(now) // 86400)
        if self.over_at:
            self.over_at += by

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps; the present audience is rebuilt from the sessions."""
        kept = {name: getattr(self, name) for name in (*TOTALS, *MOMENTS)}
        kept["stream"], kept["listed"] = self.stream, self.listed
        kept["engagements"], kept["engaged"] = dict(self.engagements), list(self.engaged)
        kept["revenue_day"], kept["revenue_today"] = self.revenue_day, self.revenue_today
        kept["variants"] = self.variants.values()
        kept["rates"] = [[rate, name] for rate, name in self.rates.items()]
        return kept

    def sketch_state(self) -> dict[str, Any]:
        """The sketches for a checkpoint; adding to them twice is adding once, so they may be newer than the rest."""
        return {"viewers": self.viewers.state(), "chatters": self.chatters.text()}

    def restore_sketches(self, kept: dict[str, Any]) -> None:
        """Take the sketches of a checkpoint back."""
        self.viewers.restore(kept["viewers"])
        self.chatters = Sketch(kept["chatters"])

    def restore(self, kept: dict[str, Any]) -> None:
        """Take a checkpoint back."""
        for name in (*TOTALS, *MOMENTS, "revenue_day", "revenue_today"):
            setattr(self, name, kept[name])
        self.listed = bool(kept.get("listed"))  # a checkpoint of 0.1.0 has none
        self.engagements, self.engaged = dict(kept["engagements"]), set(kept["engaged"])
        self.rates = {int(rate): name for rate, name in kept["rates"]}
        for name in kept["variants"]:
            self.variants.admit(name)


def _add(counts: dict[K, int], name: K, amount: int) -> None:
    left = counts.get(name, 0) + amount
    if left:
        counts[name] = left
    else:
        counts.pop(name, None)
