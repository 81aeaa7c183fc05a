-- What users write down about rulesets, and until when one runs.
ALTER TABLE rulesets ADD COLUMN notes text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE rulesets ADD COLUMN expires bigint;
CREATE INDEX rulesets_expiring ON rulesets (expires) WHERE expires IS NOT NULL AND enabled = 1;

CREATE TABLE ruleset_tags (
  ruleset_id bigint NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  tag text COLLATE "C" NOT NULL,
  PRIMARY KEY (ruleset_id, tag)
);
CREATE INDEX ruleset_tags_by_tag ON ruleset_tags (tag);
