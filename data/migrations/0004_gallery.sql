-- The gallery of each server, the stars, and collections. What the gallery is stands here; the
-- messages in Discord (`gallery_posts`) follow it.

-- One picture in the gallery of the server where it was made, or on its way there.
CREATE TABLE gallery_entries (
    number INTEGER PRIMARY KEY,             -- for our own joins (full-text search): never shown
    id TEXT NOT NULL UNIQUE,                -- the public name: random, see data.ids
    picture_id TEXT NOT NULL UNIQUE REFERENCES pictures (id) ON DELETE CASCADE,
    guild_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,            -- where it was made
    maker_id INTEGER NOT NULL,
    maker_name TEXT NOT NULL DEFAULT '',    -- as the server called the maker when it was shared
    rating INTEGER NOT NULL CHECK (rating BETWEEN 0 AND 3),
    state TEXT NOT NULL CHECK (state IN (
        'candidate',                        -- has stars, not enough of them yet
        'waiting',                          -- for a moderator's approval
        'posted',                           -- in the gallery: the only state that anybody is shown
        'hidden',                           -- was posted; its maker is blocked or the ceiling fell
        'removed'                           -- taken out by its maker or a moderator: for good
    )),
    votes INTEGER NOT NULL DEFAULT 0 CHECK (votes >= 0), -- kept by triggers
    needed INTEGER CHECK (needed > 0),      -- the threshold that its stars reached; NULL: shared by hand
    shared_by INTEGER,                      -- who pressed Share; NULL: stars did
    shared_at REAL,                         -- when it became more than a candidate
    posted_at REAL,                         -- when it came into the gallery first; orders `new`
    featured_at REAL,
    decided_by INTEGER,                     -- who approved or removed it
    decided_at REAL,
    on_web INTEGER NOT NULL DEFAULT 0 CHECK (on_web IN (0, 1)), -- server and maker both said so
    CHECK (state NOT IN ('posted', 'hidden') OR posted_at IS NOT NULL),
    CHECK (state IN ('candidate', 'removed') OR shared_at IS NOT NULL)
) STRICT;

CREATE INDEX gallery_new ON gallery_entries (guild_id, state, posted_at, number, rating);
CREATE INDEX gallery_top ON gallery_entries (guild_id, state, votes, posted_at, number, rating);
CREATE INDEX gallery_by_maker ON gallery_entries (maker_id, guild_id, state, posted_at, number);
CREATE INDEX gallery_web_new ON gallery_entries (posted_at, number, rating)
    WHERE state = 'posted' AND on_web = 1;
CREATE INDEX gallery_web_top ON gallery_entries (votes, posted_at, number, rating)
    WHERE state = 'posted' AND on_web = 1;

-- One person's vote for one entry. Kept by triggers from `gallery_stars`.
CREATE TABLE gallery_votes (
    entry INTEGER NOT NULL REFERENCES gallery_entries (number) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    voted_at REAL NOT NULL,
    PRIMARY KEY (entry, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX gallery_votes_of_user ON gallery_votes (user_id);

-- Where a vote comes from: the button (message 0), or a reaction under a message. Somebody may star
-- a picture under its message and in the gallery; that is one vote until both are taken away.
CREATE TABLE gallery_stars (
    entry INTEGER NOT NULL REFERENCES gallery_entries (number) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,            -- 0: the button
    starred_at REAL NOT NULL,
    PRIMARY KEY (entry, user_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX gallery_stars_of_user ON gallery_stars (user_id);
CREATE INDEX gallery_stars_of_message ON gallery_stars (message_id) WHERE message_id <> 0;

CREATE TRIGGER gallery_star_set AFTER INSERT ON gallery_stars BEGIN
    INSERT INTO gallery_votes (entry, user_id, voted_at)
    VALUES (new.entry, new.user_id, new.starred_at) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER gallery_star_taken AFTER DELETE ON gallery_stars BEGIN
    DELETE FROM gallery_votes WHERE entry = old.entry AND user_id = old.user_id AND NOT EXISTS
        (SELECT 1 FROM gallery_stars WHERE entry = old.entry AND user_id = old.user_id);
END;
CREATE TRIGGER gallery_vote_counted AFTER INSERT ON gallery_votes BEGIN
    UPDATE gallery_entries SET votes = votes + 1 WHERE number = new.entry;
END;
CREATE TRIGGER gallery_vote_taken AFTER DELETE ON gallery_votes BEGIN
    UPDATE gallery_entries SET votes = votes - 1 WHERE number = old.entry;
END;

-- The message that shows an entry in a gallery channel. It outlives its entry, since the message has
-- to be taken away then: `entry_id` names a row that may be gone.
CREATE TABLE gallery_posts (
    entry_id TEXT PRIMARY KEY,
    guild_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,            -- the gallery channel; of a forum, the forum
    thread_id INTEGER,                      -- the forum's thread, in which the message lies
    message_id INTEGER,                     -- NULL: being sent; whether it arrived is not known
    begun_at REAL NOT NULL,
    shown TEXT NOT NULL DEFAULT ''          -- what the message says of stars and such, to edit it once
) STRICT, WITHOUT ROWID;

CREATE INDEX gallery_posts_by_message ON gallery_posts (message_id) WHERE message_id IS NOT NULL;

-- Messages that show pictures of ours and may be starred, beside the one that `jobs.message_id`
-- names: so that reactions made while the bot was away can be read again at the next start.
CREATE TABLE gallery_watched (
    message_id INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    seen_at REAL NOT NULL
) STRICT;

CREATE INDEX gallery_watched_of_job ON gallery_watched (job_id);
CREATE INDEX jobs_by_message ON jobs (message_id) WHERE message_id IS NOT NULL;

-- Whether a server shows its gallery on the web page, and what the page calls it.
CREATE TABLE gallery_guilds (
    guild_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL DEFAULT '',
    on_web INTEGER NOT NULL DEFAULT 0 CHECK (on_web IN (0, 1))
) STRICT;

-- Whether a maker's pictures may be on the web page.
CREATE TABLE gallery_makers (
    user_id INTEGER PRIMARY KEY,
    on_web INTEGER NOT NULL DEFAULT 0 CHECK (on_web IN (0, 1))
) STRICT;

-- `key` is the name without case. A shared one belongs to a server: its members see it and add to it.
-- Any other is its owner's alone.
CREATE TABLE collections (
    id TEXT PRIMARY KEY,
    owner_id INTEGER NOT NULL,
    guild_id INTEGER,
    shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1)),
    key TEXT NOT NULL,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    created_at REAL NOT NULL,
    UNIQUE (owner_id, key),
    CHECK ((shared = 1) = (guild_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX collections_shared ON collections (guild_id, key) WHERE shared = 1;

CREATE TABLE collection_items (
    collection_id TEXT NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    picture_id TEXT NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    added_by INTEGER NOT NULL,
    added_at REAL NOT NULL,
    PRIMARY KEY (collection_id, picture_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX collection_items_of_picture ON collection_items (picture_id);
CREATE INDEX collection_items_of_user ON collection_items (added_by);

-- Pictures that no retention may take away.
CREATE VIEW kept_pictures AS
    SELECT picture_id FROM gallery_entries WHERE state IN ('waiting', 'posted', 'hidden')
    UNION SELECT picture_id FROM favourites
    UNION SELECT picture_id FROM collection_items;
