-- Masks: which part of a picture is redrawn. A mask is a file among the uploads that belongs to nobody.

ALTER TABLE uploads ADD COLUMN is_mask INTEGER NOT NULL DEFAULT 0 CHECK (is_mask IN (0, 1));

-- So that a mask is kept as long as any job names it.
CREATE TABLE job_masks (
    job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    mask TEXT NOT NULL CHECK (mask <> '')
) STRICT, WITHOUT ROWID;

CREATE INDEX job_masks_by_mask ON job_masks (mask, job_id);
