-- Where users are notified.
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

CREATE TABLE notification_rulesets (
  channel_id INTEGER NOT NULL REFERENCES notification_channels (id) ON DELETE CASCADE,
  ruleset_id INTEGER NOT NULL REFERENCES rulesets (id) ON DELETE CASCADE,
  PRIMARY KEY (channel_id, ruleset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_rulesets_by_ruleset ON notification_rulesets (ruleset_id);

-- What happened and is in no message yet, written in the transaction in which it happened.
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
CREATE INDEX notification_events_by_ruleset ON notification_events (ruleset_id) WHERE ruleset_id IS NOT NULL;
CREATE INDEX notification_events_by_sample ON notification_events (sample_id) WHERE sample_id IS NOT NULL;
CREATE INDEX notification_events_by_hunt ON notification_events (hunt_id) WHERE hunt_id IS NOT NULL;

-- Messages, and what became of them.
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

CREATE TRIGGER hunts_notified AFTER UPDATE OF state ON hunts
WHEN OLD.state IN ('queued', 'starting', 'running') AND NEW.state IN ('completed', 'stopped', 'failed', 'capped')
  AND NEW.kind IN ('local-retro', 'ad-hoc') BEGIN
  INSERT INTO notification_events (channel_id, kind, created, hunt_id)
  SELECT id, CASE NEW.kind WHEN 'ad-hoc' THEN 'hunt' ELSE 'local-retro' END,
    coalesce(NEW.stopped, CAST(unixepoch('subsec') * 1000000 AS INTEGER)), NEW.id
  FROM notification_channels
  WHERE (NEW.kind = 'local-retro' AND on_local_retro) OR (NEW.kind = 'ad-hoc' AND on_hunt AND user_id = NEW.started_by);
END;

CREATE TRIGGER rulesets_notified AFTER UPDATE OF state ON rulesets
WHEN OLD.state = 'valid' AND NEW.state = 'error' AND NEW.tenant_id IS NULL BEGIN
  INSERT INTO notification_events (channel_id, kind, created, ruleset_id, detail)
  SELECT id, 'suspension', CAST(unixepoch('subsec') * 1000000 AS INTEGER), NEW.id, NEW.reason
  FROM notification_channels AS channel
  WHERE on_suspension AND (scope = 'all' OR (scope = 'mine' AND user_id = NEW.owner_id)
    OR EXISTS (SELECT 1 FROM notification_rulesets WHERE channel_id = channel.id AND ruleset_id = NEW.id));
END;
