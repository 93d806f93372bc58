-- What a channel wants to reach, and when it did.
CREATE TABLE channels (
  id text COLLATE "C" PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL,
  name text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE goals (
  tenant_id text COLLATE "C" NOT NULL,
  channel_id text COLLATE "C" NOT NULL,
  target_viewers double precision,
  target_revenue double precision,
  target_followers double precision,
  target_stream_hours double precision,
  target_engagement_rate double precision,
  period text COLLATE "C" NOT NULL DEFAULT 'month',
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, channel_id)
);

-- One row a goal reached in a period: a goal alert is raised once.
CREATE TABLE goals_reached (
  tenant_id text COLLATE "C" NOT NULL,
  channel_id text COLLATE "C" NOT NULL,
  goal text COLLATE "C" NOT NULL,
  period_start date NOT NULL,
  target double precision NOT NULL,
  reached_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, channel_id, goal, period_start, target)
);
