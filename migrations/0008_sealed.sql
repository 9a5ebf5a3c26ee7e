-- People's words and mails are sealed, each with the key of its meeting, its group's month or its mail's month;
-- the keys lie in a second file beside this one. seal(key's scope, who the row is, what) is codevd's own function.
ALTER TABLE words ADD COLUMN sealed BLOB;
UPDATE words SET sealed = seal(group_id || '/' || meeting, 'words/' || group_id || '/' || meeting || '/' || id, text);
ALTER TABLE words DROP COLUMN text;

ALTER TABLE subjects ADD COLUMN sealed BLOB;
UPDATE subjects SET sealed = seal(group_id || '/' || meeting, 'subjects/' || group_id || '/' || meeting, text);
ALTER TABLE subjects DROP COLUMN text;

ALTER TABLE actions ADD COLUMN sealed BLOB;
UPDATE actions SET sealed = seal(group_id || '/' || meeting, 'actions/' || group_id || '/' || meeting || '/' || id, text);
ALTER TABLE actions DROP COLUMN text;

ALTER TABLE attendance_comments ADD COLUMN sealed BLOB;
UPDATE attendance_comments
  SET sealed = seal(group_id || '/' || meeting, 'comments/' || group_id || '/' || meeting || '/' || member, text);
ALTER TABLE attendance_comments DROP COLUMN text;

-- what takes something back holds what stood there before
ALTER TABLE undos ADD COLUMN sealed BLOB;
UPDATE undos
  SET sealed = seal(group_id || '/' || coalesce(meeting, substr(at, 1, 7)), 'undos/' || group_id || '/' || position, inverse);
ALTER TABLE undos DROP COLUMN inverse;

-- which receipt a mail is: caps count some of them, and its draft can't be looked into any more
ALTER TABLE outbox ADD COLUMN receipt TEXT;
UPDATE outbox SET receipt = (SELECT json_extract(b.draft, '$.facts.receipt') FROM outbox_bytes b WHERE b.outbox = outbox.id)
  WHERE kind = 'receipt';

CREATE TABLE outbox_sealed (
  outbox INTEGER PRIMARY KEY REFERENCES outbox (id) ON DELETE CASCADE,
  bytes  BLOB,                         -- the frozen mail; emptied when it is old
  plain  BLOB,                         -- its plain text, to recognise our quote in answers; emptied as well
  draft  BLOB                          -- JSON of the draft
) STRICT;
INSERT INTO outbox_sealed (outbox, bytes, plain, draft)
  SELECT o.id, seal('mail/' || substr(o.decided_at, 1, 7), 'sent/' || o.id, b.bytes),
    seal(o.group_id || '/' || coalesce(o.meeting, substr(o.decided_at, 1, 7)), 'plain/' || o.id, b.plain),
    seal(o.group_id || '/' || coalesce(o.meeting, substr(o.decided_at, 1, 7)), 'draft/' || o.id, b.draft)
  FROM outbox o JOIN outbox_bytes b ON b.outbox = o.id;
DROP TABLE outbox_bytes;
ALTER TABLE outbox_sealed RENAME TO outbox_bytes;

UPDATE inbox_bytes SET bytes = (SELECT seal('mail/' || substr(i.received_at, 1, 7), 'received/' || i.id, inbox_bytes.bytes)
  FROM inbox i WHERE i.id = inbox_bytes.inbox) WHERE bytes IS NOT NULL;

-- which keys file belongs to this file, and how many keys it held when something was sealed with the newest
ALTER TABLE instance ADD COLUMN keys_file TEXT;
ALTER TABLE instance ADD COLUMN keys_made INTEGER NOT NULL DEFAULT 0;
