-- What calendars were given before a change of law, and may still hold.
ALTER TABLE meetings ADD COLUMN told_before_at TEXT;   -- UTC
