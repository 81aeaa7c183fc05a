-- Hunts of tenants' rulesets become rows of `hunts` as well: all kinds of hunt have the same states, cursor and counts.
CREATE TABLE new_hunts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('local-retro', 'ad-hoc', 'retro')),
  state TEXT NOT NULL
    CHECK (state IN ('queued', 'starting', 'running', 'completed', 'stopped', 'failed', 'capped')),
  started_by INTEGER NOT NULL,
  stopped_by INTEGER,
  created INTEGER NOT NULL,
  started INTEGER,
  stopped INTEGER,
  samples INTEGER NOT NULL DEFAULT 0,
  processed INTEGER NOT NULL DEFAULT 0,
  candidates INTEGER NOT NULL DEFAULT 0,
  scanned_bytes INTEGER NOT NULL DEFAULT 0,
  matches INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  last_sample_id INTEGER NOT NULL DEFAULT 0,
  cursor INTEGER NOT NULL DEFAULT 0,
  title TEXT,
  content TEXT,
  selection TEXT,
  use_index INTEGER NOT NULL DEFAULT 1,
  failure TEXT,
  -- Of a tenant's hunt: its ruleset, and samples that were analysed before this are not covered.
  ruleset_id INTEGER REFERENCES rulesets (id) ON DELETE CASCADE,
  analysed_since INTEGER,
  CHECK ((kind = 'retro') = (ruleset_id IS NOT NULL) AND (kind = 'retro') = (analysed_since IS NOT NULL))
) STRICT;

INSERT INTO new_hunts (id, kind, state, started_by, stopped_by, created, started, stopped, samples, processed,
  candidates, scanned_bytes, matches, skipped, last_sample_id, cursor, title, content, selection, use_index, failure)
SELECT id, kind, state, started_by, stopped_by, created, started, stopped, samples, processed,
  candidates, scanned_bytes, matches, skipped, last_sample_id, cursor, title, content, selection, use_index, failure
FROM hunts;

-- No id is given twice, also not that of a hunt which was removed.
INSERT INTO sqlite_sequence (name, seq)
SELECT 'new_hunts', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'new_hunts');
UPDATE sqlite_sequence SET seq = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'hunts'), 0)
WHERE name = 'new_hunts';

DROP TABLE hunts;
ALTER TABLE new_hunts RENAME TO hunts;

CREATE INDEX hunts_by_kind ON hunts (kind, id);
CREATE INDEX hunts_by_user ON hunts (started_by, id);
CREATE UNIQUE INDEX one_local_retro_at_a_time ON hunts (kind)
  WHERE kind = 'local-retro' AND state IN ('queued', 'starting', 'running');
CREATE UNIQUE INDEX one_retro_hunt_of_a_ruleset ON hunts (ruleset_id) WHERE ruleset_id IS NOT NULL;

INSERT INTO hunts (kind, state, started_by, created, started, stopped, samples, processed, matches, last_sample_id,
  cursor, failure, ruleset_id, analysed_since)
SELECT 'retro', CASE retro.state WHEN 'finished' THEN 'completed' WHEN 'cancelled' THEN 'stopped' ELSE retro.state END,
  coalesce(rulesets.tenant_id, rulesets.owner_id), retro.created, retro.started, retro.finished, retro.samples,
  retro.processed, retro.matches, retro.last_sample_id, retro.cursor, retro.reason, retro.ruleset_id,
  retro.analysed_since
FROM retro_hunts AS retro JOIN rulesets ON rulesets.id = retro.ruleset_id ORDER BY retro.id;

INSERT INTO hunt_rulesets (hunt_id, ruleset_id, revision_id)
SELECT hunts.id, retro.ruleset_id, retro.revision_id
FROM retro_hunts AS retro JOIN hunts ON hunts.ruleset_id = retro.ruleset_id;

DROP TABLE retro_hunts;
