-- Parts are of samples that arrive and of the index too, not only of hunts. The tables keep their names, since nodes of the
-- version before look there until they are started anew.
ALTER TABLE hunt_part_rules ALTER COLUMN hunt_id DROP NOT NULL;
ALTER TABLE hunt_parts DROP CONSTRAINT hunt_parts_kind_check;
ALTER TABLE hunt_parts ADD CONSTRAINT hunt_parts_kind_check CHECK (kind IN ('evaluate', 'verify', 'examine', 'merge'));
-- Answers have the signatures of samples. A part that is lost with the database is done by the server, so none of this has to
-- be in its log.
ALTER TABLE hunt_parts SET UNLOGGED;
-- Their numbers do: a node may bring the result of a part that was lost, and no other part is to have its number by then.
ALTER SEQUENCE hunt_parts_id_seq SET LOGGED;
