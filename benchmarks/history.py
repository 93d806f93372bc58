"""History at size: each answer over ten million session rows, and that no plan reads a whole table of facts.

``BENCHMARK_SESSIONS`` sets the number of sessions; with ``--quick`` it is 200,000. ``BENCHMARK_FOLDER`` names a folder
to keep the database in: seeding goes on from the last day that is there.
"""

from __future__ import annotations

import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from flask.testing import FlaskClient

from benchmarks.seeding import BUSY_STREAM, FIRST_DAY, PERIOD_DAYS, QUIET_STREAM, STREAMS, seed
from benchmarks.table import Row
from bridge.app import create_app
from bridge.assembly import Settings, assemble
from bridge.config import Config
from bridge.history.migrate import migrate
from exporters.settings import Secret
from tests import servers

ROWS = 10_000_000
QUICK_ROWS = 200_000
SERVER = ("shared_buffers=2GB", "work_mem=32MB", "max_wal_size=8GB", "synchronous_commit=off", "jit=off")
REQUESTS = 20
GOAL_MS = 300.0
PERIOD = f"startDate={FIRST_DAY}&endDate={FIRST_DAY + timedelta(days=PERIOD_DAYS - 1)}"
FILTER = f'{{{{"dateRange":{{{{"start":"{FIRST_DAY}","end":"{FIRST_DAY + timedelta(days=PERIOD_DAYS - 1)}"}}}}{{}}}}}}'
CASES = {
    "summary, all": f"summary?{PERIOD}",
    "summary, one day in Berlin": "summary?startDate=2026-09-10&endDate=2026-09-10&timezone=Europe/Berlin",
    "summary, phones in Germany at 720p": f"summary?{PERIOD}&regions=Germany&devices=mobile&qualities=720p",
    "historical, all, first page": "historical/all?filter=" + FILTER.format(""),
    "historical, all, a page of ten": "historical/all?limit=10&filter=" + FILTER.format(""),
    "historical, filtered": "historical/all?filter=" + FILTER.format(',"devices":["mobile"],"regions":["DE","FR"]'),
    "comprehensive, busiest stream": f"comprehensive/{BUSY_STREAM}?filter=" + FILTER.format(""),
    "comprehensive, quiet stream": f"comprehensive/{QUIET_STREAM}?filter=" + FILTER.format(""),
    "sessions, first page": f"streams/{BUSY_STREAM}/sessions?limit=100",
    "sessions, page 2000": f"streams/{BUSY_STREAM}/sessions?limit=100&page=2000",
    "engagement, last broadcast by minute": f"streams/{BUSY_STREAM}/engagement?interval=1m",
    "top streams by viewers": f"top-streams?{PERIOD}&metric=viewers&limit=10",
    "top streams by engagement": f"top-streams?{PERIOD}&metric=engagement&limit=10",
    "geographic, all": f"geographic?{PERIOD}",
    "geographic, one stream, half-hour zone": f"geographic?{PERIOD}&streamId={BUSY_STREAM}&timezone=Asia/Kolkata",
    "devices, all": f"devices?{PERIOD}",
    "overview": f"overview?{PERIOD}",
    "viewership in New York": f"viewership?{PERIOD}&timezone=America/New_York",
    "audience": f"audience?{PERIOD}",
    "performance": f"performance/summary?{PERIOD}",
    "revenue": f"revenue/breakdown?{PERIOD}",
    "goals": "goals/all",
}
_FACT_SCAN = re.compile(r"Seq Scan on (?:ONLY )?((?:sessions|events|stream_minutes)(?:_w\d{8})?)\b")


def run(quick: bool) -> list[Row]:
    """Seed, then ask each question warm."""
    rows = QUICK_ROWS if quick else int(os.environ.get("BENCHMARK_SESSIONS", ROWS))
    with tempfile.TemporaryDirectory(prefix="benchmark-history-") as name:
        folder = Path(os.environ.get("BENCHMARK_FOLDER", name))
        with servers.postgres(folder, settings=SERVER) as url:
            migrate(url)
            begun = time.perf_counter()
            made = seed(url, rows)
            seconds = time.perf_counter() - begun
            found = [Row("seeding with all roll-ups", made / seconds, "rows/s", note=f"{rows:,} sessions")]
            with client(url) as asked:
                found += [_measured(asked, what, path) for what, path in CASES.items()]
            found.append(_plans(url, folder / "postgres.log"))
    return found


@contextmanager
def client(url: str) -> Iterator[FlaskClient]:
    """The bridge's app over this database, as of the evening of the last seeded day."""
    parts = assemble(Settings(bridge=Config(auth="off", database_url=Secret(url), rate_limit_address="1000000/minute")))
    last = datetime.combine(FIRST_DAY + timedelta(days=PERIOD_DAYS - 1), datetime.min.time(), UTC)
    parts.services.history._clock = lambda: (last + timedelta(hours=23)).timestamp()
    try:
        yield create_app(parts.services, parts.areas).test_client()
    finally:
        parts.services.database.close()


def _measured(asked: FlaskClient, what: str, path: str) -> Row:
    times = []
    for number in range(REQUESTS + 3):
        begun = time.perf_counter()
        answer = asked.get(f"/analytics/{path}")
        seconds = time.perf_counter() - begun
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.get_data(as_text=True)[:500]}")
        if number >= 3:
            times.append(seconds * 1000)
    p95 = statistics.quantiles(times, n=20)[-1]
    return Row(f"{what} p95", p95, "ms", f"≤ {GOAL_MS:g}", note=f"median {statistics.median(times):.1f}")


def _plans(url: str, log: Path) -> Row:
    """Ask everything once more with the plans in the server's log."""
    with psycopg.connect(url, autocommit=True) as admin:
        database = admin.info.dbname
        for setting in (
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_nested_statements = on",
        ):
            admin.execute(f"ALTER DATABASE {database} SET {setting}".encode())
    start = log.stat().st_size
    with client(url) as asked:
        for path in CASES.values():
            asked.get(f"/analytics/{path}")
    with log.open(encoding="utf-8", errors="replace") as text:
        text.seek(start)
        scanned = sorted(set(_FACT_SCAN.findall(text.read())))
    return Row("tables of facts read whole", len(scanned), "", "0", note=", ".join(scanned[:5]) or f"{STREAMS} streams")
