-- SHA-256 of the text; null for one that was saved before there was this column.
ALTER TABLE revisions ADD COLUMN text_digest BLOB;
