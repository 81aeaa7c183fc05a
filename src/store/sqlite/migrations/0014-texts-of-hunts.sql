-- Of ad-hoc hunts, the texts and the selection (both JSON). They may be megabytes, and SQLite writes a row as a whole: beside
-- the progress of the hunt they were written again at each checkpoint, and read by every list.
CREATE TABLE hunt_texts (
  hunt_id INTEGER PRIMARY KEY REFERENCES hunts (id) ON DELETE CASCADE,
  texts TEXT NOT NULL,
  selection TEXT NOT NULL
) STRICT;
INSERT INTO hunt_texts (hunt_id, texts, selection)
  SELECT id, coalesce(content, '[]'), coalesce(selection, '{}') FROM hunts WHERE kind = 'ad-hoc';
ALTER TABLE hunts DROP COLUMN content;
ALTER TABLE hunts DROP COLUMN selection;
