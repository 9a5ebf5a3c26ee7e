-- While mail is held, none leaves: a start with --hold, a burst that nobody foresaw. The operator lets it go.
ALTER TABLE instance ADD COLUMN held_at TEXT;
ALTER TABLE instance ADD COLUMN held_why TEXT;
