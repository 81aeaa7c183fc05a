-- What each user has looked at: matches up to an id, and ends of hunts up to a time, but for what was read by itself.
CREATE TABLE bells (
  user_id bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  match_id bigint NOT NULL,
  moment bigint NOT NULL
);

-- Rulesets that a user has chosen to follow (1) or not (0), and up to which match it was read; null: as it is by itself.
CREATE TABLE bell_rulesets (
  user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  ruleset_id bigint NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  follows bigint,
  match_id bigint NOT NULL,
  PRIMARY KEY (user_id, ruleset_id)
);
CREATE INDEX bell_rulesets_by_ruleset ON bell_rulesets (ruleset_id);

-- Hunts whose end was read by itself.
CREATE TABLE bell_hunts (
  user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hunt_id bigint NOT NULL REFERENCES hunts (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, hunt_id)
);
CREATE INDEX bell_hunts_by_hunt ON bell_hunts (hunt_id);
