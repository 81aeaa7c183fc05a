-- Rules that report no matches, by name: they stay off whatever text their ruleset gets.
CREATE TABLE disabled_rules (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  rule TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users (id),
  since INTEGER NOT NULL,
  PRIMARY KEY (ruleset_id, rule)
) STRICT, WITHOUT ROWID;
