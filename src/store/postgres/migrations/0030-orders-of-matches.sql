-- Matches in the order of a value of their samples. Of texts the beginning is enough, and long ones do not fit everywhere.
CREATE INDEX samples_by_size ON samples (size, id);
CREATE INDEX samples_by_name ON samples (substr(name, 1, 200), id);
CREATE INDEX samples_by_threat ON samples (substr(threat_name, 1, 200), id) WHERE threat_name IS NOT NULL;
-- A name that a rule held for stands in place of the sample's.
CREATE INDEX matches_by_name ON matches (substr(name, 1, 200), sample_id, id) WHERE name IS NOT NULL;
