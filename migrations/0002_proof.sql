-- Who a mail seems to be from is found out when it arrives, and kept: keys and policies change.
ALTER TABLE inbox ADD COLUMN proof TEXT;   -- JSON of level and reason; empty where nothing was looked at
