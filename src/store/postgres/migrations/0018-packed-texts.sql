-- The texts of hunts as packed-texts.ts makes them; those that are here already stay the JSON that they were.
ALTER TABLE hunt_texts ALTER COLUMN texts TYPE bytea USING convert_to(texts, 'UTF8');
