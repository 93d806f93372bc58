-- Roll-ups, kept in the transaction that stores the facts. ``scope`` is a stream's id, '@tenant' for all streams of a
-- tenant, or '@' for everything.

-- Sums over sessions, by when they joined. The measures are the same in the three tables below.
CREATE TABLE session_quarters (
  scope text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,                      -- the quarter of an hour's beginning: whole in every time zone
  sessions bigint NOT NULL,
  plays bigint NOT NULL,
  views bigint NOT NULL,
  watch_seconds double precision NOT NULL,
  rebuffer_seconds double precision NOT NULL,
  rebuffers bigint NOT NULL,
  switches bigint NOT NULL,
  errors bigint NOT NULL,
  engaged bigint NOT NULL,                      -- sessions with an engagement event
  chatting bigint NOT NULL,                     -- sessions with a chat message
  following bigint NOT NULL,
  subscribing bigint NOT NULL,
  startup_seconds double precision NOT NULL,
  startups bigint NOT NULL,
  latency_seconds double precision NOT NULL,
  latencies bigint NOT NULL,
  bytes double precision NOT NULL,              -- encoded rate times watch time
  byte_seconds double precision NOT NULL,       -- the watch time that ``bytes`` was watched in
  PRIMARY KEY (scope, at)
);

-- By UTC day and one dimension: total, country, region, city, device, browser, os, variant.
CREATE TABLE session_days (
  dimension text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  day date NOT NULL,
  LIKE session_quarters
);
ALTER TABLE session_days DROP COLUMN at;
ALTER TABLE session_days ADD PRIMARY KEY (scope, dimension, day, key);

-- By UTC day and every dimension that can be filtered by.
CREATE TABLE session_slices (
  day date NOT NULL,
  country text COLLATE "C" NOT NULL,
  region text COLLATE "C" NOT NULL,
  device text COLLATE "C" NOT NULL,
  variant text COLLATE "C" NOT NULL,
  LIKE session_quarters
);
ALTER TABLE session_slices DROP COLUMN at;
ALTER TABLE session_slices ADD PRIMARY KEY (scope, day, country, region, device, variant);

-- Events of a stream by minute, and of every scope by quarter of an hour. ``detail`` tells reactions, subscriptions and
-- moderation apart.
CREATE TABLE event_minutes (
  stream text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  event text COLLATE "C" NOT NULL,
  events bigint NOT NULL,
  PRIMARY KEY (stream, at, event)
);

CREATE TABLE event_quarters (
  scope text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  event text COLLATE "C" NOT NULL,
  detail text COLLATE "C" NOT NULL,
  events bigint NOT NULL,
  amount double precision NOT NULL,
  top_amount double precision NOT NULL,
  PRIMARY KEY (scope, at, event, detail)
);

CREATE TABLE event_days (
  scope text COLLATE "C" NOT NULL,
  day date NOT NULL,
  event text COLLATE "C" NOT NULL,
  detail text COLLATE "C" NOT NULL,
  events bigint NOT NULL,
  amount double precision NOT NULL,
  top_amount double precision NOT NULL,
  PRIMARY KEY (scope, day, event, detail)
);

-- Who chatted in a stream how much on a UTC day.
CREATE TABLE chatter_days (
  stream text COLLATE "C" NOT NULL,
  day date NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  username text NOT NULL,
  messages bigint NOT NULL,
  PRIMARY KEY (stream, day, user_id)
);
CREATE INDEX chatter_days_user ON chatter_days (user_id);

-- Distinct viewers and chat participants: HyperLogLog sketches, merged register by register.
CREATE TABLE sketches (
  scope text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,               -- viewers, chat
  level text COLLATE "C" NOT NULL,              -- day, month
  day date NOT NULL,                            -- the first of it, UTC
  sketch bytea NOT NULL,
  PRIMARY KEY (scope, kind, level, day)
);

-- Minutes by hour and UTC day. With timescaledb's community licence these two are continuous aggregates instead.
DO $$
BEGIN
  IF coalesce(current_setting('timescaledb.license', true), '') <> 'timescale' THEN
    CREATE TABLE stream_hours (
      stream text COLLATE "C" NOT NULL,
      at timestamptz NOT NULL,
      minutes bigint NOT NULL,
      viewer_minutes double precision NOT NULL,   -- sum of the minutes' mean viewers
      viewers_peak real,
      mean_peak real,                             -- largest mean of a minute
      publishing_seconds double precision NOT NULL,
      stale_seconds double precision NOT NULL,
      ingest_bytes double precision NOT NULL,
      edge_bytes double precision NOT NULL,
      edge_error_sum double precision NOT NULL,
      edge_error_minutes bigint NOT NULL,
      edge_ttfb_sum double precision NOT NULL,
      edge_ttfb_minutes bigint NOT NULL,
      live_latency_sum double precision NOT NULL,
      live_latency_minutes bigint NOT NULL,
      startup_sum double precision NOT NULL,
      startup_minutes bigint NOT NULL,
      stall_sum double precision NOT NULL,
      stall_minutes bigint NOT NULL,
      dropped_frames double precision NOT NULL,
      reconnects double precision NOT NULL,
      rebuffers double precision NOT NULL,
      switches double precision NOT NULL,
      PRIMARY KEY (stream, at)
    );
    CREATE TABLE stream_days (LIKE stream_hours INCLUDING ALL);
  END IF;
END $$;
