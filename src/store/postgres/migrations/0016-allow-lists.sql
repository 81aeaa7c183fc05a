-- Samples whose matches with a rule are not reported: by one of their hashes, their name, or who signed them.
CREATE TABLE allow_entries (
  ruleset_id bigint NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  rule text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('hash', 'name', 'signer', 'serial')),
  value text COLLATE "C" NOT NULL,
  user_id bigint NOT NULL REFERENCES users (id),
  created bigint NOT NULL,
  PRIMARY KEY (ruleset_id, rule, kind, value)
);
