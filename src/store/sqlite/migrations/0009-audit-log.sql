-- Who did what, and from where. Names as they were, not references: an entry outlives what it tells of.
CREATE TABLE audit_entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  user TEXT NOT NULL,
  operation TEXT NOT NULL,
  -- A JSON array, the first ones of `subject_count`.
  subjects TEXT NOT NULL,
  subject_count INTEGER NOT NULL,
  status INTEGER NOT NULL,
  address TEXT NOT NULL
) STRICT;
CREATE INDEX audit_entries_by_time ON audit_entries (time);
CREATE INDEX audit_entries_by_user ON audit_entries (user, id);
CREATE INDEX audit_entries_by_operation ON audit_entries (operation, id);
