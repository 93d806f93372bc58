"""The choices at the head of dashboards, and the matchers that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboards.model import Variable
from exporters import metrics
from prometheus import external, recorded
from prometheus.promql import Scope, label_values

EVERYWHERE = Scope()
REGION = Variable("region", "Region", label_values(EVERYWHERE.series(external.UP, service="livestream"), "region"))
SERVER = Variable("server", "Server", label_values(EVERYWHERE.series(metrics.RTMP_UP), "target"))
ENDPOINT = Variable("endpoint", "Endpoint", label_values(EVERYWHERE.series(metrics.HLS_UP), "endpoint"))
CDN = Variable("cdn", "CDN", label_values(EVERYWHERE.series(metrics.CDN_REQUESTS), "cdn"))
POP = Variable("pop", "Point of presence", label_values(EVERYWHERE.series(metrics.CDN_REQUESTS_BY_POP), "pop"))
STREAM = Variable("stream", "Stream", label_values(recorded.STREAM_UP, "stream"))
ONE_STREAM = Variable("stream", "Stream", label_values(recorded.STREAM_UP, "stream"), "one")
SLO = Variable("slo", "Objective", label_values(recorded.SLO_BUDGET, "slo"))
BRIDGE = Variable("bridge", "Bridge", "http://127.0.0.1:8001", "text")

LABELS: Mapping[str, str] = {"server": "target"}
"""Variables that are not named like their label."""


def scope(variables: Sequence[Variable]) -> Scope:
    """The matchers of these variables, by label."""
    return Scope({LABELS.get(one.name, one.name): f"${one.name}" for one in variables if one.kind != "text"})
