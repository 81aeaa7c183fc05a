-- Parts are of samples that arrive and of the index too, not only of hunts. What is in these tables now is nobody's: a server
-- throws it away at its start. They keep their names, since nodes of the version before look there until they are started anew.
DROP TABLE hunt_parts;
DROP TABLE hunt_part_rules;

CREATE TABLE hunt_part_rules (
  -- AUTOINCREMENT: nodes keep rules by their id.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Null: those that run live.
  hunt_id INTEGER REFERENCES hunts (id) ON DELETE CASCADE,
  -- Of the program: nodes of another one do not do these parts.
  version TEXT NOT NULL,
  rules BLOB NOT NULL
) STRICT;
CREATE INDEX hunt_part_rules_by_hunt ON hunt_part_rules (hunt_id);

CREATE TABLE hunt_parts (
  -- AUTOINCREMENT: what comes too late must not be taken for another part's.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rules_id INTEGER NOT NULL REFERENCES hunt_part_rules (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('evaluate', 'verify', 'examine', 'merge')),
  input BLOB NOT NULL,
  state TEXT NOT NULL DEFAULT 'offered' CHECK (state IN ('offered', 'claimed', 'done', 'failed')),
  -- Grows with each claim: what is settled under another one is refused.
  fence INTEGER NOT NULL DEFAULT 0,
  -- Who works on it, or has; and who is likely to have what it takes.
  node_id INTEGER,
  wanted_by INTEGER,
  created INTEGER NOT NULL,
  output BLOB,
  reason TEXT
) STRICT;
CREATE INDEX hunt_parts_by_rules ON hunt_parts (rules_id);
CREATE INDEX hunt_parts_by_state ON hunt_parts (state, id);
