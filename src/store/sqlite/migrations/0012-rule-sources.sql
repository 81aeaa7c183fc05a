-- Repositories and archives that rulesets are fetched from.
CREATE TABLE rule_sources (
  -- AUTOINCREMENT: revisions name where they came from, and a later source must not be taken for it.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  owner_id INTEGER NOT NULL REFERENCES users (id),
  kind TEXT NOT NULL CHECK (kind IN ('git', 'archive')),
  url TEXT NOT NULL,
  -- Empty for the default branch; for an archive always.
  branch TEXT NOT NULL,
  -- For its server; empty for none.
  token TEXT NOT NULL,
  -- 0: fetched when somebody asks; 1: its rulesets are kept up to date; 2: and new files become rulesets.
  updates INTEGER NOT NULL CHECK (updates BETWEEN 0 AND 2),
  -- 1: a ruleset whose file is gone is deleted, instead of disabled.
  deletes INTEGER NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  -- The commit or digest that its rulesets are of; NULL before the first synchronization, and while one is incomplete.
  version TEXT,
  -- When a synchronization last ended well.
  synced INTEGER,
  -- A synchronization that was asked for and has not ended well yet: 1 with new files, and 2 with what was edited here.
  wanted INTEGER CHECK (wanted IN (1, 2)),
  -- When it is next fetched; NULL: when somebody asks.
  due INTEGER,
  -- In a row, and why the last one failed.
  failures INTEGER NOT NULL DEFAULT 0,
  problem TEXT
) STRICT;

-- The rule files of a source, as of the last synchronization.
CREATE TABLE rule_source_files (
  source_id INTEGER NOT NULL REFERENCES rule_sources (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  -- 'offered': no ruleset was made of it yet; 'gone': it is not in the source any more, but was.
  state TEXT NOT NULL CHECK (state IN ('offered', 'imported', 'gone')),
  -- SHA-256 of the text that the ruleset got; NULL where it got none.
  digest TEXT,
  -- 1: the ruleset was disabled because the file is gone.
  disabled INTEGER NOT NULL DEFAULT 0,
  -- Why its text is not the ruleset's.
  problem TEXT,
  PRIMARY KEY (source_id, path)
) STRICT, WITHOUT ROWID;

-- Where a text came from: the source while there is one, the file in it, and for people a JSON object of the source's name
-- and address, the file and the version.
ALTER TABLE revisions ADD COLUMN source_id INTEGER REFERENCES rule_sources (id) ON DELETE SET NULL;
ALTER TABLE revisions ADD COLUMN source_path TEXT;
ALTER TABLE revisions ADD COLUMN origin TEXT;
CREATE INDEX revisions_by_source ON revisions (source_id, source_path) WHERE source_id IS NOT NULL;
