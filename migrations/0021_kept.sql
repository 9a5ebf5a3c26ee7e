-- Each day's cleaning looks at what is still kept, not at every mail there ever was.
CREATE INDEX outbox_bytes_kept ON outbox_bytes (outbox) WHERE bytes IS NOT NULL;
CREATE INDEX outbox_plain_kept ON outbox_bytes (outbox) WHERE plain IS NOT NULL;
CREATE INDEX inbox_bytes_kept ON inbox_bytes (inbox) WHERE bytes IS NOT NULL;
CREATE INDEX outbox_meeting ON outbox (group_id, meeting) WHERE meeting IS NOT NULL;

-- the newest lines of a group come in their order: an index ends with the row's number
DROP INDEX journal_group;
CREATE INDEX journal_group ON journal (group_id);
