-- SQLite cannot change the CHECK of a column: the table is made anew, with two roles more.
CREATE TABLE new_users (
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
INSERT INTO new_users (id, name, password_hash, role, contributes, created, removed, disabled, last_log_in)
SELECT id, name, password_hash, role, contributes, created, removed, disabled, last_log_in FROM users;
DROP TABLE users;
ALTER TABLE new_users RENAME TO users;
CREATE UNIQUE INDEX users_by_name ON users (name) WHERE removed IS NULL;

-- Who a user is for an identity provider, which never gives a subject to somebody else.
CREATE TABLE identities (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_user ON identities (user_id);

-- The session of the identity provider that a session was opened for, empty where it has not said which; null for a session
-- that was opened with a password.
ALTER TABLE sessions ADD COLUMN provider_session TEXT;
