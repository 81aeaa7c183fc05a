-- What intake has to do for queued samples beyond what their own rows say: for members, for archives that are being
-- unpacked or wait for their members, and for what came with a password. The row goes when the sample is processed.
CREATE TABLE intake_states (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  stage TEXT NOT NULL CHECK (stage IN ('arrived', 'waiting', 'rematch')),
  -- How many archives it was unpacked from.
  depth INTEGER NOT NULL,
  password TEXT,
  -- The archive that is processed only when this member is. No reference: the members of a deleted archive go on.
  archive_id INTEGER,
  -- The sample that was sent, for what came out of it.
  root_id INTEGER,
  -- Of the enabled rulesets that a waiting archive was matched with.
  generation INTEGER,
  -- How far an archive is unpacked (JSON), and what was charged for what came out behind that.
  place TEXT,
  charged_members INTEGER NOT NULL DEFAULT 0,
  charged_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX intake_states_by_archive ON intake_states (archive_id) WHERE archive_id IS NOT NULL;
CREATE INDEX intake_states_waiting ON intake_states (sample_id) WHERE stage = 'waiting';

-- What may still come out of a sample that was sent, over all levels; none before something has.
CREATE TABLE intake_allowances (
  root_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  members INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;

-- The column stays, empty: taking it out would write the whole table anew.
INSERT INTO intake_states (sample_id, stage, depth, password, archive_id, root_id)
SELECT
  id,
  CASE intake ->> 'stage' WHEN 'members' THEN 'waiting' WHEN 'rematch' THEN 'rematch' ELSE 'arrived' END,
  coalesce(intake ->> 'depth', 0),
  intake ->> 'password',
  intake ->> 'parent',
  intake ->> 'root'
FROM samples
WHERE state = 'queued' AND intake IS NOT NULL AND intake <> '{"depth":0}';
UPDATE samples SET intake = NULL WHERE state = 'queued' AND intake IS NOT NULL;
