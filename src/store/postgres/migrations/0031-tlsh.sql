-- TLSH of samples, in its 35 bytes; samples without one have no row.
CREATE TABLE tlsh (
  sample_id bigint PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  digest bytea NOT NULL
);
CREATE INDEX tlsh_by_digest ON tlsh (digest);

-- It is computed in the background, after samples are processed, and a row goes when that is done.
CREATE TABLE tlsh_to_compute (
  sample_id bigint PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE
);
INSERT INTO tlsh_to_compute (sample_id)
SELECT id FROM samples
WHERE stored = 1 AND state = 'processed' AND size BETWEEN 50 AND 67108864
  AND (file_type LIKE 'PE/%' OR file_type LIKE 'PE+/%' OR file_type LIKE 'ELF%' OR file_type LIKE 'MachO%'
    OR file_type LIKE 'Document/%');
