"""Makes history of any size in the database itself, through the same statements that the recorder runs."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from datasketches import hll_sketch, tgt_hll_type

from bridge.database import Connection, connect
from bridge.history import events, sessions
from bridge.history.backfill import set_watermark
from bridge.history.minutes import store_minutes
from bridge.history.partitions import FACTS, ensure
from bridge.history.records import STAGED_EVENT_COLUMNS, STAGED_SESSION_COLUMNS
from bridge.history.scopes import Tenants
from bridge.history.series import NAMES
from bridge.history.sketches import store_sketches

FIRST_DAY = date(2026, 8, 1)
PERIOD_DAYS = 90
STREAMS = 200
WEEK = 7
BUSY_STREAM = "stream-000"
QUIET_STREAM = "stream-150"
BROADCAST_MINUTES = 120
EVENTS_PER_SESSION = 0.2

# A few streams have most of the audience: the square of a random number picks among 200.
_SESSIONS = f"""
CREATE TEMPORARY TABLE staged_sessions ON COMMIT DROP AS
SELECT 'stream-' || lpad(floor({STREAMS} * a * a)::text, 3, '0') AS stream,
  %(day)s::timestamptz + make_interval(secs => 43200 + 7200 * floor(3 * b) + 7000 * c * c) AS joined,
  md5(%(day)s::text || n::text) AS session_id,
  %(day)s::timestamptz + make_interval(secs => 43200 + 7200 * floor(3 * b) + 7000 * c * c + 30 + 900 * d)
    AS left_at,
  20 + 880 * d AS watch_seconds, CASE WHEN e < 0.1 THEN 20 * d ELSE 0 END AS rebuffer_seconds,
  (0.3 + 3 * e)::real AS startup_seconds, (4 + 10 * d)::real AS live_latency_seconds,
  (100000 + 500000 * e)::real AS bytes_per_second, (e < 0.1)::int AS rebuffers, floor(4 * d)::int AS switches,
  0 AS errors, CASE WHEN c < 0.05 THEN 3 ELSE 0 END AS chat_messages, e < 0.97 AS played, e < 0.9 AS viewed,
  (ARRAY['1080p', '720p', '720p', '480p', '360p'])[1 + floor(5 * e)::int] AS variant, 'quit'::text AS end_reason,
  CASE WHEN d < 0.3 THEN 'user-' || floor(100000 * c)::int END AS user_id,
  ('10.' || floor(250 * a)::int || '.' || floor(250 * b)::int || '.0')::inet AS address,
  NULL::jsonb AS rendition_seconds, CASE WHEN c < 0.05 THEN '{{"chat_message": 3}}'::jsonb END AS engagements,
  (ARRAY['mobile', 'mobile', 'desktop', 'desktop', 'tv', 'tablet'])[1 + floor(6 * b)::int] AS device,
  (ARRAY['Android', 'iOS', 'Windows', 'Mac OS X', 'Tizen'])[1 + floor(5 * d)::int] AS os,
  (ARRAY['Chrome', 'Safari', 'Firefox', 'Edge'])[1 + floor(4 * b)::int] AS browser,
  'Mozilla/5.0 (seeded) Client/' || floor(300 * d * d)::int AS user_agent,
  (ARRAY['US', 'DE', 'FR', 'GB', 'BR', 'IN', 'JP', 'ES', 'IT', 'NG', 'PL', 'SE', 'MX', 'CA', 'AU', 'NL', 'AT', 'CH',
    'TR', 'KR'])[1 + floor(20 * c * c)::int] AS country,
  'Region ' || floor(8 * d)::int AS region, 'City ' || floor(40 * d)::int AS city, 'default'::text AS tenant,
  c < 0.05 AS engaged, false AS following, false AS subscribing
