-- The texts of shared rulesets as src/rulesets/packed-text.ts packs them; those that are here already stay as they are, in UTF-8.
CREATE TABLE packed_shared_texts (
  digest TEXT PRIMARY KEY,
  packed BLOB NOT NULL
) STRICT;
INSERT INTO packed_shared_texts (digest, packed) SELECT digest, CAST(content AS BLOB) FROM shared_texts;
DROP TABLE shared_texts;
ALTER TABLE packed_shared_texts RENAME TO shared_texts;
