"""What the routes about one stream do."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, request

from bridge import contract, numbers
from bridge.answers import answer
from bridge.contract import instant
from bridge.history.documented import DATES, FILTER, MOST_POINTS, PAGE, STEPS, TAG, ZONE, page_size
from bridge.history.parameters import read_choice, read_filter, read_number, read_query
from bridge.history.selection import Selection
from bridge.history.views import Views
from bridge.history.window import Window
from bridge.openapi import Parameter, describe
from bridge.problems import bad_parameter
from bridge.snapshot import HOPS, StreamState


class StreamViews(Views):
    """A stream comprehensively, its sessions, and its course."""

    @describe("A stream comprehensively", contract.ComprehensiveAnalytics, tag=TAG, query=FILTER, errors=(404,))
    def comprehensive(self, stream_id: str) -> Response:
        self._visible.check_stream(stream_id)
        asked = read_filter(request.args, self._history.now())
        selection = Selection((stream_id,), asked.filter)
        body = self._history.comprehensive(stream_id, selection, asked.window)
        body["realTime"] = self._present(stream_id)
        return answer(body)

    @describe(
        "A stream's sessions, newest first",
        contract.ViewerSessions,
        tag=TAG,
        query=(PAGE, page_size("sessions a page", 50, 500)),
        errors=(404,),
    )
    def sessions(self, stream_id: str) -> Response:
        self._visible.check_stream(stream_id)
        page = read_number(request.args, "page", 1, 100_000_000)
        limit = read_number(request.args, "limit", 50, 500)
        return answer(self._history.sessions(stream_id, page, limit))

    @describe(
        "A stream's course",
        list[contract.EngagementPoint],
        tag=TAG,
        query=(Parameter("interval", str, "step", schema={"enum": list(STEPS), "default": "5m"}), *DATES, ZONE),
        errors=(404,),
        description="Of the last broadcast, where no dates are given.",
    )
    def engagement(self, stream_id: str) -> Response:
        self._visible.check_stream(stream_id)
        step = STEPS[read_choice(request.args, "interval", "5m", STEPS)]
        now = self._history.now()
        window = read_query(request.args, now).window
        if not (request.args.get("startDate") or request.args.get("endDate")):
            aired = self._history.last_aired(stream_id) or (now - timedelta(hours=1), now)
            window = Window.of(aired[0], aired[1] + timedelta(minutes=1), window.zone)
        if window.length.total_seconds() / step > MOST_POINTS:
            raise bad_parameter("interval", f"is too short for these dates: over {MOST_POINTS} points")
        return answer(self._history.engagement(stream_id, window, step))

    def _present(self, stream_id: str) -> contract.RealTimeAnalytics:
        """The stream now; zeros with every source missing while nothing is known of it."""
        services = self._services
        snapshot = services.snapshots.present
        state = None if snapshot is None else snapshot.streams.get(stream_id)
        if snapshot is None or state is None:
            return nothing_now(stream_id, services.clock())
        made = numbers.real_time(state, services.timeline.course(stream_id, snapshot.taken), snapshot.taken)
        made["meta"] = services.snapshots.meta(snapshot, state.missing)
        return made


def nothing_now(stream_id: str, now: float) -> contract.RealTimeAnalytics:
    """RealTimeAnalytics of a stream that is not on air: zeros, and every source missing."""
    missing = tuple(HOPS)
    made = numbers.real_time(StreamState(stream_id, missing=missing), [], now)
    made["meta"] = {"asOf": instant(now), "ageSeconds": 0, "stale": False, "missing": list(missing)}
    return made
