-- What must not be lost: synchronous FULL.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;

-- One random key per subject, sealed; without it the subject's bodies are noise.
CREATE TABLE subject_key (
  subject TEXT PRIMARY KEY,
  wrapped BLOB NOT NULL
) WITHOUT ROWID;

-- Times are nanoseconds since 1970 UTC, 0 for none. A body is sealed once more
-- under the subject's key if there is a subject.
CREATE TABLE record (
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  subject TEXT NOT NULL,
  at      INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  body    BLOB NOT NULL,
  UNIQUE (kind, id)
);
CREATE INDEX record_subject ON record (subject) WHERE subject <> '';
CREATE INDEX record_expires ON record (expires) WHERE expires <> 0;
