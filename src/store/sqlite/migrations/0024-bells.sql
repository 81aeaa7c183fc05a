-- What each user has looked at: matches up to an id, and ends of hunts up to a time, but for what was read by itself.
CREATE TABLE bells (
  user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  match_id INTEGER NOT NULL,
  moment INTEGER NOT NULL
) STRICT;

-- Rulesets that a user has chosen to follow (1) or not (0), and up to which match it was read; null: as it is by itself.
CREATE TABLE bell_rulesets (
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  follows INTEGER,
  match_id INTEGER NOT NULL,
  PRIMARY KEY (user_id, ruleset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bell_rulesets_by_ruleset ON bell_rulesets (ruleset_id);

-- Hunts whose end was read by itself.
CREATE TABLE bell_hunts (
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hunt_id INTEGER NOT NULL REFERENCES hunts (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, hunt_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bell_hunts_by_hunt ON bell_hunts (hunt_id);
