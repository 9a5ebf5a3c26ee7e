-- What was seen of the wall clock: nothing is deleted by age while it may be set wrong.
ALTER TABLE instance ADD COLUMN clock_at TEXT;     -- when it was looked at last
ALTER TABLE instance ADD COLUMN clock_since TEXT;  -- since when it goes on without a jump
ALTER TABLE instance ADD COLUMN clock_from TEXT;   -- where it stood before that jump, if it went ahead
