-- The most events of a kind that a stream had in one minute of a day: its busiest minute of chat.
ALTER TABLE event_days ADD COLUMN busiest_minute bigint NOT NULL DEFAULT 0;
