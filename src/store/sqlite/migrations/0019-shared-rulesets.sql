-- Texts of rulesets that several appliances share, each once, by SHA-256: of a manager's log, and on an appliance those
-- that it publishes and those that it was offered.
CREATE TABLE shared_texts (
  digest TEXT PRIMARY KEY,
  content TEXT NOT NULL
) STRICT;

-- On a manager: the appliances that share rulesets through it, and what each has reported last.
CREATE TABLE appliances (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  -- SHA-256 of its token.
  token_hash BLOB NOT NULL UNIQUE,
  disabled INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  -- NULL: it never asked.
  last_seen INTEGER,
  -- JSON: ApplianceReport of src/manager-protocol; NULL before the first.
  report TEXT
) STRICT;

-- On a manager: every change of a shared ruleset. Rows are never changed.
CREATE TABLE shared_log (
  sequence INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  -- Of the ruleset, from 1.
  version INTEGER NOT NULL,
  -- Of its text; NULL: it was deleted.
  digest TEXT,
  enabled INTEGER NOT NULL,
  -- The user and the appliance that published it, by name.
  author TEXT NOT NULL,
  appliance TEXT NOT NULL,
  -- Made by the appliance: a change that arrives twice is one.
  change_id TEXT NOT NULL,
  time INTEGER NOT NULL,
  -- SHA-256 over this row and the chain of the row before: it tells whether two logs have the same past.
  chain TEXT NOT NULL,
  UNIQUE (appliance, change_id)
) STRICT;
CREATE INDEX shared_log_by_name ON shared_log (name, sequence);

-- On an appliance: what the manager has under each name, and what of it this appliance has taken.
CREATE TABLE shared_rulesets (
  name TEXT PRIMARY KEY,
  sequence INTEGER NOT NULL,
  version INTEGER NOT NULL,
  digest TEXT,
  enabled INTEGER NOT NULL,
  author TEXT NOT NULL,
  appliance TEXT NOT NULL,
  time INTEGER NOT NULL,
  -- The sequence that the ruleset here was made of, 0 for none, and what that was.
  taken INTEGER NOT NULL,
  taken_digest TEXT,
  taken_enabled INTEGER NOT NULL,
  -- Why it could not be taken although nothing was changed here.
  problem TEXT
) STRICT, WITHOUT ROWID;

-- On an appliance: what has to reach the manager, in the order in which it was published.
CREATE TABLE publications (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  change_id TEXT NOT NULL UNIQUE,
  digest TEXT,
  enabled INTEGER NOT NULL,
  author TEXT NOT NULL,
  created INTEGER NOT NULL,
  -- From the first one on, the manager may have it.
  attempts INTEGER NOT NULL DEFAULT 0,
  due INTEGER NOT NULL,
  problem TEXT
) STRICT;
CREATE INDEX publications_by_name ON publications (name, id);
CREATE INDEX publications_by_due ON publications (due);
