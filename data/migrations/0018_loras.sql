-- LoRAs: which ones each request was drawn with, and which ones a server allows.

-- To count the pictures that were drawn with a LoRA. `name` is its key in the library (lower case).
-- `roles`: the roles of who asked, as a JSON list, by which a server may allow it; only while the job waits.
CREATE TABLE job_loras (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (name <> ''),
    roles TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (job_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_loras_by_name ON job_loras (name, job_id);

CREATE TRIGGER job_loras_forget_roles AFTER UPDATE OF ended_at ON jobs WHEN new.ended_at IS NOT NULL BEGIN
    UPDATE job_loras SET roles = '[]' WHERE job_id = new.id;
END;

-- What a role may use; `role_id` is `guild_id` for everyone. `names`: the keys of those that are allowed, as a
-- JSON list; NULL: all. Without a row for everyone, all are allowed.
CREATE TABLE guild_loras (
    guild_id INTEGER NOT NULL,
    role_id INTEGER NOT NULL,
    names TEXT CHECK (names IS NULL OR (json_valid(names) AND json_type(names) = 'array')),
    PRIMARY KEY (guild_id, role_id)
) STRICT, WITHOUT ROWID;
