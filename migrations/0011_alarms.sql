-- What is wrong, topic by topic, and when the operator was told: once a day at most while nothing changes.
CREATE TABLE alarms (
  topic     TEXT PRIMARY KEY,
  since_at  TEXT NOT NULL,             -- since when
  seen_at   TEXT NOT NULL,             -- when it was seen last
  what      TEXT NOT NULL,             -- what was found, on one line
  mark      TEXT NOT NULL,             -- another one: there is something new to tell
  over      INTEGER NOT NULL CHECK (over IN (0, 1)),
  told_at   TEXT,
  told_mark TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX meetings_running ON meetings (stage) WHERE stage = 'running';
