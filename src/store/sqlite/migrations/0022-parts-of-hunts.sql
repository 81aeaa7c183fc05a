-- Processes that work on parts of hunts for the server of a cluster.
CREATE TABLE nodes (
  -- AUTOINCREMENT: a node that was away for long must not be taken for another one.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  workers INTEGER NOT NULL,
  cache_limit INTEGER NOT NULL,
  started INTEGER NOT NULL,
  -- Grows with each sign of life.
  beat INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL,
  -- Parts whose results were taken, that it could not do, and whose results came too late.
  done INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  cache_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE hunt_part_rules (
  -- AUTOINCREMENT: nodes keep rules by their id.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hunt_id INTEGER NOT NULL REFERENCES hunts (id) ON DELETE CASCADE,
  -- Of the program: nodes of another one do not do these parts.
  version TEXT NOT NULL,
  rules BLOB NOT NULL
) STRICT;
CREATE INDEX hunt_part_rules_by_hunt ON hunt_part_rules (hunt_id);

CREATE TABLE hunt_parts (
  -- AUTOINCREMENT: what comes too late must not be taken for another part's.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rules_id INTEGER NOT NULL REFERENCES hunt_part_rules (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('evaluate', 'verify')),
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