FROM (SELECT n, random() AS a, random() AS b, random() AS c, random() AS d, random() AS e
  FROM generate_series(1, %(number)s) n) rolled"""
_EVENTS = f"""
CREATE TEMPORARY TABLE staged_events ON COMMIT DROP AS
SELECT 'stream-' || lpad(floor({STREAMS} * a * a)::text, 3, '0') AS stream,
  %(day)s::timestamptz + make_interval(secs => 43200 + 21000 * b) AS at, md5(%(day)s::text || 'e' || n) AS event_id,
  (ARRAY['chat_message', 'chat_message', 'chat_message', 'like', 'reaction', 'share', 'donation', 'follow'])
    [1 + floor(8 * c)::int] AS event,
  'user-' || floor(20000 * d)::int AS user_id, NULL::text AS session_id,
  CASE WHEN floor(8 * c) = 6 THEN round((1 + 20 * d)::numeric, 2)::float8 END AS amount, NULL::text AS currency,
  NULL::jsonb AS data, ''::text AS detail, 'somebody'::text AS username, 'default'::text AS tenant,
  CASE WHEN floor(8 * c) = 6 THEN round((1 + 20 * d)::numeric, 2)::float8 ELSE 0 END AS worth
FROM (SELECT n, random() AS a, random() AS b, random() AS c, random() AS d
  FROM generate_series(1, %(number)s) n) rolled"""


SHIFTED = {
    "sessions": ("joined", "left_at"),
    "events": ("at",),
    "stream_minutes": ("at",),
    "stream_hours": ("at",),
    "stream_days": ("at",),
    "session_quarters": ("at",),
    "session_days": ("day",),
    "session_slices": ("day",),
    "event_minutes": ("at",),
    "event_quarters": ("at",),
    "event_days": ("day",),
    "chatter_days": ("day",),
    "sketches": ("day",),
}
"""The tables that further weeks are copied in, and their columns of time."""


def seed(url: str, rows: int) -> int:
    """Store ``rows`` sessions over the period, with events, minutes and sketches; then let the planner know.

    The first week goes through the recorder's statements; the others are copies of it. Gives how many sessions the
    recorder's statements stored now; days that are stored already are left.
    """
    with connect(url) as connection:
        connection.autocommit = True
        connection.execute("SELECT setseed(0.5)")
        chance = random.Random(5)
        done = days_stored(connection)
        for number in range(done, WEEK):
            day = datetime.combine(FIRST_DAY + timedelta(days=number), datetime.min.time(), UTC)
            with connection.transaction():
                _sessions(connection, day, rows // PERIOD_DAYS)
                _events(connection, day, round(rows // PERIOD_DAYS * EVENTS_PER_SESSION))
                _minutes(connection, day, chance)
                _sketches(connection, day, rows // PERIOD_DAYS, chance)
        for days in range(max(WEEK, days_stored(connection)), PERIOD_DAYS, WEEK):
            _copy_week(connection, days)
        _months(connection)
        connection.execute(
            "UPDATE recorded_streams SET last_at = aired.last FROM ("
            "SELECT scope, max(at) + INTERVAL '15 minutes' AS last FROM session_quarters GROUP BY scope) aired"
            " WHERE stream = aired.scope"
        )
        end = datetime.combine(FIRST_DAY + timedelta(days=PERIOD_DAYS), datetime.min.time(), UTC)
        set_watermark(connection, int(end.timestamp()))
        connection.execute("VACUUM (ANALYZE)")
    return max(0, WEEK - done) * (rows // PERIOD_DAYS)


def days_stored(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM session_days WHERE scope = '@' AND dimension = 'total'").fetchone()
    return int(row[0]) if row else 0


def _copy_week(connection: Connection, days: int) -> None:
    """Copy the first week, or what of it fits into the period, to begin ``days`` after the first day."""
    start = datetime.combine(FIRST_DAY + timedelta(days=days), datetime.min.time(), UTC)
    last = min(WEEK, PERIOD_DAYS - days)
    parameters = {"days": days, "until": FIRST_DAY + timedelta(days=last), "first": FIRST_DAY}
    with connection.transaction():
        for fact in FACTS:
            ensure(connection, fact, start, start + timedelta(days=WEEK))
        for table, times in SHIFTED.items():
            found = connection.execute(f"SELECT * FROM {table} LIMIT 0".encode()).description or ()
            names = [column.name for column in found]
            shifted = ", ".join(f"{one} + %(days)s * INTERVAL '1 day'" if one in times else one for one in names)
            level = " AND level = 'day'" if table == "sketches" else ""
            connection.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {shifted} FROM {table}"
                f" WHERE {times[0]} >= %(first)s AND {times[0]} < %(until)s{level}".encode(),
                parameters,
            )
        connection.execute(
            b"INSERT INTO sketches SELECT scope, kind, level, date_trunc('month', day + %(days)s)::date, sketch"
            b" FROM sketches WHERE level = 'month' AND day = %(first)s ON CONFLICT DO NOTHING",
            parameters,
        )


def _months(connection: Connection) -> None:
    """Months from the days, of which only the first week's were added up."""
    with connection.transaction():
        connection.execute("TRUNCATE session_months, chatter_months")
        connection.execute(
            "INSERT INTO session_months SELECT scope, dimension, date_trunc('month', day)::date, key, sum(plays)"
            " FROM session_days WHERE dimension <> 'total' GROUP BY 1, 2, 3, 4"
        )
        connection.execute(
            "INSERT INTO chatter_months SELECT stream, date_trunc('month', day)::date, user_id, max(username),"
            " sum(messages) FROM chatter_days GROUP BY 1, 2, 3"
        )


