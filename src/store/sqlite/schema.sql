CREATE TABLE allow_entries (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  rule TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('hash', 'name', 'signer', 'serial')),
  value TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users (id),
  created INTEGER NOT NULL,
  PRIMARY KEY (ruleset_id, rule, kind, value)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE audit_entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  user TEXT NOT NULL,
  operation TEXT NOT NULL,
  -- A JSON array, the first ones of `subject_count`.
  subjects TEXT NOT NULL,
  subject_count INTEGER NOT NULL,
  status INTEGER NOT NULL,
  address TEXT NOT NULL
) STRICT;

CREATE INDEX audit_entries_by_operation ON audit_entries (operation, id);

CREATE INDEX audit_entries_by_time ON audit_entries (time);

CREATE INDEX audit_entries_by_user ON audit_entries (user, id);

CREATE TABLE bell_hunts (
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hunt_id INTEGER NOT NULL REFERENCES hunts (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, hunt_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX bell_hunts_by_hunt ON bell_hunts (hunt_id);

CREATE TABLE bell_rulesets (
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  follows INTEGER,
  match_id INTEGER NOT NULL,
  PRIMARY KEY (user_id, ruleset_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX bell_rulesets_by_ruleset ON bell_rulesets (ruleset_id);

CREATE TABLE bells (
  user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  match_id INTEGER NOT NULL,
  moment INTEGER NOT NULL
) STRICT;

CREATE TABLE cloud_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  -- Null when the ruleset is gone here.
  ruleset_id INTEGER REFERENCES rulesets (id) ON DELETE SET NULL,
  -- The text that the cloud shall have; null for none.
  revision_id INTEGER,
  created INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due INTEGER NOT NULL,
  problem TEXT
) STRICT;

CREATE TABLE cloud_digests (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  revision_id INTEGER NOT NULL,
  PRIMARY KEY (ruleset_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE cloud_feeds (
  feed TEXT PRIMARY KEY CHECK (feed IN ('live', 'retro')),
  position INTEGER NOT NULL,
  earliest INTEGER NOT NULL,
  -- Grows whenever somebody moves the position, so that a page that was under way does not move it back.
  moved INTEGER NOT NULL DEFAULT 0,
  -- When it was last read to its end, by the clock of this side.
  caught_up INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE cloud_rulesets (
  ruleset_id INTEGER PRIMARY KEY REFERENCES rulesets (id) ON DELETE CASCADE,
  wanted INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('absent', 'validating', 'stored', 'refused', 'unfit')),
  reason TEXT,
  -- The revision whose text it has.
  revision_id INTEGER,
  retro_state TEXT NOT NULL DEFAULT 'IDLE' CHECK (retro_state IN
    ('IDLE', 'VALIDATING', 'ERROR', 'READY', 'RUNNING', 'COMPLETE', 'CANCELLED', 'CLEARED')),
  retro_started INTEGER,
  retro_finished INTEGER,
  retro_estimated INTEGER,
  retro_progress REAL,
  retro_reason TEXT,
  retro_capped INTEGER NOT NULL DEFAULT 0,
  -- By the cloud's clock: entries of the retro feed up to this second are results that were cleared.
  cleared_until INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE disabled_rules (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  rule TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users (id),
  since INTEGER NOT NULL,
  PRIMARY KEY (ruleset_id, rule)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed_entries (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES users (id),
  feed TEXT NOT NULL CHECK (feed IN ('live', 'retro')),
  -- Unix seconds; never smaller than that of a row which was committed before.
  second INTEGER NOT NULL,
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
  -- JSON, as the feed carries it.
  rules TEXT NOT NULL,
  UNIQUE (ruleset_id, feed, sample_id)
) STRICT;

CREATE INDEX feed_entries_by_sample ON feed_entries (sample_id);

CREATE INDEX feed_entries_by_second ON feed_entries (tenant_id, feed, second, id);

CREATE TABLE hunt_hits (
  id INTEGER PRIMARY KEY,
  hunt_id INTEGER NOT NULL REFERENCES hunts (id) ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
  ruleset TEXT NOT NULL,
  rule TEXT NOT NULL,
  tags TEXT NOT NULL,
  strings TEXT NOT NULL, name TEXT,
  UNIQUE (hunt_id, sample_id, ruleset, rule)
) STRICT;

CREATE INDEX hunt_hits_by_hunt ON hunt_hits (hunt_id, id);

CREATE INDEX hunt_hits_by_sample ON hunt_hits (sample_id);

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

CREATE TABLE hunt_rulesets (
  hunt_id INTEGER NOT NULL REFERENCES hunts (id) ON DELETE CASCADE,
  ruleset_id INTEGER NOT NULL,
  revision_id INTEGER NOT NULL,
  PRIMARY KEY (hunt_id, ruleset_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE "hunt_texts" (
  hunt_id INTEGER PRIMARY KEY REFERENCES hunts (id) ON DELETE CASCADE,
  texts BLOB NOT NULL,
  selection TEXT NOT NULL
) STRICT;

CREATE TABLE "hunts" (
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
  use_index INTEGER NOT NULL DEFAULT 1,
  failure TEXT,
  -- Of a tenant's hunt: its ruleset, and samples that were analysed before this are not covered.
  ruleset_id INTEGER REFERENCES rulesets (id) ON DELETE CASCADE,
  analysed_since INTEGER, repeats INTEGER REFERENCES hunts (id) ON DELETE SET NULL, fence INTEGER NOT NULL DEFAULT 0,
  CHECK ((kind = 'retro') = (ruleset_id IS NOT NULL) AND (kind = 'retro') = (analysed_since IS NOT NULL))
) STRICT;

CREATE INDEX hunts_by_kind ON hunts (kind, id);

CREATE INDEX hunts_by_user ON hunts (started_by, id);

CREATE INDEX hunts_repeating ON hunts (repeats) WHERE repeats IS NOT NULL;

CREATE UNIQUE INDEX one_local_retro_at_a_time ON hunts (kind)
  WHERE kind = 'local-retro' AND state IN ('queued', 'starting', 'running');

CREATE UNIQUE INDEX one_retro_hunt_of_a_ruleset ON hunts (ruleset_id) WHERE ruleset_id IS NOT NULL;

CREATE TRIGGER hunts_notified AFTER UPDATE OF state ON hunts
WHEN OLD.state IN ('queued', 'starting', 'running') AND NEW.state IN ('completed', 'stopped', 'failed', 'capped')
  AND NEW.kind IN ('local-retro', 'ad-hoc') BEGIN
  INSERT INTO notification_events (channel_id, kind, created, hunt_id)
  SELECT id, CASE NEW.kind WHEN 'ad-hoc' THEN 'hunt' ELSE 'local-retro' END,
    coalesce(NEW.stopped, CAST(unixepoch('subsec') * 1000000 AS INTEGER)), NEW.id
  FROM notification_channels
  WHERE (NEW.kind = 'local-retro' AND on_local_retro) OR (NEW.kind = 'ad-hoc' AND on_hunt AND user_id = NEW.started_by);
END;

CREATE TABLE identities (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX identities_by_user ON identities (user_id);

CREATE TABLE intake_allowances (
  root_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  members INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;

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

CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  created INTEGER NOT NULL,
  kind TEXT NOT NULL,
  ruleset_id INTEGER,
  sample_id INTEGER,
  message TEXT NOT NULL
) STRICT;

CREATE INDEX journal_by_ruleset ON journal (ruleset_id, id) WHERE ruleset_id IS NOT NULL;

CREATE INDEX journal_by_sample ON journal (sample_id, id) WHERE sample_id IS NOT NULL;

CREATE TABLE matches (
  id INTEGER PRIMARY KEY,
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
  rule TEXT NOT NULL,
  cloud INTEGER NOT NULL DEFAULT 0,
  -- The cloud's feeds that told of it: 1 live, 2 retro, 3 both; 0 for a local match.
  feeds INTEGER NOT NULL DEFAULT 0,
  revision_id INTEGER,
  created INTEGER NOT NULL, name TEXT,
  UNIQUE (ruleset_id, sample_id, rule, cloud)
) STRICT;

CREATE INDEX matches_by_name ON matches (substr(name, 1, 200), sample_id, id) WHERE name IS NOT NULL;

CREATE INDEX matches_by_rule ON matches (ruleset_id, rule, id);

CREATE INDEX matches_by_ruleset ON matches (ruleset_id, id);

CREATE INDEX matches_by_sample ON matches (sample_id, ruleset_id);

CREATE INDEX matches_by_time ON matches (created);

CREATE TRIGGER matches_counted AFTER INSERT ON matches BEGIN
  INSERT INTO ruleset_counts (ruleset_id, classification, matches)
  VALUES (NEW.ruleset_id, (SELECT classification FROM samples WHERE id = NEW.sample_id), 1)
  ON CONFLICT (ruleset_id, classification) DO UPDATE SET matches = matches + 1;
END;

CREATE TRIGGER matches_moved AFTER UPDATE OF sample_id ON matches BEGIN
  UPDATE ruleset_counts SET matches = matches - 1
  WHERE ruleset_id = OLD.ruleset_id
    AND classification = (SELECT classification FROM samples WHERE id = OLD.sample_id);
  INSERT INTO ruleset_counts (ruleset_id, classification, matches)
  VALUES (NEW.ruleset_id, (SELECT classification FROM samples WHERE id = NEW.sample_id), 1)
  ON CONFLICT (ruleset_id, classification) DO UPDATE SET matches = matches + 1;
END;

CREATE TRIGGER matches_uncounted AFTER DELETE ON matches
WHEN EXISTS (SELECT 1 FROM ruleset_counts WHERE ruleset_id = OLD.ruleset_id) BEGIN
  UPDATE ruleset_counts SET matches = matches - 1
  WHERE ruleset_id = OLD.ruleset_id
    AND classification = (SELECT classification FROM samples WHERE id = OLD.sample_id);
END;

CREATE TABLE members (
  parent_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
  child_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  PRIMARY KEY (parent_id, child_id, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_child ON members (child_id);

CREATE TABLE new_names (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE
) STRICT;

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

CREATE TABLE notification_channels (
  -- AUTOINCREMENT: the audit log names channels, and a later one must not be taken for them.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'teams', 'e-mail')),
  address TEXT NOT NULL,
  -- What messages are signed with.
  secret TEXT NOT NULL,
  on_match INTEGER NOT NULL,
  on_local_retro INTEGER NOT NULL,
  on_hunt INTEGER NOT NULL,
  on_suspension INTEGER NOT NULL,
  -- Which rulesets it is about: those of its user, those in notification_rulesets, or all.
  scope TEXT NOT NULL CHECK (scope IN ('mine', 'chosen', 'all')),
  -- Seconds for which events are collected; 0: sent at once.
  digest INTEGER NOT NULL,
  -- Messages a day (UTC).
  daily_limit INTEGER NOT NULL,
  muted_until INTEGER,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  -- Why nothing is sent there any more: the other side wants none.
  refused TEXT,
  -- Events up to this one are in messages.
  cursor INTEGER NOT NULL DEFAULT 0,
  -- How many messages were made on a day, in days since 1970.
  day INTEGER NOT NULL DEFAULT 0,
  sent INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX notification_channels_by_user ON notification_channels (user_id, id);

CREATE TABLE notification_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel_id INTEGER NOT NULL REFERENCES notification_channels (id) ON DELETE CASCADE,
  -- The same for each attempt, so that the other side can leave out a repetition.
  message_id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  created INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  due INTEGER NOT NULL,
  ended INTEGER,
  -- Of the latest attempt: the status of its answer, and why it did not succeed.
  status INTEGER,
  problem TEXT
) STRICT;

CREATE INDEX notification_deliveries_by_channel ON notification_deliveries (channel_id, id);

CREATE INDEX notification_deliveries_waiting ON notification_deliveries (due) WHERE state = 'waiting';

CREATE TABLE notification_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel_id INTEGER NOT NULL REFERENCES notification_channels (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('match', 'local-retro', 'hunt', 'suspension')),
  created INTEGER NOT NULL,
  ruleset_id INTEGER REFERENCES rulesets (id) ON DELETE CASCADE,
  sample_id INTEGER REFERENCES samples (id) ON DELETE CASCADE,
  hunt_id INTEGER REFERENCES hunts (id) ON DELETE CASCADE,
  -- A JSON array of the rules that match, or why a ruleset was suspended.
  detail TEXT
) STRICT;

CREATE INDEX notification_events_by_channel ON notification_events (channel_id, id);

CREATE INDEX notification_events_by_hunt ON notification_events (hunt_id) WHERE hunt_id IS NOT NULL;

CREATE INDEX notification_events_by_ruleset ON notification_events (ruleset_id) WHERE ruleset_id IS NOT NULL;

CREATE INDEX notification_events_by_sample ON notification_events (sample_id) WHERE sample_id IS NOT NULL;

CREATE TABLE notification_rulesets (
  channel_id INTEGER NOT NULL REFERENCES notification_channels (id) ON DELETE CASCADE,
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  PRIMARY KEY (channel_id, ruleset_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX notification_rulesets_by_ruleset ON notification_rulesets (ruleset_id);

CREATE TABLE program_traits (
  sample_id INTEGER NOT NULL REFERENCES programs (sample_id) ON DELETE CASCADE,
  field TEXT NOT NULL,
  value TEXT NOT NULL COLLATE NOCASE,
  PRIMARY KEY (sample_id, field, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX program_traits_by_value ON program_traits (field, value);

CREATE TABLE programs (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  -- When it was compiled, as its header says.
  compiled INTEGER,
  facts TEXT NOT NULL
) STRICT;

CREATE INDEX programs_by_compiled ON programs (compiled) WHERE compiled IS NOT NULL;

CREATE TABLE programs_to_read (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE
) STRICT;

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

CREATE INDEX publications_by_due ON publications (due);

CREATE INDEX publications_by_name ON publications (name, id);

CREATE TABLE reanalyses (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  requested INTEGER NOT NULL
) STRICT;

CREATE TABLE retro_matches (
  hunt_id INTEGER NOT NULL REFERENCES hunts (id) ON DELETE CASCADE,
  match_id INTEGER NOT NULL REFERENCES matches (id) ON DELETE CASCADE,
  PRIMARY KEY (hunt_id, match_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX retro_matches_by_match ON retro_matches (match_id);

CREATE TABLE revisions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  content TEXT NOT NULL,
  author_id INTEGER NOT NULL,
  created INTEGER NOT NULL,
  valid INTEGER NOT NULL,
  diagnostics TEXT NOT NULL,
  rules TEXT NOT NULL,
  plan TEXT, left_out TEXT, text_digest BLOB, source_id INTEGER REFERENCES rule_sources (id) ON DELETE SET NULL, source_path TEXT, origin TEXT,
  UNIQUE (ruleset_id, number)
) STRICT;

CREATE INDEX revisions_by_source ON revisions (source_id, source_path) WHERE source_id IS NOT NULL;

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

CREATE TABLE ruleset_counts (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  classification INTEGER NOT NULL,
  matches INTEGER NOT NULL,
  PRIMARY KEY (ruleset_id, classification)
) STRICT, WITHOUT ROWID;

CREATE TABLE ruleset_tags (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  PRIMARY KEY (ruleset_id, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX ruleset_tags_by_tag ON ruleset_tags (tag);

CREATE TABLE rulesets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  owner_id INTEGER NOT NULL REFERENCES users (id),
  -- Whose it is where this is a cloud; null for the appliance's own, which all other tables of matches are about.
  tenant_id INTEGER REFERENCES users (id),
  -- SHA-1 of a tenant's text.
  digest BLOB,
  core INTEGER NOT NULL DEFAULT 0,
  enabled INTEGER NOT NULL DEFAULT 1,
  state TEXT NOT NULL CHECK (state IN ('valid', 'invalid', 'error')),
  reason TEXT,
  revision_id INTEGER,
  cloud_synced INTEGER NOT NULL DEFAULT 0,
  cloud_state TEXT CHECK (cloud_state IN ('validating', 'hunting', 'capped')),
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  last_matched INTEGER
, notes TEXT NOT NULL DEFAULT '', expires INTEGER) STRICT;

CREATE UNIQUE INDEX rulesets_by_name ON rulesets (name, coalesce(tenant_id, 0));

CREATE INDEX rulesets_by_owner ON rulesets (owner_id, name);

CREATE INDEX rulesets_by_tenant ON rulesets (tenant_id, name) WHERE tenant_id IS NOT NULL;

CREATE INDEX rulesets_expiring ON rulesets (expires) WHERE expires IS NOT NULL AND enabled = 1;

CREATE TRIGGER rulesets_notified AFTER UPDATE OF state ON rulesets
WHEN OLD.state = 'valid' AND NEW.state = 'error' AND NEW.tenant_id IS NULL BEGIN
  INSERT INTO notification_events (channel_id, kind, created, ruleset_id, detail)
  SELECT id, 'suspension', CAST(unixepoch('subsec') * 1000000 AS INTEGER), NEW.id, NEW.reason
  FROM notification_channels AS channel
  WHERE on_suspension AND (scope = 'all' OR (scope = 'mine' AND user_id = NEW.owner_id)
    OR EXISTS (SELECT 1 FROM notification_rulesets WHERE channel_id = channel.id AND ruleset_id = NEW.id));
END;

CREATE TABLE sample_counts (
  classification INTEGER NOT NULL,
  state TEXT NOT NULL,
  samples INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (classification, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
  -- AUTOINCREMENT: the id of a deleted sample never comes back, because segments and hunts remember ids.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sha256 BLOB,
  sha1 BLOB NOT NULL,
  md5 BLOB,
  sha512 BLOB,
  size INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'processed')),
  file_type TEXT NOT NULL,
  type_description TEXT NOT NULL,
  name TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  processed_at INTEGER,
  extracted_file_count INTEGER NOT NULL DEFAULT 0,
  classification INTEGER NOT NULL DEFAULT 0 CHECK (classification BETWEEN 0 AND 3),
  risk_score INTEGER,
  threat_name TEXT,
  classification_origin TEXT,
  user_classification INTEGER,
  user_risk_score INTEGER,
  user_threat_name TEXT,
  note TEXT,
  segment_id INTEGER,
  intake TEXT
) STRICT;

CREATE INDEX samples_by_classification ON samples (classification, last_seen);

CREATE INDEX samples_by_first_seen ON samples (first_seen);

CREATE INDEX samples_by_last_seen ON samples (last_seen, id);

CREATE INDEX samples_by_md5 ON samples (md5) WHERE md5 IS NOT NULL;

CREATE INDEX samples_by_name ON samples (substr(name, 1, 200), id);

CREATE INDEX samples_by_segment ON samples (segment_id) WHERE segment_id IS NOT NULL;

CREATE INDEX samples_by_sha1 ON samples (sha1);

CREATE UNIQUE INDEX samples_by_sha256 ON samples (sha256) WHERE sha256 IS NOT NULL;

CREATE INDEX samples_by_sha512 ON samples (sha512) WHERE sha512 IS NOT NULL;

CREATE INDEX samples_by_size ON samples (size, id);

CREATE INDEX samples_by_threat ON samples (substr(threat_name, 1, 200), id) WHERE threat_name IS NOT NULL;

CREATE INDEX samples_by_type ON samples (file_type, last_seen);

CREATE UNIQUE INDEX samples_in_cloud_only ON samples (sha1) WHERE stored = 0;

CREATE INDEX samples_processed ON samples (id, size) WHERE stored = 1 AND state = 'processed';

CREATE INDEX samples_queued ON samples (id) WHERE state = 'queued';

CREATE INDEX samples_unindexed ON samples (id) WHERE segment_id IS NULL AND stored = 1;

CREATE TRIGGER samples_counted AFTER INSERT ON samples WHEN NEW.stored = 1 BEGIN
  INSERT INTO sample_counts (classification, state, samples, bytes)
  VALUES (NEW.classification, NEW.state, 1, NEW.size)
  ON CONFLICT (classification, state) DO UPDATE SET samples = samples + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER samples_forgotten BEFORE DELETE ON samples BEGIN
  DELETE FROM matches WHERE sample_id = OLD.id;
END;

CREATE TRIGGER samples_reclassified AFTER UPDATE OF classification ON samples
WHEN NEW.classification <> OLD.classification BEGIN
  UPDATE ruleset_counts SET matches = ruleset_counts.matches - moved.rows
  FROM (SELECT ruleset_id, count(*) AS rows FROM matches WHERE sample_id = NEW.id GROUP BY ruleset_id) AS moved
  WHERE ruleset_counts.ruleset_id = moved.ruleset_id AND ruleset_counts.classification = OLD.classification;
  INSERT INTO ruleset_counts (ruleset_id, classification, matches)
  SELECT ruleset_id, NEW.classification, count(*) FROM matches WHERE sample_id = NEW.id GROUP BY ruleset_id
  ON CONFLICT (ruleset_id, classification) DO UPDATE SET matches = matches + excluded.matches;
END;

CREATE TRIGGER samples_recounted AFTER UPDATE OF classification, state, size ON samples
WHEN NEW.stored = 1 AND (NEW.classification, NEW.state, NEW.size) IS NOT (OLD.classification, OLD.state, OLD.size) BEGIN
  UPDATE sample_counts SET samples = samples - 1, bytes = bytes - OLD.size
  WHERE classification = OLD.classification AND state = OLD.state;
  INSERT INTO sample_counts (classification, state, samples, bytes)
  VALUES (NEW.classification, NEW.state, 1, NEW.size)
  ON CONFLICT (classification, state) DO UPDATE SET samples = samples + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER samples_uncounted AFTER DELETE ON samples WHEN OLD.stored = 1 BEGIN
  UPDATE sample_counts SET samples = samples - 1, bytes = bytes - OLD.size
  WHERE classification = OLD.classification AND state = OLD.state;
END;

CREATE TABLE segment_readers (
  process TEXT NOT NULL PRIMARY KEY,
  -- The earliest one that it reads, or is going to read.
  generation INTEGER NOT NULL,
  -- Grows with each sign of life.
  beat INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE "segments" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  file TEXT NOT NULL UNIQUE,
  -- The process that writes it, or wrote it; '' where that is not known.
  process TEXT NOT NULL DEFAULT '',
  -- All 0 while it is staged.
  first_id INTEGER NOT NULL DEFAULT 0,
  last_id INTEGER NOT NULL DEFAULT 0,
  samples INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL CHECK (state IN ('staged', 'live', 'damaged', 'retired')),
  -- The first generation that it is not live in; NULL for a staged or a live one.
  died INTEGER,
  created INTEGER NOT NULL,
  -- When it came into its state.
  changed INTEGER NOT NULL
) STRICT;

CREATE TABLE servers (
  -- AUTOINCREMENT: one that was away for long must not be taken for another one.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  workers INTEGER NOT NULL,
  -- Where the others reach it, and by which certificate (PEM) they know it; empty without TLS.
  url TEXT NOT NULL,
  certificate TEXT NOT NULL,
  -- Under which it works; null for one that stands by.
  term TEXT,
  started INTEGER NOT NULL,
  -- Grows with each sign of life.
  beat INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash BLOB NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  last_used INTEGER NOT NULL
, provider_session TEXT) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

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

CREATE TABLE "shared_texts" (
  digest TEXT PRIMARY KEY,
  packed BLOB NOT NULL
) STRICT;

CREATE TABLE sightings (
  id INTEGER PRIMARY KEY,
  sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  user_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
  source TEXT NOT NULL,
  comment TEXT,
  seen INTEGER NOT NULL
, folder TEXT, owner TEXT) STRICT;

CREATE INDEX sightings_by_sample ON sightings (sample_id);

CREATE INDEX sightings_by_time ON sightings (seen);

CREATE INDEX sightings_by_user ON sightings (user_id);

CREATE TABLE strikes (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
  PRIMARY KEY (ruleset_id, sample_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX strikes_by_sample ON strikes (sample_id);

CREATE TABLE tags (
  sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  PRIMARY KEY (sample_id, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX tags_by_tag ON tags (tag, sample_id);

CREATE TABLE tlsh (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  digest BLOB NOT NULL
) STRICT;

CREATE INDEX tlsh_by_digest ON tlsh (digest);

CREATE TABLE tlsh_to_compute (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE
) STRICT;

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash BLOB NOT NULL UNIQUE,
  label TEXT NOT NULL,
  created INTEGER NOT NULL,
  last_used INTEGER
, expires INTEGER, scope TEXT, creator_id INTEGER REFERENCES users (id) ON DELETE SET NULL) STRICT;

CREATE INDEX tokens_by_user ON tokens (user_id);

CREATE TABLE "users" (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('administrator', 'publisher', 'user', 'read-only', 'tenant')),
  -- Of a tenant: its appliances may add samples to the collection.
  contributes INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  -- A removed user's row stays, because revisions, hunts and sightings name their user; the name is free again.
  removed INTEGER,
  -- A disabled user's row has the time; credentials of it are refused until it is null again.
  disabled INTEGER,
  -- The latest time that name and password, or the word of an identity provider, were accepted.
  last_log_in INTEGER
) STRICT;

CREATE UNIQUE INDEX users_by_name ON users (name) WHERE removed IS NULL;

CREATE TABLE verdicts (
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  rule TEXT NOT NULL,
  classification INTEGER NOT NULL CHECK (classification IN (2, 3)),
  risk_score INTEGER NOT NULL,
  platform TEXT,
  threat TEXT NOT NULL,
  PRIMARY KEY (ruleset_id, rule)
) STRICT, WITHOUT ROWID;
