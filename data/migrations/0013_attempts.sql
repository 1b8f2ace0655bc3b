-- What an engine has in hand, entered before it is given it: what is found here at a start was being
-- drawn when the process ended without warning. `attempts`: how often that happened to a job.

ALTER TABLE jobs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0);

CREATE TABLE drawing (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    PRIMARY KEY (job_id, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER drawing_of_picture AFTER INSERT ON pictures BEGIN
    DELETE FROM drawing WHERE job_id = new.job_id AND position = new.position;
END;

CREATE TRIGGER drawing_of_withheld AFTER INSERT ON withheld BEGIN
    DELETE FROM drawing WHERE job_id = new.job_id AND position = new.position;
END;

CREATE TRIGGER drawing_of_ended AFTER UPDATE OF state ON jobs WHEN new.ended_at IS NOT NULL BEGIN
    DELETE FROM drawing WHERE job_id = new.id;
END;
