-- A segment has its row from before its file is written until after it is removed.
CREATE TABLE new_segments (
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

-- No id is given twice.
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_segments', seq FROM sqlite_sequence WHERE name = 'segments';
INSERT INTO new_segments (id, file, first_id, last_id, samples, bytes, state, died, created, changed)
SELECT id, file, first_id, last_id, samples, bytes, state, CASE state WHEN 'damaged' THEN 0 END, created, created
FROM segments;

DROP TABLE segments;
ALTER TABLE new_segments RENAME TO segments;

-- Processes that read segments, and write them.
CREATE TABLE segment_readers (
  process TEXT NOT NULL PRIMARY KEY,
  -- The earliest one that it reads, or is going to read.
  generation INTEGER NOT NULL,
  -- Grows with each sign of life.
  beat INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
