-- What programs are made of, as it is shown (JSON), and in the table below it what they are looked up by.
CREATE TABLE programs (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  -- When it was compiled, as its header says.
  compiled INTEGER,
  facts TEXT NOT NULL
) STRICT;
CREATE INDEX programs_by_compiled ON programs (compiled) WHERE compiled IS NOT NULL;

CREATE TABLE program_traits (
  sample_id INTEGER NOT NULL REFERENCES programs (sample_id) ON DELETE CASCADE,
  field TEXT NOT NULL,
  value TEXT NOT NULL COLLATE NOCASE,
  PRIMARY KEY (sample_id, field, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX program_traits_by_value ON program_traits (field, value);

-- Samples that were processed before: they are read in the background, and a row goes when that is done.
CREATE TABLE programs_to_read (
  sample_id INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE
) STRICT;
INSERT INTO programs_to_read (sample_id)
SELECT id FROM samples
WHERE stored = 1 AND state = 'processed'
  AND (file_type GLOB 'PE/*' OR file_type GLOB 'PE+/*' OR file_type GLOB 'ELF*' OR file_type GLOB 'MachO*');
