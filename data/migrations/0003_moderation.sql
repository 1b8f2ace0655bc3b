-- What moderators of a server set, whom they keep out, and what they can look up.

-- One row a thing that happened. `kind` is data.audit.AuditKind; readers meet older kinds as well.
-- Ids are never used again (AUTOINCREMENT), so that an entry can be named in a message.
CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    guild_id INTEGER,                       -- NULL: in a direct message, or about the whole bot
    channel_id INTEGER,
    actor_id INTEGER,                       -- who did it; NULL: the bot by itself
    user_id INTEGER,                        -- whom it is about
    job_id TEXT,                            -- no references: the log outlives what it is about
    picture_id TEXT,
    details TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details)),
    posted INTEGER CHECK (posted IN (0, 1)) -- 0: waits for the log channel; NULL: not meant for it
) STRICT;

CREATE INDEX audit_of_guild ON audit_log (guild_id, id);
CREATE INDEX audit_of_user ON audit_log (user_id, id);
CREATE INDEX audit_to_post ON audit_log (guild_id, id) WHERE posted = 0;

-- Ceilings and defaults of ratings stand in place_settings, limits in guild_limits.
CREATE TABLE guild_settings (
    guild_id INTEGER PRIMARY KEY,
    set_up INTEGER NOT NULL DEFAULT 0 CHECK (set_up IN (0, 1)),     -- the wizard was finished
    log_channel_id INTEGER,
    review_channel_id INTEGER,
    review INTEGER NOT NULL DEFAULT 0 CHECK (review IN (0, 1)),
    retention_days INTEGER NOT NULL DEFAULT 90 CHECK (retention_days BETWEEN 1 AND 3650),
    gallery_channel_id INTEGER,
    gallery_adult_channel_id INTEGER,
    gallery_kind TEXT NOT NULL DEFAULT 'text' CHECK (gallery_kind IN ('text', 'forum')),
    gallery_threshold INTEGER NOT NULL DEFAULT 3 CHECK (gallery_threshold BETWEEN 1 AND 1000),
    gallery_self_votes INTEGER NOT NULL DEFAULT 0 CHECK (gallery_self_votes IN (0, 1)),
    gallery_approval INTEGER NOT NULL DEFAULT 0 CHECK (gallery_approval IN (0, 1)),
    gallery_web INTEGER NOT NULL DEFAULT 0 CHECK (gallery_web IN (0, 1))
) STRICT;

CREATE TABLE guild_channels (
    guild_id INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('allowed', 'gallery_excluded')),
    channel_id INTEGER NOT NULL,
    PRIMARY KEY (guild_id, role, channel_id)
) STRICT, WITHOUT ROWID;

-- A server's own rules: words and tags that are refused, and phrases in which they are harmless.
CREATE TABLE guild_words (
    guild_id INTEGER NOT NULL,
    list TEXT NOT NULL CHECK (list IN ('blocked', 'allowed')),
    word TEXT NOT NULL CHECK (length(word) BETWEEN 1 AND 100),
    PRIMARY KEY (guild_id, list, word)
) STRICT, WITHOUT ROWID;

-- role_id = guild_id is @everyone, as in Discord. NULL: not set; 0: none at all. The operator's
-- bounds hold as well.
CREATE TABLE guild_limits (
    guild_id INTEGER NOT NULL,
    role_id INTEGER NOT NULL,
    pictures_per_hour INTEGER CHECK (pictures_per_hour >= 0),
    pictures_per_day INTEGER CHECK (pictures_per_day >= 0),
    upscales_per_day INTEGER CHECK (upscales_per_day >= 0),
    waiting_jobs INTEGER CHECK (waiting_jobs >= 0),
    max_count INTEGER CHECK (max_count >= 1),
    max_steps INTEGER CHECK (max_steps >= 1),
    max_pixels INTEGER CHECK (max_pixels >= 1),
    weight INTEGER CHECK (weight >= 1),
    PRIMARY KEY (guild_id, role_id)
) STRICT, WITHOUT ROWID;

-- guild_id 0: everywhere, by the bot's owner. Only the owner blocks whole servers.
CREATE TABLE blocks (
    guild_id INTEGER NOT NULL,
    subject TEXT NOT NULL CHECK (subject IN ('user', 'guild')),
    subject_id INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    blocked_by INTEGER NOT NULL,
    blocked_at REAL NOT NULL,
    until REAL CHECK (until IS NULL OR until > blocked_at),     -- NULL: for good
    PRIMARY KEY (guild_id, subject, subject_id),
    CHECK (subject = 'user' OR guild_id = 0)
) STRICT, WITHOUT ROWID;

-- A ledger that knows the server, so that a server's limits count what was made there.
-- forgiven: a moderator's reset (1: not counted by the server), the owner's (2: by nobody).
ALTER TABLE quota_uses ADD COLUMN guild_id INTEGER;
ALTER TABLE quota_uses ADD COLUMN forgiven INTEGER NOT NULL DEFAULT 0 CHECK (forgiven IN (0, 1, 2));
ALTER TABLE quota_uses ADD COLUMN is_upscale INTEGER NOT NULL DEFAULT 0 CHECK (is_upscale IN (0, 1));
-- How many of the pictures were taken from a grant of the server, or of the owner.
ALTER TABLE quota_uses ADD COLUMN granted_here INTEGER NOT NULL DEFAULT 0 CHECK (granted_here >= 0);
ALTER TABLE quota_uses ADD COLUMN granted_overall INTEGER NOT NULL DEFAULT 0
    CHECK (granted_overall >= 0);
UPDATE quota_uses SET guild_id = (SELECT guild_id FROM jobs WHERE jobs.id = quota_uses.job_id);

-- Pictures that somebody may make beside the limits. guild_id 0: beside the operator's.
CREATE TABLE quota_grants (
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    pictures INTEGER NOT NULL CHECK (pictures >= 0),
    PRIMARY KEY (guild_id, user_id)
) STRICT, WITHOUT ROWID;

-- Messages of ours in Discord that are to be removed: a crash must not leave them.
CREATE TABLE message_removals (
    channel_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    asked_at REAL NOT NULL,
    PRIMARY KEY (channel_id, message_id)
) STRICT, WITHOUT ROWID;
