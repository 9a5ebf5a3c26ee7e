-- Of several facilitators the first one's order about the subject holds.
ALTER TABLE meetings ADD COLUMN led_by TEXT;
ALTER TABLE meetings ADD COLUMN led_at TEXT;
