-- The texts of hunts as packed-texts.ts makes them; those that are here already stay the JSON that they were.
CREATE TABLE packed_texts (
  hunt_id INTEGER PRIMARY KEY REFERENCES hunts (id) ON DELETE CASCADE,
  texts BLOB NOT NULL,
  selection TEXT NOT NULL
) STRICT;
INSERT INTO packed_texts (hunt_id, texts, selection) SELECT hunt_id, CAST(texts AS BLOB), selection FROM hunt_texts;
DROP TABLE hunt_texts;
ALTER TABLE packed_texts RENAME TO hunt_texts;
