-- How many faces of a picture were drawn again, larger; and what each picture of a job counts for
-- them beside its cost, in hundredths of a picture: at first for as many as there may be.

ALTER TABLE pictures ADD COLUMN faces INTEGER NOT NULL DEFAULT 0 CHECK (faces >= 0);

ALTER TABLE quota_uses ADD COLUMN faces_cost INTEGER NOT NULL DEFAULT 0 CHECK (faces_cost >= 0);
