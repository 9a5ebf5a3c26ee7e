-- Those who may press a calendar's button for a member (SENT-BY), as the group file declares them.
CREATE TABLE member_delegates (
  group_id TEXT NOT NULL,
  member   TEXT NOT NULL,
  position INTEGER NOT NULL,
  address     TEXT NOT NULL,           -- as written
  address_key TEXT NOT NULL,           -- in lower case, for looking up
  PRIMARY KEY (group_id, member, position),
  FOREIGN KEY (group_id, member) REFERENCES members (group_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX member_delegates_key ON member_delegates (address_key);
