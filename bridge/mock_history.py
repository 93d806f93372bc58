"""History without a database: every answer of the read object, imagined from the shape it must have."""

from __future__ import annotations

import time
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bridge import contract
from bridge.history.selection import Selection
from bridge.history.window import Window
from bridge.mock import NAMES
from bridge.mock_shapes import Imagined


class SimulatedHistory:
    """Stands in for ``bridge.history.history.History``; every answer is marked in ``meta.mock``."""

    def __init__(self, seed: int = 7, clock: Callable[[], float] = time.time) -> None:
        self._seed = seed
        self._clock = clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def is_known(self, stream: str) -> bool:
        return stream in NAMES

    def streams_of_channel(self, channel: str, tenant: str | None) -> tuple[str, ...]:
        return NAMES if channel == "all" else ()

    def last_aired(self, stream: str) -> tuple[datetime, datetime] | None:
        return self.now() - timedelta(hours=3), self.now()

    def comprehensive(self, stream: str, selection: Selection, window: Window) -> Any:
        return self._imagine(contract.ComprehensiveAnalytics, stream, window, {"streamId": stream, "eventId": stream})

    def historical(self, selection: Selection, window: Window, offset: int = 0, limit: int = 10) -> Any:
        shown = NAMES[offset : offset + limit]
        known = {
            "streams": [self.comprehensive(stream, selection, window) for stream in shown],
            "total": len(NAMES),
            "hasMore": offset + limit < len(NAMES),
        }
        return self._imagine(contract.HistoricalAnalytics, "historical", window, known)

    def sessions(self, stream: str, page: int, limit: int) -> Any:
        window = Window.last_days(1, self.now(), ZoneInfo("UTC"))
        made = self._imagine(contract.ViewerSessions, f"{stream}/{page}", window, {"streamId": stream})
        shown = made["sessions"][:limit] if page == 1 else []
        return {**made, "sessions": shown, "total": len(made["sessions"]), "hasMore": False}

    def engagement(self, stream: str, window: Window, step_seconds: int) -> Any:
        return self._imagine(list[contract.EngagementPoint], stream, window)

    def top_streams(self, selection: Selection, window: Window, order: str, limit: int) -> Any:
        return [self.streaming_metrics(stream, window) for stream in NAMES[:limit]]

    def streaming_metrics(self, stream: str, window: Window) -> Any:
        known = {"streamId": stream, "eventId": stream, "title": stream}
        return self._imagine(contract.StreamingMetrics, stream, window, known)

    def summary(self, selection: Selection, window: Window) -> Any:
        return self._imagine(contract.AnalyticsSummary, "summary", window)

    def overview(self, selection: Selection, window: Window) -> Any:
        return self._imagine(contract.Overview, "overview", window)

    def viewership(self, selection: Selection, window: Window) -> Any:
        return self._imagine(contract.Viewership, "viewership", window)

    def performance(self, selection: Selection, window: Window) -> Any:
        return self._imagine(contract.PerformanceSummary, "performance", window)

    def geographic(self, selection: Selection, window: Window) -> Any:
        return self._imagine(contract.Geographic, "geographic", window)

    def devices(self, selection: Selection, window: Window) -> Any:
        return self._imagine(contract.DeviceDistribution, "devices", window)

    def audience(self, selection: Selection, window: Window) -> Any:
        return self._imagine(contract.AudienceShares, "audience", window)

    def revenue(self, selection: Selection, window: Window, currency: str) -> Any:
        return self._imagine(contract.RevenueBreakdown, "revenue", window, {"currency": currency})

    def goals(
        self,
        tenant: str,
        channel: str,
        selection: Selection,
        window_of: Callable[[str], Window],
        changes: Mapping[str, Any] | None = None,
    ) -> Any:
        return self._imagine(contract.AnalyticsGoals, channel, window_of("month"), {"channelId": channel})

    def _imagine(self, kind: Any, question: str, window: Window, known: Mapping[str, Any] | None = None) -> Any:
        meta: contract.Meta = {
            "asOf": contract.instant(self._clock()),
            "ageSeconds": 0,
            "stale": False,
            "missing": [],
            "mock": True,
        }
        seed = f"{self._seed}/{question}/{typing.get_origin(kind) or kind.__name__}"
        return Imagined(seed, window.start, window.end, {**(known or {}), "meta": meta}).of(kind)
