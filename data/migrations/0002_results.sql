-- What people do with their pictures, what they keep about themselves, and pictures they send.

-- The content hash of the picture that the job begins from (a picture of ours or an upload), so that
-- its file is kept while a job needs it.
ALTER TABLE jobs ADD COLUMN init_picture TEXT;
CREATE INDEX jobs_by_init_picture ON jobs (init_picture) WHERE init_picture IS NOT NULL;

-- What was typed, without case and underscores, for the search in one's own history.
ALTER TABLE jobs ADD COLUMN words TEXT NOT NULL DEFAULT '';
UPDATE jobs SET words = lower(replace(
    coalesce(json_extract(request, '$.wish.character') || ', ', '')
    || coalesce(json_extract(request, '$.wish.series') || ', ', '')
    || coalesce(json_extract(request, '$.wish.prompt') || ', ', '')
    || coalesce(json_extract(request, '$.wish.tags'), ''), '_', ' '));

CREATE TABLE favourites (
    user_id INTEGER NOT NULL,
    picture_id TEXT NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    marked_at REAL NOT NULL,
    PRIMARY KEY (user_id, picture_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX favourites_of_picture ON favourites (picture_id);

-- `key` is the name without case: "Night" and "night" are one preset. `request` is a
-- GenerationRequest as JSON.
CREATE TABLE presets (
    user_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    request TEXT NOT NULL CHECK (json_valid(request)),
    saved_at REAL NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;

-- What somebody's requests get where they say nothing; NULL and '': the operator's default.
CREATE TABLE user_defaults (
    user_id INTEGER PRIMARY KEY,
    aspect TEXT,
    preset TEXT,
    rating INTEGER CHECK (rating BETWEEN 0 AND 3),
    negative_prompt TEXT NOT NULL DEFAULT ''
) STRICT;

-- Pictures that people sent to begin from. `user_id` is whose first job used it, NULL until then.
CREATE TABLE uploads (
    content_hash TEXT PRIMARY KEY,          -- SHA-256 of the file, which lies under this name
    user_id INTEGER,
    width INTEGER NOT NULL CHECK (width > 0),
    height INTEGER NOT NULL CHECK (height > 0),
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    uploaded_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_of_user ON uploads (user_id);

-- Uses that outlive their job, because it was deleted: they go once they count no longer.
CREATE INDEX quota_uses_without_job ON quota_uses (used_at) WHERE job_id IS NULL;
