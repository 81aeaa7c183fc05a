-- The folder that a file of that name lay in and the file's owner: what rules ask for as `filepath` and `owner`. NULL
-- where nobody said, and for what was stored before.
ALTER TABLE sightings ADD COLUMN folder TEXT;
ALTER TABLE sightings ADD COLUMN owner TEXT;

-- The file name that the rule held for; NULL where the rules ask for none.
ALTER TABLE matches ADD COLUMN name TEXT;
ALTER TABLE hunt_hits ADD COLUMN name TEXT;

-- Samples that were seen under a new name and are still to be matched with the rules that ask for names.
CREATE TABLE new_names (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE
) STRICT;

-- Archives tell where their members lay.
UPDATE sightings SET folder = (
  SELECT rtrim(rtrim(path, replace(path, '/', '')), '/') FROM members
  WHERE child_id = sample_id AND (path = name OR path LIKE '%/' || replace(replace(replace(name, '\', '\\'), '%', '\%'), '_', '\_') ESCAPE '\')
  LIMIT 1
) WHERE source = 'member';
