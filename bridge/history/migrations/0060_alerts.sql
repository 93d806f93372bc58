-- What operators and channels are told: alerts of the rules (by fingerprint) and of reached goals.
CREATE TABLE alerts (
  id text COLLATE "C" PRIMARY KEY,
  fingerprint text COLLATE "C" NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  channel_id text COLLATE "C" NOT NULL,
  stream_id text COLLATE "C" NOT NULL DEFAULT '',
  type text NOT NULL,
  title text NOT NULL,
  message text NOT NULL,
  severity text NOT NULL,
  data jsonb NOT NULL DEFAULT '{}',
  raised_at timestamptz NOT NULL,
  closed_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text
);
-- An alert that fires is open once, whoever tells of it and however often.
CREATE UNIQUE INDEX alerts_open ON alerts (fingerprint) WHERE closed_at IS NULL;
CREATE INDEX alerts_of_tenant ON alerts (tenant_id, raised_at DESC);
CREATE INDEX alerts_of_channel ON alerts (channel_id, raised_at DESC);
CREATE INDEX alerts_of_stream ON alerts (stream_id, raised_at DESC);
CREATE INDEX alerts_newest ON alerts (raised_at DESC);
