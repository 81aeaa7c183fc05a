-- From this time on the token is refused; null: it never ends by itself.
ALTER TABLE tokens ADD COLUMN expires INTEGER;
-- The operations that the token is for, as a JSON array; null: whatever its user may do.
ALTER TABLE tokens ADD COLUMN scope TEXT;
-- Who made it, where somebody did; null for one of a log-in or of the set-up.
ALTER TABLE tokens ADD COLUMN creator_id INTEGER REFERENCES users (id) ON DELETE SET NULL;
