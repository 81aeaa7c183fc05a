-- Which hunt an ad-hoc hunt asks again.
ALTER TABLE hunts ADD COLUMN repeats bigint REFERENCES hunts (id) ON DELETE SET NULL;
CREATE INDEX hunts_repeating ON hunts (repeats) WHERE repeats IS NOT NULL;
