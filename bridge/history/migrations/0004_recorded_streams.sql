-- Which streams history knows, whose they were when last recorded, and when they were on air.
CREATE TABLE recorded_streams (
  stream text COLLATE "C" PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL
);
CREATE INDEX recorded_streams_tenant ON recorded_streams (tenant, stream);

-- Which streams had sessions on which days, and how many.
CREATE INDEX session_days_totals ON session_days (day, scope) WHERE dimension = 'total';

-- Sessions deleted on a person's request: sums keep them, lists of sessions do not.
ALTER TABLE session_quarters ADD COLUMN forgotten bigint NOT NULL DEFAULT 0;
