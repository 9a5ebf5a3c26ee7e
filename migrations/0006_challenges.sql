-- "Was it you?": what waits for a member's word, and what had it within a day.
CREATE TABLE challenges (
  group_id  TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  position  INTEGER NOT NULL,
  member    TEXT NOT NULL,
  draft_key TEXT NOT NULL,             -- the mail that asks
  asked_at  TEXT NOT NULL,
  address   TEXT,                      -- the unknown address, where the question is whether it is theirs
  level     TEXT NOT NULL,             -- what proved the first mail: A, B, C
  weight    TEXT NOT NULL,             -- how far it reaches: own, leave, lead, all
  waiting   TEXT NOT NULL,             -- JSON: inbox rows, and the mails they answer
  word      INTEGER,                   -- 1 yes, 0 no; none yet
  PRIMARY KEY (group_id, position)
) STRICT, WITHOUT ROWID;
