-- Who wants no mail: members and others. Kept as the address's SHA-256, so that it outlives `forget`.
CREATE TABLE opt_outs (
  address_hash TEXT PRIMARY KEY,       -- of the address in lower case
  at           TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO opt_outs (address_hash, at)
  SELECT address_hash(a.address), m.paused_at FROM members m
  JOIN member_addresses a ON a.group_id = m.group_id AND a.member = m.id WHERE m.paused_at IS NOT NULL;
