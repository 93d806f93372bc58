-- Facts: what was measured, a row each. Partitioned by time: hypertables where timescaledb is, native partitions else.
-- Texts that are part of keys are compared by bytes ("C"), which is exact and quick.

-- Turns an empty table into a partitioned one of the same columns, defaults, constraints and indexes.
CREATE FUNCTION history_partition_by(fact regclass, time_column text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  fact_name text := fact::text;
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
    -- The table's own unique index leads with the stream; an index on time alone would only cost.
    PERFORM create_hypertable(fact, by_range(time_column, INTERVAL '7 days'), create_default_indexes => false);
  ELSE
    EXECUTE format('ALTER TABLE %s RENAME TO %I', fact, fact_name || '_template');
    EXECUTE format(
      'CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES) PARTITION BY RANGE (%I)',
      fact_name, fact_name || '_template', time_column);
    EXECUTE format('DROP TABLE %I', fact_name || '_template');
  END IF;
END $$;

-- Who watched with what, and where: few distinct rows, so sessions hold a number each.
CREATE TABLE clients (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device text COLLATE "C" NOT NULL,
  os text COLLATE "C" NOT NULL,
  browser text COLLATE "C" NOT NULL,
  user_agent text COLLATE "C" NOT NULL,
  UNIQUE (user_agent, device, os, browser)
);

CREATE TABLE places (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  country text COLLATE "C" NOT NULL,
  region text COLLATE "C" NOT NULL,
  city text COLLATE "C" NOT NULL,
  UNIQUE (country, region, city)
);

-- One row a stream and minute, from recorded series. Also of '@tenant' and '@': the sums over a tenant, and over all.
CREATE TABLE stream_minutes (
  stream text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,                      -- the minute's beginning
  viewers real,                                 -- mean of concurrent viewers
  viewers_peak real,                            -- most concurrent viewers
  publishing_seconds real,
  stale_seconds real,                           -- time the playlist did not grow
  ingest_bytes_per_second real,
  edge_bytes_per_second real,
  edge_error_ratio real,
  edge_ttfb_seconds real,
  live_latency_seconds real,                    -- median distance behind live
  startup_seconds real,                         -- median time to first frame
  stall_ratio real,                             -- stalled time of watch time
  frame_rate real,
  dropped_frames real,
  reconnects real,
  rebuffers real,
  switches real,                                -- rendition changes
  PRIMARY KEY (stream, at)
);
SELECT history_partition_by('stream_minutes', 'at');

-- One row an ended viewing session.
CREATE TABLE sessions (
  stream text COLLATE "C" NOT NULL,
  joined timestamptz NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  left_at timestamptz NOT NULL,
  watch_seconds double precision NOT NULL,
  rebuffer_seconds double precision NOT NULL,
  startup_seconds real,
  live_latency_seconds real,
  bytes_per_second real,                        -- mean encoded rate of what was watched
  rebuffers int NOT NULL,
  switches int NOT NULL,
  errors int NOT NULL,
  chat_messages int NOT NULL,
  client int NOT NULL,
  place int NOT NULL,
  played boolean NOT NULL,                      -- a first frame was shown, and this row counts as a play
  viewed boolean NOT NULL,                      -- it counts as a view
  variant text COLLATE "C" NOT NULL,            -- the rendition watched most
  end_reason text COLLATE "C" NOT NULL,
  user_id text COLLATE "C",
  address inet,                                 -- truncated before it came here
  rendition_seconds jsonb,                      -- only where more than one was watched
  engagements jsonb,
  PRIMARY KEY (stream, joined, session_id)
);
CREATE INDEX sessions_user ON sessions (user_id) WHERE user_id IS NOT NULL;
SELECT history_partition_by('sessions', 'joined');

-- One row an app event: chat, likes, donations.
CREATE TABLE events (
  stream text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  user_id text COLLATE "C",
  session_id text COLLATE "C",
  amount double precision,
  currency text COLLATE "C",
  data jsonb,
  PRIMARY KEY (stream, at, event_id)
);
CREATE INDEX events_user ON events (user_id) WHERE user_id IS NOT NULL;
SELECT history_partition_by('events', 'at');

-- Exact totals of one broadcast, by the shard of the session engine that counted them.
CREATE TABLE broadcasts (
  stream text COLLATE "C" NOT NULL,
  started timestamptz NOT NULL,
  shard text COLLATE "C" NOT NULL,
  ended timestamptz NOT NULL,
  peak_concurrent int NOT NULL,
  peak_at timestamptz,
  attempts bigint NOT NULL,
  plays bigint NOT NULL,
  views bigint NOT NULL,
  watch_seconds double precision NOT NULL,
  rebuffer_seconds double precision NOT NULL,
  rebuffers bigint NOT NULL,
  start_failures bigint NOT NULL,
  playback_failures bigint NOT NULL,
  exits_before_start bigint NOT NULL,
  switches bigint NOT NULL,
  engagements jsonb NOT NULL,
  revenue double precision NOT NULL,
  PRIMARY KEY (stream, started, shard)
);

-- How far the recorded series are stored, and which spool files are.
CREATE TABLE watermarks (
  name text PRIMARY KEY,
  at timestamptz NOT NULL
);

CREATE TABLE spool_files (
  name text COLLATE "C" PRIMARY KEY,
  records int NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now()
);
