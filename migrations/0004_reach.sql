-- What is known of the way to a member: mails that came back lately, an absence an automatic reply announced.
ALTER TABLE members ADD COLUMN bounced TEXT NOT NULL DEFAULT '[]';  -- JSON, oldest first
ALTER TABLE members ADD COLUMN away_told_at TEXT;                   -- when the automatic reply came
ALTER TABLE members ADD COLUMN away_until TEXT;                     -- the last day away, if it said so
