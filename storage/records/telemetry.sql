-- What comes in streams: synchronous NORMAL, written in batches. Columns as in
-- core's record, but many rows may share kind and id.
CREATE TABLE reading (
  seq     INTEGER PRIMARY KEY,
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  subject TEXT NOT NULL,
  at      INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  body    BLOB NOT NULL
);
CREATE INDEX reading_of ON reading (kind, id, at);
CREATE INDEX reading_subject ON reading (subject, at) WHERE subject <> '';
CREATE INDEX reading_expires ON reading (expires) WHERE expires <> 0;
