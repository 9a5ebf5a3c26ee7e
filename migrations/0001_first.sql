-- The first schema. Times are UTC text (2026-11-24T17:00:00Z), wall times the group's own hour
-- (2026-12-08 18:00), states and kinds their words, yes and no 1 and 0.
-- What people wrote, and mail bytes, lie in tables of their own: words, subjects, actions,
-- attendance_comments, undos, outbox_bytes, inbox_bytes.

CREATE TABLE instance (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  program     TEXT NOT NULL,           -- what made the file
  schema_from INTEGER NOT NULL         -- the schema it was made with
) STRICT;
INSERT INTO instance (one, program, schema_from) VALUES (1, 'codevd', 1);

-- ---------------------------------------------------------------- groups

CREATE TABLE groups (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  live         INTEGER NOT NULL CHECK (live IN (0, 1)),
  spec         TEXT NOT NULL,          -- JSON of the group file as it was applied last
  next_meeting INTEGER NOT NULL,       -- number the next meeting gets
  last_slot    TEXT,
  version      INTEGER NOT NULL,       -- rises with every commit: guards against two writers
  next_due_at  TEXT,                   -- when the engine looks at the group next
  derivation   TEXT NOT NULL,          -- what next_due_at was derived by (program, zone data)
  last_error   TEXT,                   -- why deciding failed; empty when all is well
  error_at     TEXT,
  failures     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX groups_next_due ON groups (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX groups_derivation ON groups (derivation);

CREATE TABLE members (
  group_id    TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  id          TEXT NOT NULL,
  position    INTEGER NOT NULL,
  name        TEXT NOT NULL,
  language    TEXT NOT NULL,
  zone        TEXT NOT NULL,
  circle      INTEGER NOT NULL CHECK (circle IN (0, 1)),
  facilitates INTEGER,                 -- place among the facilitators, 0 leads
  joined_at   TEXT NOT NULL,
  left_at     TEXT,
  paused_at   TEXT,
  unreachable_at TEXT,
  PRIMARY KEY (group_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE member_addresses (
  group_id    TEXT NOT NULL,
  member      TEXT NOT NULL,
  position    INTEGER NOT NULL,        -- 0: where mail goes; then the others
  address     TEXT NOT NULL,           -- as written
  address_key TEXT NOT NULL,           -- in lower case, for looking up
  counts      INTEGER NOT NULL CHECK (counts IN (0, 1)),  -- 0: the member left, or it stands twice
  PRIMARY KEY (group_id, member, position),
  FOREIGN KEY (group_id, member) REFERENCES members (group_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX member_addresses_once ON member_addresses (group_id, address_key) WHERE counts = 1;
CREATE INDEX member_addresses_key ON member_addresses (address_key);

CREATE TABLE turns (
  group_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  meeting  INTEGER NOT NULL,
  member   TEXT NOT NULL,
  wall     TEXT NOT NULL,
  PRIMARY KEY (group_id, position),
  FOREIGN KEY (group_id, member) REFERENCES members (group_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE sent_marks (
  group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  meeting  INTEGER,
  kind     TEXT NOT NULL,
  step     INTEGER,
  member   TEXT NOT NULL,
  revision INTEGER NOT NULL,
  at       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX sent_marks_once
  ON sent_marks (group_id, ifnull(meeting, -1), kind, ifnull(step, -1), member);
CREATE INDEX sent_marks_meeting ON sent_marks (group_id, meeting, kind, step, member);

CREATE TABLE undos (
  group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  meeting  INTEGER,
  member   TEXT NOT NULL,
  receipt  INTEGER NOT NULL,           -- revision of the receipt that offers it
  at       TEXT NOT NULL,
  inverse  TEXT NOT NULL,              -- JSON of what takes it back
  PRIMARY KEY (group_id, position)
) STRICT, WITHOUT ROWID;

-- ---------------------------------------------------------------- meetings

CREATE TABLE meetings (
  group_id      TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  number        INTEGER NOT NULL,
  uid           TEXT NOT NULL UNIQUE,
  slot          TEXT NOT NULL,
  wall          TEXT NOT NULL,
  format        TEXT NOT NULL,
  place         TEXT,
  sequence      INTEGER NOT NULL,
  time_sequence INTEGER NOT NULL,
  created_at    TEXT NOT NULL,
  changed_at    TEXT NOT NULL,
  stage         TEXT NOT NULL CHECK (stage IN ('planned', 'running', 'collecting', 'digested', 'cancelled')),
  requester     TEXT NOT NULL,
  backup        TEXT,
  facilitator   TEXT NOT NULL,
  run_announced_end TEXT,              -- there is a run when this is set
  run_paused_at     TEXT,
  run_stopped_at    TEXT,
  ended_at          TEXT,
  digest_review_sent_at    TEXT,
  digest_approved_at       TEXT,
  digest_withdrawn         INTEGER NOT NULL CHECK (digest_withdrawn IN (0, 1)),
  digest_sent_at           TEXT,
  digest_correction_due_at TEXT,
  PRIMARY KEY (group_id, number),
  FOREIGN KEY (group_id, requester) REFERENCES members (group_id, id),
  FOREIGN KEY (group_id, backup) REFERENCES members (group_id, id),
  FOREIGN KEY (group_id, facilitator) REFERENCES members (group_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX meetings_wall ON meetings (group_id, wall);

CREATE TABLE meeting_steps (
  group_id TEXT NOT NULL,
  meeting  INTEGER NOT NULL,
  position INTEGER NOT NULL,
  step     TEXT NOT NULL,
  speaker  TEXT NOT NULL,
  turns    TEXT NOT NULL,
  collects TEXT NOT NULL,
  start_at TEXT NOT NULL,
  end_at   TEXT NOT NULL,
  skipped  INTEGER NOT NULL CHECK (skipped IN (0, 1)),
  PRIMARY KEY (group_id, meeting, position),
  FOREIGN KEY (group_id, meeting) REFERENCES meetings (group_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE attendance (
  group_id TEXT NOT NULL,
  meeting  INTEGER NOT NULL,
  member   TEXT NOT NULL,
  answer   TEXT NOT NULL CHECK (answer IN ('yes', 'no', 'maybe')),
  sequence INTEGER NOT NULL,
  stamp    TEXT NOT NULL,
  PRIMARY KEY (group_id, meeting, member),
  FOREIGN KEY (group_id, meeting) REFERENCES meetings (group_id, number) ON DELETE CASCADE,
  FOREIGN KEY (group_id, member) REFERENCES members (group_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE attendance_comments (
  group_id TEXT NOT NULL,
  meeting  INTEGER NOT NULL,
  member   TEXT NOT NULL,
  text     TEXT NOT NULL,
  PRIMARY KEY (group_id, meeting, member),
  FOREIGN KEY (group_id, meeting, member) REFERENCES attendance (group_id, meeting, member) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE subjects (
  group_id TEXT NOT NULL,
  meeting  INTEGER NOT NULL,
  sharing  TEXT CHECK (sharing IN ('all', 'title_only', 'nothing')),
  at       TEXT NOT NULL,
  text     TEXT NOT NULL,
  PRIMARY KEY (group_id, meeting),
  FOREIGN KEY (group_id, meeting) REFERENCES meetings (group_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE words (
  group_id  TEXT NOT NULL,
  meeting   INTEGER NOT NULL,
  id        INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  member    TEXT NOT NULL,
  section   TEXT NOT NULL,
  at        TEXT NOT NULL,
  anonymous INTEGER NOT NULL CHECK (anonymous IN (0, 1)),
  withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
  text      TEXT NOT NULL,
  PRIMARY KEY (group_id, meeting, id),
  FOREIGN KEY (group_id, meeting) REFERENCES meetings (group_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE actions (
  group_id TEXT NOT NULL,
  meeting  INTEGER NOT NULL,
  id       INTEGER NOT NULL,
  position INTEGER NOT NULL,
  due      TEXT,
  shared   INTEGER NOT NULL CHECK (shared IN (0, 1)),
  progress TEXT,
  text     TEXT NOT NULL,
  PRIMARY KEY (group_id, meeting, id),
  FOREIGN KEY (group_id, meeting) REFERENCES meetings (group_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- ---------------------------------------------------------------- what goes out

CREATE TABLE outbox (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  draft_id        TEXT NOT NULL UNIQUE,
  draft_key       TEXT NOT NULL UNIQUE, -- deciding twice queues once
  group_id        TEXT NOT NULL,
  meeting         INTEGER,
  kind            TEXT NOT NULL,
  step            INTEGER,
  member          TEXT NOT NULL,
  lane            TEXT NOT NULL,
  subject         TEXT NOT NULL,
  message_id      TEXT NOT NULL,
  envelope_to     TEXT NOT NULL,
  question        TEXT,
  urgent          INTEGER NOT NULL CHECK (urgent IN (0, 1)),
  decided_at      TEXT NOT NULL,
  due_at          TEXT NOT NULL,
  useful_until    TEXT NOT NULL,
  when_late       TEXT NOT NULL CHECK (when_late IN ('send', 'merge', 'drop')),
  state           TEXT NOT NULL CHECK (state IN
                    ('queued', 'sending', 'sent', 'dropped', 'superseded', 'refused', 'in_doubt')),
  superseded_by   INTEGER REFERENCES outbox (id),
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT NOT NULL,
  dot_at          TEXT,                -- when the running attempt was about to send its final dot
  last_reply      TEXT,
  sent_at         TEXT
) STRICT;
CREATE INDEX outbox_next ON outbox (urgent, next_attempt_at) WHERE state = 'queued';
CREATE INDEX outbox_useful ON outbox (useful_until) WHERE state = 'queued' AND when_late <> 'send';
CREATE INDEX outbox_lane ON outbox (group_id, member, lane, id) WHERE state = 'queued';
CREATE INDEX outbox_flight ON outbox (group_id, member, lane) WHERE state = 'sending';
CREATE INDEX outbox_state ON outbox (state);
CREATE INDEX outbox_message_id ON outbox (message_id);
CREATE INDEX outbox_receiver ON outbox (group_id, member, lane, id);

CREATE TABLE outbox_bytes (
  outbox INTEGER PRIMARY KEY REFERENCES outbox (id) ON DELETE CASCADE,
  bytes  BLOB,                         -- the frozen mail; emptied when it is old
  plain  TEXT NOT NULL,                -- its plain text, to recognise our quote in answers
  draft  TEXT NOT NULL                 -- JSON of the draft
) STRICT;

CREATE TABLE attempts (
  outbox INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  at     TEXT NOT NULL,
  phase  TEXT NOT NULL CHECK (phase IN ('dial', 'dot')),
  result TEXT,                         -- sent, retry, refused, in_doubt, crashed; empty while it runs
  code   INTEGER,                      -- the server's reply code
  reply  TEXT,
  PRIMARY KEY (outbox, number)
) STRICT, WITHOUT ROWID;

-- ---------------------------------------------------------------- what comes in

CREATE TABLE inbox (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  kind         TEXT NOT NULL CHECK (kind IN ('mail', 'order', 'outcome')),
  place        TEXT NOT NULL,          -- where it was taken from
  message_id   TEXT,
  hash         TEXT UNIQUE,            -- SHA-256 of a mail's bytes
  received_at  TEXT NOT NULL,
  from_address TEXT,
  group_id     TEXT,
  member       TEXT,
  draft_key    TEXT,                   -- the mail of ours it answers, or whose fate it tells
  state        TEXT NOT NULL CHECK (state IN ('new', 'done', 'asked', 'recorded', 'quarantined', 'refused')),
  reason       TEXT,
  done_at      TEXT,
  result       TEXT
) STRICT;
CREATE INDEX inbox_state ON inbox (state);
CREATE INDEX inbox_message_id ON inbox (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE inbox_bytes (
  inbox INTEGER PRIMARY KEY REFERENCES inbox (id) ON DELETE CASCADE,
  bytes BLOB                           -- the mail as it came; JSON of an order or an outcome
) STRICT;

-- ---------------------------------------------------------------- the story, for people

CREATE TABLE journal (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  at        TEXT NOT NULL,
  group_id  TEXT,
  meeting   INTEGER,
  member    TEXT,
  draft_key TEXT,
  inbox     INTEGER,
  text      TEXT NOT NULL
) STRICT;
CREATE INDEX journal_group ON journal (group_id, meeting, id);
CREATE INDEX journal_draft ON journal (draft_key) WHERE draft_key IS NOT NULL;
CREATE INDEX journal_inbox ON journal (inbox) WHERE inbox IS NOT NULL;
