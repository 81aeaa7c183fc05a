-- Grows whenever a hunt changes hands: what is written under another one changes nothing.
ALTER TABLE hunts ADD COLUMN fence bigint NOT NULL DEFAULT 0;
