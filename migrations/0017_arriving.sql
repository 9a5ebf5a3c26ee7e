-- A mail that ends the whole process before it has a row (its sender is checked first) would end the next one too: it
-- is known by its hash before any of it is read.
CREATE TABLE arriving (
  hash  TEXT PRIMARY KEY,          -- SHA-256 of the bytes in hex
  tries INTEGER NOT NULL,          -- begun, and not come to a row
  since TEXT NOT NULL              -- UTC
) STRICT, WITHOUT ROWID;
