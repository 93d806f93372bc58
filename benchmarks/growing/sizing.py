"""From what was measured to what the target needs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks.growing.estimates import TIMES, Estimate, estimate, figure
from benchmarks.growing.history import SESSIONS_A_DAY
from benchmarks.growing.probed import Found
from benchmarks.growing.scenario import (
    CELL_SHARDS,
    CELLS,
    REPORT_SECONDS,
    SEGMENT_SECONDS,
    SHARDS,
    STREAMS,
    VIEWERS,
    VISIT_SECONDS,
)

BUSY = 0.6
"""Share of a core that a process of one core may use on average, so that it can catch up"""
LINES = 2 * VIEWERS / SEGMENT_SECONDS
REPORTS = VIEWERS / REPORT_SECONDS
DAY_SECONDS = 86_400
FAST_SECONDS, SLOW_SECONDS = 2, 5
ALL = {"streams": STREAMS}
IN_SHARDS = f"streams {TIMES} shards"
Rows = Sequence[Found]


def estimates(found: Mapping[str, Rows]) -> list[Estimate]:
    """All parts in the order of the page."""
    return [
        *_viewers(found["shard"], found["http"]),
        *_cdn(found["cdn"]),
        *_rtmp(found["rtmp"]),
        *_hls(found["hls"]),
        *_prometheus(found["prometheus"], found["disk"]),
        *_victoria(found["victoria"], scraped(found)),
        *_bridge(found["prometheus"]),
        *_history(found["prometheus"], found["ended"], found["days"], found["minutes"]),
    ]


def _viewers(shards: Rows, http: Rows) -> Iterator[Estimate]:
    part, rows = "viewers, one shard", [{**row, "thousand sessions": row["sessions"] / 1_000} for row in shards]
    sized = {"thousand sessions": VIEWERS / SHARDS / 1_000, **ALL}
    memory = estimate(part, "memory", "MB", rows, "memory_mb", sized)
    yield _meaning(memory, f"{SHARDS} shards: {SHARDS * memory.value / 1_000:.1f} GB")
    record = estimate(part, "CPU of a record of an edge log", "µs", rows, "record_us", sized)
    yield _meaning(record, _cores(record.value, LINES, "records"))
    opened = estimate(part, "CPU of a session's first record", "µs", rows, "open_us", sized)
    yield _meaning(opened, _cores(opened.value, VIEWERS / VISIT_SECONDS, "new sessions"))
    for key, name in (("event_us", "a CMCD event"), ("beacon_us", "a beacon")):
        one = estimate("viewers, public port", f"CPU of {name} by itself", "µs", http, key, {})
        yield _meaning(one, _cores(one.value, REPORTS, "reports"))
    kept = estimate(part, "CPU of a checkpoint, once a minute", "s", rows, "checkpoint_s", sized)
    yield _meaning(kept, f"{figure(kept.value / 60)} cores")
    series = estimate(part, "series", "", shards, "series", ALL)
    yield _meaning(series, f"{SHARDS} shards: {SHARDS * series.value:,.0f}; each shard shows every stream")
    yield from _scrape(part, shards, FAST_SECONDS)


def _scrape(part: str, rows: Rows, every_seconds: int) -> Iterator[Estimate]:
    page = estimate(part, "page", "MB", rows, "page_mb", ALL)
    sent = estimate(part, "packed", "MB", rows, "sent_mb", ALL)
    cpu = estimate(part, "CPU of a scrape", "ms", rows, "scrape_ms", ALL)
    cores = cpu.value / 1_000 / every_seconds
    text = f"{figure(cores)} cores, {figure(page.value)} MB ({figure(sent.value)} MB packed), each {every_seconds} s"
    yield _meaning(cpu, text)


def _exporter(part: str, rows: Rows, every_seconds: int) -> Iterator[Estimate]:
    """What is asked of every exporter but the session engine's, whose size is not by streams alone."""
    yield estimate(part, "memory", "MB", rows, "memory_mb", ALL)
    yield estimate(part, "series", "", rows, "series", ALL)
    yield from _scrape(part, rows, every_seconds)


