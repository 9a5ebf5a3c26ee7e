-- The clock's doubt has a column of its own; it was one second added to `clock_since`.
ALTER TABLE instance ADD COLUMN clock_before TEXT;  -- where the jump before the last one led to, while neither is believed
UPDATE instance SET clock_since = clock_at WHERE clock_since > clock_at;
