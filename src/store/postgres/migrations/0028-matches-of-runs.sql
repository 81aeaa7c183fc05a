-- What each of the last runs of Local Retro found, whether it was known before or not.
CREATE TABLE retro_matches (
  hunt_id bigint NOT NULL REFERENCES hunts (id) ON DELETE CASCADE,
  match_id bigint NOT NULL REFERENCES matches (id) ON DELETE CASCADE,
  PRIMARY KEY (hunt_id, match_id)
);
CREATE INDEX retro_matches_by_match ON retro_matches (match_id);

-- The newest match of each rule, and how many it has.
CREATE INDEX matches_by_rule ON matches (ruleset_id, rule, id);
