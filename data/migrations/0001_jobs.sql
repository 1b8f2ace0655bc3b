-- Times are seconds since the epoch (UTC), ids of Discord are integers, `request` is
-- ResolvedRequest as JSON. Jobs and pictures carry what delivery, moderation and the gallery need.

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL,
    guild_id INTEGER,                       -- NULL in direct messages
    channel_id INTEGER NOT NULL,
    private INTEGER NOT NULL CHECK (private IN (0, 1)),
    rating INTEGER NOT NULL CHECK (rating BETWEEN 0 AND 3),
    request TEXT NOT NULL CHECK (json_valid(request)),
    pictures INTEGER NOT NULL CHECK (pictures BETWEEN 1 AND 10),
    weight INTEGER NOT NULL DEFAULT 1 CHECK (weight > 0),
    locale TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    error TEXT CHECK (error IS NULL OR json_valid(error)), -- key and data of the error, with state 'failed'
    delivery TEXT NOT NULL DEFAULT 'pending'
        CHECK (delivery IN ('pending', 'delivered', 'kept')), -- kept: unreachable, see /history
    application_id INTEGER NOT NULL,
    interaction_token TEXT,                 -- a secret: never logged, removed once delivered
    token_expires_at REAL NOT NULL,
    message_id INTEGER,
    accepted_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    delivered_at REAL,
    CHECK ((state = 'failed') = (error IS NOT NULL)),
    CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL))
) STRICT;

CREATE INDEX jobs_open ON jobs (state, accepted_at) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_undelivered ON jobs (delivery, ended_at) WHERE delivery = 'pending';
CREATE INDEX jobs_of_user ON jobs (user_id, accepted_at);

CREATE TABLE pictures (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    seed INTEGER NOT NULL CHECK (seed BETWEEN 0 AND 4294967295),
    width INTEGER NOT NULL CHECK (width > 0),
    height INTEGER NOT NULL CHECK (height > 0),
    rating INTEGER NOT NULL CHECK (rating BETWEEN 0 AND 3),
    content_hash TEXT NOT NULL,             -- SHA-256 of the file, which lies under this name
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    model_name TEXT NOT NULL,
    model_repository TEXT NOT NULL,
    model_revision TEXT NOT NULL,
    model_hash TEXT NOT NULL,
    precision TEXT NOT NULL,                -- int8, half precision and devices give other pictures
    provider TEXT NOT NULL,
    engine TEXT NOT NULL,
    elapsed_s REAL NOT NULL,
    made_at REAL NOT NULL,
    UNIQUE (job_id, position)
) STRICT;

CREATE INDEX pictures_by_hash ON pictures (content_hash);

-- One row a job that took from its user's quota; a refund sets `refunded`, so that both are seen.
CREATE TABLE quota_uses (
    id INTEGER PRIMARY KEY,
    job_id TEXT UNIQUE REFERENCES jobs (id) ON DELETE SET NULL,
    user_id INTEGER NOT NULL,
    pictures INTEGER NOT NULL CHECK (pictures > 0),
    used_at REAL NOT NULL,
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded IN (0, 1))
) STRICT;

CREATE INDEX quota_uses_of_user ON quota_uses (user_id, used_at) WHERE refunded = 0;

-- What a moderator set; NULL: not set.
CREATE TABLE place_settings (
    scope TEXT NOT NULL CHECK (scope IN ('guild', 'channel')),
    id INTEGER NOT NULL,
    guild_id INTEGER NOT NULL,
    rating_ceiling INTEGER CHECK (rating_ceiling BETWEEN 0 AND 3),
    rating_default INTEGER CHECK (rating_default BETWEEN 0 AND 3),
    PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;

-- Which tags somebody used before, to lift them in suggestions.
CREATE TABLE tag_uses (
    user_id INTEGER NOT NULL,
    tag TEXT NOT NULL,
    uses INTEGER NOT NULL CHECK (uses > 0),
    used_at REAL NOT NULL,
    PRIMARY KEY (user_id, tag)
) STRICT, WITHOUT ROWID;

-- Small facts about ourselves, e.g. the hash of the command tree that was synced last.
CREATE TABLE notes (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
