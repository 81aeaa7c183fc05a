-- A disabled user's row has the time; credentials of it are refused until it is null again.
ALTER TABLE users ADD COLUMN disabled INTEGER;
-- The latest time that name and password were accepted.
ALTER TABLE users ADD COLUMN last_log_in INTEGER;
