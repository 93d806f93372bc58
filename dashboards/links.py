"""Where dashboards lead: to each other with the time range kept, to the alert list, and to the app's API."""

from __future__ import annotations

from dashboards.model import Link

FLEET = "livestream-fleet"
INGEST = "livestream-ingest"
PACKAGING = "livestream-packaging"
EDGE = "livestream-edge"
AUDIENCE = "livestream-audience"
STREAM = "livestream-stream"
BRIDGE = "livestream-bridge"
SLO = "livestream-slo"

ALERT_LIST = Link("Alerts", "/alerting/list")
STREAM_OF_ROW = Link("Stream", f"/d/{STREAM}?var-stream=${{__data.fields.stream}}&${{__url_time_range}}")
STREAM_OF_SERIES = Link("Stream", f"/d/{STREAM}?var-stream=${{__field.labels.stream}}&${{__url_time_range}}")
SLO_OF_SERIES = Link("Objective", f"/d/{SLO}?var-slo=${{__field.labels.slo}}&${{__url_time_range}}")


def to(uid: str, title: str) -> Link:
    """Another dashboard over the same time range."""
    return Link(title, f"/d/{uid}?${{__url_time_range}}")


def to_stream_on(uid: str, title: str) -> Link:
    """Another dashboard for the stream and time range that are chosen here."""
    return Link(title, f"/d/{uid}?var-stream=${{stream}}&${{__url_time_range}}")


def api(path: str, title: str) -> Link:
    """A page of the app's API; ``$bridge`` holds its address."""
    return Link(title, f"${{bridge}}{path}")
