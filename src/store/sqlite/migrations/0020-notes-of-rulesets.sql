-- What users write down about rulesets, and until when one runs.
ALTER TABLE rulesets ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE rulesets ADD COLUMN expires INTEGER;
CREATE INDEX rulesets_expiring ON rulesets (expires) WHERE expires IS NOT NULL AND enabled = 1;

CREATE TABLE ruleset_tags (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  PRIMARY KEY (ruleset_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX ruleset_tags_by_tag ON ruleset_tags (tag);
