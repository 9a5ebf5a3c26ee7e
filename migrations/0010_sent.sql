-- A mail in doubt is looked for in the Sent folder first; the core hears of it when that can't tell.
ALTER TABLE outbox ADD COLUMN doubt_until TEXT;      -- until when it is looked for; empty: not in doubt, or told
ALTER TABLE outbox ADD COLUMN doubt_looks INTEGER NOT NULL DEFAULT 0;  -- how often it was not there
-- After a restore: what left since the backup is looked for in the Sent folder while mail is held.
ALTER TABLE instance ADD COLUMN restored_at TEXT;    -- when; empty where mail was let go since
ALTER TABLE instance ADD COLUMN sent_folder TEXT;    -- what was seen of the Sent folder then (JSON)
