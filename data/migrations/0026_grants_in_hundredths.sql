-- Extra pictures are counted by what they cost, as limits are: a draft takes a part of one. What was
-- taken for jobs becomes what these pictures counted, so nothing counts differently.

ALTER TABLE quota_grants RENAME COLUMN pictures TO hundredths;

-- CAST: whatever is there, the largest number at most
UPDATE quota_grants SET hundredths = CAST(hundredths * 100 AS INTEGER);

UPDATE quota_uses SET
    granted_here = CAST(granted_here * (cost + faces_cost) AS INTEGER),
    granted_overall = CAST(granted_overall * (cost + faces_cost) AS INTEGER);
