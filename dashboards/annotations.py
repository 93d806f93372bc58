"""What is drawn across every picture: firing alerts, restarted processes, streams that begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.variables import EVERYWHERE
from prometheus import external, recorded
from prometheus.promql import changed

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def _annotation(name: str, color: str, expr: str, title: str, text: str) -> Mapping[str, Any]:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "expr": expr,
        "iconColor": color,
        "titleFormat": title,
        "textFormat": text,
        "step": "15s",
    }


ANNOTATIONS = (
    _annotation(
        "Alerts",
        "red",
        EVERYWHERE.series(external.ALERTS, alertstate="firing", service="livestream"),
        "{{alertname}}",
        "{{severity}} {{stream}}",
    ),
    _annotation(
        "Restarts",
        "purple",
        changed(EVERYWHERE.series(external.PROCESS_START, service="livestream")),
        "{{hop}} restarted",
        "{{instance}}",
    ),
    _annotation("Stream starts", "blue", changed(recorded.STREAM_START), "{{stream}} began", "{{stream}}"),
)
