-- The instant that calendars were given: a change of law makes the hour another one.
ALTER TABLE meetings ADD COLUMN announced_at TEXT;   -- UTC; empty where an older release planned it
