-- Streams as people plan them. Keys are looked up by digest; key_sealed lets their owner read them again.
CREATE TABLE streams (
  id text COLLATE "C" PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  channel_id text COLLATE "C" NOT NULL,
  title text NOT NULL,
  slug text NOT NULL,
  status text NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'live', 'ended', 'cancelled')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  key_digest bytea NOT NULL UNIQUE,
  key_sealed bytea NOT NULL,
  description text,
  scheduled_start timestamptz,
  actual_start timestamptz,
  actual_end timestamptz,
  ended_by text CHECK (ended_by IN ('caller', 'absence')),
  last_published timestamptz,
  peak_viewers bigint NOT NULL DEFAULT 0,
  total_views bigint NOT NULL DEFAULT 0,
  thumbnail_url text,
  tags text[] NOT NULL DEFAULT '{}',
  category text,
  privacy text NOT NULL DEFAULT 'public' CHECK (privacy IN ('public', 'unlisted', 'private')),
  chat_enabled boolean NOT NULL DEFAULT true,
  recording_enabled boolean NOT NULL DEFAULT false,
  donations_enabled boolean NOT NULL DEFAULT false
);
CREATE INDEX streams_newest ON streams (created_at DESC, id DESC);
CREATE INDEX streams_newest_of_tenant ON streams (tenant_id, created_at DESC, id DESC);
CREATE INDEX streams_of_channel ON streams (channel_id);
CREATE INDEX streams_changed ON streams (updated_at);
CREATE INDEX streams_open ON streams (status) WHERE status IN ('scheduled', 'live');