def _sessions(connection: Connection, day: datetime, number: int) -> None:
    ensure(connection, "sessions", day, day + timedelta(days=1))
    connection.execute(_SESSIONS.encode(), {"day": day, "number": number})
    _same_columns(connection, "staged_sessions", list(STAGED_SESSION_COLUMNS))
    sessions.store_staged(connection, number)


def _events(connection: Connection, day: datetime, number: int) -> None:
    ensure(connection, "events", day, day + timedelta(days=1))
    connection.execute(_EVENTS.encode(), {"day": day, "number": number})
    _same_columns(connection, "staged_events", list(STAGED_EVENT_COLUMNS))
    events.store_staged(connection, number)


def _same_columns(connection: Connection, table: str, columns: list[str]) -> None:
    found = [column.name for column in connection.execute(f"SELECT * FROM {table} LIMIT 0".encode()).description or ()]
    if sorted(found) != sorted(columns):
        raise RuntimeError(f"{table} differs from the recorder's in {set(found) ^ set(columns)}")


def _minutes(connection: Connection, day: datetime, chance: random.Random) -> None:
    start = day + timedelta(hours=12)
    rows = []
    for stream in range(STREAMS):
        if stream % 3 == day.day % 3 or stream < 20:
            for minute in range(BROADCAST_MINUTES * (3 if stream < 20 else 1)):
                measures = dict.fromkeys(NAMES, 0.0) | {
                    "viewers": chance.random() * (STREAMS - stream),
                    "viewers_peak": float(STREAMS - stream),
                    "publishing_seconds": 60.0,
                    "edge_ttfb_seconds": 0.03,
                }
                name = f"stream-{stream:03d}"
                rows.append((name, start + timedelta(minutes=minute), *(measures[one] for one in NAMES)))
    everything = [("@", start + timedelta(minutes=minute), *([50.0] * len(NAMES))) for minute in range(360)]
    owned = [("@default", *row[1:]) for row in everything]
    store_minutes(connection, [*rows, *everything, *owned], Tenants("default"))


def _sketches(connection: Connection, day: datetime, number: int, chance: random.Random) -> None:
    rows = []
    for stream in range(STREAMS):
        counted = hll_sketch(14, tgt_hll_type.HLL_4)
        for _ in range(min(1000, max(1, number // STREAMS))):
            counted.update(chance.randrange(1_000_000))
        rows.append((f"stream-{stream:03d}", "viewers", day.date(), bytes(counted.serialize_compact()), "default"))
    store_sketches(connection, rows)
