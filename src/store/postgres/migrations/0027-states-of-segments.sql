-- A segment has its row from before its file is written until after it is removed.
ALTER TABLE segments DROP CONSTRAINT segments_state_check;
ALTER TABLE segments ADD CONSTRAINT segments_state_check CHECK (state IN ('staged', 'live', 'damaged', 'retired'));
ALTER TABLE segments
  -- The process that writes it, or wrote it; '' where that is not known.
  ADD COLUMN process text COLLATE "C" NOT NULL DEFAULT '',
  -- The first generation that it is not live in; NULL for a staged or a live one.
  ADD COLUMN died bigint,
  -- When it came into its state.
  ADD COLUMN changed bigint NOT NULL DEFAULT 0,
  -- All 0 while it is staged.
  ALTER COLUMN first_id SET DEFAULT 0,
  ALTER COLUMN last_id SET DEFAULT 0,
  ALTER COLUMN samples SET DEFAULT 0,
  ALTER COLUMN bytes SET DEFAULT 0;
UPDATE segments SET changed = created, died = CASE state WHEN 'damaged' THEN 0 END;
ALTER TABLE segments ALTER COLUMN changed DROP DEFAULT;

-- Processes that read segments, and write them.
CREATE TABLE segment_readers (
  process text COLLATE "C" PRIMARY KEY,
  -- The earliest one that it reads, or is going to read.
  generation bigint NOT NULL,
  -- Grows with each sign of life.
  beat bigint NOT NULL DEFAULT 0
);
