"""One viewing session: what is known of it between its first and its last report."""

from __future__ import annotations

from typing import Any

from exporters.viewers.broadcast import Broadcast, Device
from exporters.viewers.reports import Viewer

Point = tuple[float, int, str, str, float, bool]
"""A moment of a session's life: Unix seconds, order among equals, state, variant, encoded rate, whether an ad plays."""


NO_VIEWER = Viewer(0, "", "", "ZZ", "", "", False)
KEPT = (
    "key",
    "rank",
    "rank_at",
    "offset",
    "seen",
    "gap",
    "interval_at",
    "expires",
    "joined",
    "newest",
    "state",
    "state_at",
    "points",
    "settled",
    "settled_state",
    "settled_variant",
    "settled_rate",
    "begun",
    "cause",
    "confirmed",
    "attempted",
    "played",
    "viewed",
    "new_play",
    "new_view",
    "first_frame",
    "fatal",
    "business",
    "ad",
    "watch_seconds",
    "rebuffer_seconds",
    "unclear_seconds",
    "rebuffers",
    "startup_seconds",
    "told_startup",
    "rendition_seconds",
    "variant_seconds",
    "rate_seconds",
    "rated_seconds",
    "switches",
    "errors",
    "latency_sum",
    "latency_count",
    "dropped_frames",
    "background",
    "user",
    "engagements",
    "highest",
    "received_bits",
    "request_highest",
    "request_bits",
    "order",
    "dry_at",
    "starting_at",
    "unique_slot",
    "named",
    "due",
)

MOMENTS = ("rank_at", "seen", "interval_at", "expires", "joined", "newest", "state_at")
TOLD_MOMENTS = ("begun", "dry_at", "starting_at")
"""negative until there is one"""


class Session:
    """Mutable state of one session; only the engine changes it, under its lock."""

    __slots__ = (*KEPT, "broadcast", "counted", "device", "epoch", "shown_state", "shown_variant", "viewer")

    def __init__(self, key: str, broadcast: Broadcast, viewer: Viewer, device: Device, now: float) -> None:
        self.key = key
        self.broadcast = broadcast
        self.viewer = viewer
        self.device = device
        self.epoch = 0
        """the checkpoint that has it already"""
        self.due = now
        """when the engine looks at it again"""
        # How it is shown by the gauges now.
        self.counted = False
        self.shown_state = ""
        self.shown_variant = ""
        # Where its reports come from, and when the next is due.
        self.rank = 0
        self.rank_at = self.seen = self.interval_at = now
        self.offset: float | None = None
        """our clock minus the player's"""
        self.gap = 0.0
        self.expires = now
        self.highest = self.request_highest = -1
        self.received_bits = self.request_bits = 0
        self.order = 0
        # Its life as told, newest last; what is older than the reorder window is settled.
        self.points: list[Point] = []
        self.settled = False
        self.settled_state = self.settled_variant = self.cause = ""
        self.settled_rate = -1.0
        self.joined = self.newest = self.state_at = now
        self.state = ""
        self.begun = -1.0
        self.confirmed = self.attempted = self.played = self.viewed = False
        self.new_play = self.new_view = False
        """whether this row of history counts the play and the view, not an earlier row of the same session"""
        self.first_frame = self.fatal = self.business = self.ad = False
        self.dry_at = self.starting_at = -1.0
        # Settled facts.
        self.watch_seconds = self.rebuffer_seconds = self.unclear_seconds = 0.0
        self.rebuffers = self.switches = self.errors = 0
        self.startup_seconds = self.told_startup = -1.0
        self.rendition_seconds: dict[str, float] | None = None
        self.variant_seconds = self.rate_seconds = self.rated_seconds = 0.0
        self.latency_sum = 0.0
        self.latency_count = 0
        self.dropped_frames = 0
        self.background = False
        self.user = ""
        self.named = False
        """whether it is the session in which its user was named last"""
        self.engagements: dict[str, int] | None = None
        self.unique_slot = 0

    @property
    def stream(self) -> str:
        return self.broadcast.stream

    @property
    def session_id(self) -> str:
        """The id the player gave."""
        return self.key.partition(" ")[2]

    def unique_name(self) -> str:
        """Whom the distinct viewers count: the user, else address and user agent, else the session."""
        if self.user:
            return "u" + self.user
        return f"i{self.viewer.identity}" if self.viewer.public else "s" + self.session_id

    def seconds_by_variant(self) -> dict[str, float]:
        """Watch time by rendition."""
        seconds = dict(self.rendition_seconds or {})
        if self.variant_seconds:
            seconds[self.settled_variant] = seconds.get(self.settled_variant, 0.0) + self.variant_seconds
        return seconds

    def shift(self, by: float) -> None:
        """Move all moments by so many seconds."""
        for name in MOMENTS:
            setattr(self, name, getattr(self, name) + by)
        for name in TOLD_MOMENTS:
            if getattr(self, name) >= 0:
                setattr(self, name, getattr(self, name) + by)
        if self.offset is not None:
            self.offset += by
        self.points = [(t + by, order, state, variant, rate, ad) for t, order, state, variant, rate, ad in self.points]

    def dump(self) -> list[Any]:
        """Plain values, for a checkpoint."""
        values = [getattr(self, name) for name in KEPT]
        return [self.stream, tuple(self.viewer), tuple(self.device), values]

    def load(self, values: list[Any]) -> None:
        """Take the values of a checkpoint back."""
        if len(values) == len(KEPT) - 2:  # a checkpoint of an earlier version
            values = [*values, bool(values[KEPT.index("user")]), values[KEPT.index("expires")]]
        for name, value in zip(KEPT, values, strict=True):
            setattr(self, name, [tuple(point) for point in value] if name == "points" else value)
