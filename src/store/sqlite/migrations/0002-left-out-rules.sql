-- What does not run of a revision whose rest does: JSON, LeftOut[] of src/yara; NULL where everything runs.
ALTER TABLE revisions ADD COLUMN left_out TEXT;
