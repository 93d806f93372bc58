"""The query parameters of history's routes, as the API document shows them."""

from __future__ import annotations

from bridge.history.window import PERIOD_DAYS
from bridge.openapi import Parameter

TAG = "history"
STEPS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600}
ORDERS = {"viewers": 1, "engagement": 1, "duration": 1}
MOST_POINTS = 5000
ZONE = Parameter("timezone", str, "IANA name that days are cut by; UTC when left out")
FILTER = (
    Parameter("filter", str, "JSON: {dateRange:{start,end}, streamIds?, regions?, devices?, qualities?}"),
    ZONE,
)
PERIOD = Parameter("period", str, "the last days with today", schema={"enum": list(PERIOD_DAYS), "default": "month"})
DATES = (
    Parameter("startDate", str, "ISO 8601 date or instant; instead of period"),
    Parameter("endDate", str, "ISO 8601 date (with) or instant (without); now when left out"),
)
LISTS = (
    Parameter("streamIds", str, "only these streams, separated by commas"),
    Parameter("regions", str, "only these countries (code or name) or regions"),
    Parameter("devices", str, "only these devices"),
    Parameter("qualities", str, "only sessions that mostly watched these renditions"),
)
STREAM = Parameter("streamId", str, "only this stream")
QUERY = (PERIOD, *DATES, *LISTS, ZONE)
PAGE = Parameter("page", int, "from 1", schema={"minimum": 1, "default": 1})


def page_size(what: str, default: int, most: int) -> Parameter:
    """The parameter ``limit``."""
    return Parameter("limit", int, what, schema={"minimum": 1, "maximum": most, "default": default})
