-- Samples whose matches with a rule are not reported: by one of their hashes, their name, or who signed them.
CREATE TABLE allow_entries (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  rule TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('hash', 'name', 'signer', 'serial')),
  value TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users (id),
  created INTEGER NOT NULL,
  PRIMARY KEY (ruleset_id, rule, kind, value)
) STRICT, WITHOUT ROWID;