def _cdn(rows: Rows) -> Iterator[Estimate]:
    part = "cdn"
    line = estimate(part, "CPU of a line, counted and handed over", "µs", rows, "line_us", ALL)
    yield _meaning(line, _cores(line.value, LINES, "lines"))
    yield from _exporter(part, rows, SLOW_SECONDS)


def _rtmp(rows: Rows) -> Iterator[Estimate]:
    part = "rtmp"
    yield estimate(part, "CPU, polls each second", "cores", rows, "cores", ALL)
    yield from _exporter(part, rows, FAST_SECONDS)


def _hls(rows: Rows) -> Iterator[Estimate]:
    part, named = "hls", [{**row, "fetches a second": row["fetches_per_second"]} for row in rows]
    four = [row for row in rows if row["fetches_per_second"] > row["streams"] / 2]
    a_stream = sum(row["fetches_per_second"] / row["streams"] for row in four) / len(four)
    fetches = STREAMS * a_stream
    cores = estimate(part, "CPU, one endpoint", "cores", named, "cores", {"fetches a second": fetches})
    yield _meaning(cores, _processes(cores.value))
    yield from _exporter(part, rows, SLOW_SECONDS)


def _prometheus(rows: Rows, disk: Rows) -> Iterator[Estimate]:
    part, named = "Prometheus", [_named(row) for row in rows]
    where = {**ALL, IN_SHARDS: STREAMS * SHARDS}
    series = estimate(part, "series", "", named, "series", where)
    yield series
    samples = estimate(part, "samples", "a second", named, "samples_per_second", where)
    (kept,) = disk
    day = samples.value * DAY_SECONDS * kept["sample_bytes"] + 12 * series.value * kept["index_bytes"]
    yield _meaning(
        samples,
        f"{day / 1e9:,.0f} GB a day at {kept['sample_bytes']:.2f} B a sample and {kept['index_bytes']:.0f} B a series "
        "in the index of each block of 2 h",
    )
    yield from _engine(part, named, "prometheus", series.value, samples.value)
    rules = estimate(
        part, "slowest group of rules, on 2 cores", "times its interval", named, "rules_share", {"series": series.value}
    )
    yield _meaning(rules, "above 1 some evaluations are left out")
    if any(row["streams"] == STREAMS / CELLS and row["shards"] == CELL_SHARDS for row in rows):
        yield from _cell(named)


def _engine(part: str, rows: Rows, name: str, series: float, samples: float) -> Iterator[Estimate]:
    yield estimate(part, "most memory in its first minute", "MB", rows, f"{name}_mb", {"series": series})
    yield estimate(part, "CPU", "cores", rows, f"{name}_cores", {"samples a second": samples})


def _cell(rows: Rows) -> Iterator[Estimate]:
    part = f"one cell of {CELLS}: {STREAMS / CELLS:,.0f} streams, {CELL_SHARDS} shards"
    where = {"streams": STREAMS / CELLS, IN_SHARDS: STREAMS / CELLS * CELL_SHARDS}
    yield estimate(part, "series of Prometheus", "", rows, "series", where)
    for what, unit, key in (
        ("samples of Prometheus", "a second", "samples_per_second"),
        ("most memory of Prometheus in its first minute", "MB", "prometheus_mb"),
        ("CPU of Prometheus", "cores", "prometheus_cores"),
        ("slowest group of rules", "times its interval", "rules_share"),
        ("CPU of the bridge's snapshot", "ms", "tick_ms"),
        ("a minute of history takes", "s", "minute_s"),
    ):
        one = estimate(part, what, unit, rows, key, where)
        yield _meaning(one, f"{CELLS} cells: {figure(CELLS * one.value)} {unit}" if "Prometheus" in what else "")


