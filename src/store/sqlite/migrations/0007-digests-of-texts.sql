-- SHA-256 of the text in UTF-8; null for one that was saved before there was this column.
ALTER TABLE revisions ADD COLUMN text_digest BLOB;
