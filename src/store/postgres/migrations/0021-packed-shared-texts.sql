-- The texts of shared rulesets as src/rulesets/packed-text.ts packs them; those that are here already stay as they are, in UTF-8.
ALTER TABLE shared_texts ALTER COLUMN content TYPE bytea USING convert_to(content, 'UTF8');
ALTER TABLE shared_texts RENAME COLUMN content TO packed;
