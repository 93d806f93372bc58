-- Plays and chat by UTC month, so that long periods read few rows; and slices ordered as filters narrow them.
CREATE TABLE session_months (
  scope text COLLATE "C" NOT NULL,
  dimension text COLLATE "C" NOT NULL,
  month date NOT NULL,                          -- its first day
  key text COLLATE "C" NOT NULL,
  plays bigint NOT NULL,
  PRIMARY KEY (scope, dimension, month, key)
);
INSERT INTO session_months (scope, dimension, month, key, plays)
SELECT scope, dimension, date_trunc('month', day)::date, key, sum(plays)
FROM session_days WHERE dimension <> 'total' GROUP BY 1, 2, 3, 4;

CREATE TABLE chatter_months (
  stream text COLLATE "C" NOT NULL,
  month date NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  username text NOT NULL,
  messages bigint NOT NULL,
  PRIMARY KEY (stream, month, user_id)
);
CREATE INDEX chatter_months_user ON chatter_months (user_id);
INSERT INTO chatter_months (stream, month, user_id, username, messages)
SELECT stream, date_trunc('month', day)::date, user_id, max(username), sum(messages)
FROM chatter_days GROUP BY 1, 2, 3;

ALTER TABLE session_slices DROP CONSTRAINT session_slices_pkey;
ALTER TABLE session_slices ADD PRIMARY KEY (scope, device, country, day, region, variant);