def _victoria(rows: Rows, pages: tuple[float, float]) -> Iterator[Estimate]:
    part, named = "VictoriaMetrics, without rules", [_named(row) for row in rows]
    series, samples = pages
    first, cpu = _engine(part, named, "victoria", series, samples)
    yield _meaning(first, f"{series:,.0f} series")
    yield _meaning(cpu, f"{samples:,.0f} samples a second")


def scraped(found: Mapping[str, Rows]) -> tuple[float, float]:
    """Series of all pages of the target, and samples a second at the intervals of prometheus.yml."""
    one = {hop: estimate(hop, "series", "", found[hop], "series", ALL).value for hop in ("shard", "rtmp", "hls", "cdn")}
    fast, slow = SHARDS * one["shard"] + one["rtmp"], one["hls"] + one["cdn"]
    return fast + slow, fast / FAST_SECONDS + slow / SLOW_SECONDS


def _bridge(rows: Rows) -> Iterator[Estimate]:
    part = "bridge, each"
    tick = estimate(part, "CPU of a snapshot", "ms", rows, "tick_ms", ALL)
    yield _meaning(
        tick, f"{figure(tick.value / 1_000 / FAST_SECONDS)} cores at one each {FAST_SECONDS} s, without clients"
    )
    yield estimate(part, "a snapshot takes", "s", rows, "snapshot_s", ALL)
    yield estimate(part, "memory", "MB", rows, "bridge_mb", ALL)


def _history(minutes: Rows, ended: Rows, days: Rows, sizes: Rows) -> Iterator[Estimate]:
    part = "recorder"
    own = estimate(part, "CPU of a minute", "s", minutes, "recorder_s", ALL)
    yield _meaning(own, f"{figure(own.value / 60)} cores")
    whole = estimate(part, "a minute takes", "s", minutes, "minute_s", ALL)
    yield _meaning(whole, "of 60")
    rate = VIEWERS / VISIT_SECONDS
    one = estimate(part, "CPU of an ended session", "µs", ended, "recorder_us", {}, ("sessions",))
    yield _meaning(one, _cores(one.value, rate, "sessions"))
    part = "PostgreSQL"
    stored = estimate(part, "CPU of an ended session", "µs", ended, "database_us", {}, ("sessions",))
    yield _meaning(stored, _cores(stored.value, rate, "sessions"))
    asked = [{**row, "row_bytes": 1e6 * row["facts_mb"] / row["sessions"]} for row in days]
    facts = estimate(part, "a session's row", "B", asked, "row_bytes", {}, ("sessions",))
    sessions = STREAMS * SESSIONS_A_DAY
    yield _meaning(facts, f"{sessions / 1e6:,.0f} M rows and {sessions * facts.value / 1e9:,.1f} GB a day")
    rolled = estimate(part, "roll-ups of a day's sessions", "MB", days, "rollups_mb", ALL)
    yield _meaning(rolled, f"{rolled.value / 1_000:.1f} GB a day at {SESSIONS_A_DAY:,} sessions a stream")
    row = estimate(part, "a minute's row", "B", sizes, "minute_bytes", {}, ("rows",))
    rows = (STREAMS + 2) * DAY_SECONDS / 60
    yield _meaning(row, f"{rows / 1e6:,.1f} M rows and {rows * row.value / 1e9:,.2f} GB a day")


def _meaning(one: Estimate, text: str) -> Estimate:
    return replace(one, means=text)


def _cores(microseconds: float, a_second: float, name: str) -> str:
    cores = microseconds * a_second / 1e6
    return f"{cores:.2g} cores at {a_second:,.0f} {name}/s" + (f": {_processes(cores)}" if cores > BUSY else "")


def _processes(cores: float) -> str:
    return f"{math.ceil(cores / BUSY)} processes at {BUSY:.0%} of a core"


def _named(row: Found) -> Found:
    names = {"samples a second": row["samples_per_second"], IN_SHARDS: row["streams"] * row["shards"]}
    return {**row, **names}
