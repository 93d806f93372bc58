"""The query API of Prometheus and its kin: instant and range queries of the catalogue.

Source: Prometheus HTTP API v1, "Expression queries" (VictoriaMetrics, Thanos and Mimir answer the same).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter

from prometheus.queries import Query

log = logging.getLogger(__name__)
Labels = tuple[str, ...]
Values = Mapping[Labels, float]
Points = tuple[tuple[float, float], ...]
"""(Unix seconds, value), oldest first."""


class PrometheusUnreachableError(Exception):
    """Prometheus did not answer: refused, timed out, or answered with a server error."""


class QueryRefusedError(Exception):
    """Prometheus answered that it cannot run this query."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How one query went, for telemetry: its catalogue name, ok|empty|error|timeout|partial, and seconds."""

    query: str
    result: str
    seconds: float


class PrometheusApi:
    """Asks one Prometheus-compatible server; safe to share between threads."""

    def __init__(
        self, url: str, timeout_seconds: float = 5.0, on_asked: Callable[[Asked], None] = lambda asked: None
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._on_asked = on_asked
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=16)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def instant(self, query: Query, at: float) -> dict[Labels, float]:
        """Values by the query's labels at a time (Unix seconds); NaN and infinities are left out.

        Raises PrometheusUnreachableError or QueryRefusedError.
        """
        rows = self._ask(query.name, "query", {"query": query.promql, "time": f"{at:.3f}"})
        values = {}
        for row in rows:
            value = float(row["value"][1])
            if math.isfinite(value):
                values[tuple(row["metric"].get(label, "") for label in query.labels)] = value
        return values

    def now(self) -> float:
        """The server's own clock, Unix seconds; raises as ``instant`` does."""
        return float(self._ask("now", "query", {"query": "time()"})[1])

    def range(self, query: Query, start: float, end: float, step_seconds: float) -> dict[Labels, Points]:
        """Points by the query's labels, one each ``step_seconds``; raises as ``instant`` does."""
        parameters = {
            "query": query.promql,
            "start": f"{start:.3f}",
            "end": f"{end:.3f}",
            "step": f"{step_seconds:g}",
        }
        series = {}
        for row in self._ask(query.name, "query_range", parameters):
            points = [(float(at), float(value)) for at, value in row["values"]]
            labels = tuple(row["metric"].get(label, "") for label in query.labels)
            series[labels] = tuple(point for point in points if math.isfinite(point[1]))
        return series

    def _ask(self, name: str, kind: str, parameters: Mapping[str, str]) -> list[Any]:
        begun = time.monotonic()
        result = "error"
        try:
            rows, partial = self._answer(kind, parameters)
            result = "partial" if partial else "ok" if rows else "empty"
            return rows
        except requests.Timeout as error:
            result = "timeout"
            raise PrometheusUnreachableError(f"{name}: no answer in {self._timeout_seconds:g} s") from error
        except (requests.RequestException, orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise PrometheusUnreachableError(f"{name}: {type(error).__name__}: {error}") from error
        finally:
            self._on_asked(Asked(name, result, time.monotonic() - begun))

    def _answer(self, kind: str, parameters: Mapping[str, str]) -> tuple[list[Any], bool]:
        answer = self._session.post(f"{self._url}/api/v1/{kind}", data=parameters, timeout=self._timeout_seconds)
        if answer.status_code in (400, 422):
            raise QueryRefusedError(answer.text[:300])
        answer.raise_for_status()
        body = orjson.loads(answer.content)
        rows: list[Any] = body["data"]["result"]
        # Thanos and Mimir answer with warnings when a part of the stores did not.
        return rows, bool(body.get("warnings"))

    def close(self) -> None:
        self._session.close()
