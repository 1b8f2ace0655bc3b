-- What the output tagger saw of pictures, and pictures that are withheld: in no other table, so that
-- nothing that shows pictures can find them.

-- The highest rating that the place allowed when the job was accepted, and the channel whose settings
-- count there (of a thread, its parent's). NULL: accepted before the bot knew.
ALTER TABLE jobs ADD COLUMN ceiling INTEGER CHECK (ceiling BETWEEN 0 AND 3);
ALTER TABLE jobs ADD COLUMN rules_channel_id INTEGER;

-- A picture without a row here was not checked.
CREATE TABLE picture_checks (
    picture_id TEXT PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE,
    tagger TEXT NOT NULL,
    rating INTEGER NOT NULL CHECK (rating BETWEEN 0 AND 3),
    ratings TEXT NOT NULL CHECK (json_valid(ratings)) -- the four scores, in the order of the ratings
) STRICT, WITHOUT ROWID;

-- Tags above their thresholds, by Danbooru's names.
CREATE TABLE picture_tags (
    picture_id TEXT NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    score REAL NOT NULL CHECK (score BETWEEN 0 AND 1.001),
    PRIMARY KEY (picture_id, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX picture_tags_by_tag ON picture_tags (tag);

CREATE TABLE withheld (
    id TEXT PRIMARY KEY,                    -- what the picture's id would be, and is once released
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    reason TEXT NOT NULL CHECK (reason IN ('rating', 'minor', 'unchecked')),
    ceiling INTEGER NOT NULL CHECK (ceiling BETWEEN 0 AND 3),
    seen TEXT NOT NULL CHECK (json_valid(seen)),    -- what the tagger saw; {} if it could not look
    picture TEXT CHECK (picture IS NULL OR json_valid(picture)), -- the row of `pictures` it may become
    content_hash TEXT,                      -- of the file, while there is one
    state TEXT NOT NULL CHECK (state IN (
        'deleted',                          -- at once, by rule
        'waiting',                          -- for a moderator; the only state with a file
        'released',
        'discarded'                         -- by a moderator, or nobody looked in time
    )),
    withheld_at REAL NOT NULL,
    decided_by INTEGER,
    decided_at REAL,
    UNIQUE (job_id, position),
    CHECK ((state = 'waiting') = (content_hash IS NOT NULL)),
    CHECK (reason = 'rating' OR state = 'deleted') -- hits of the hard rules are never kept
) STRICT, WITHOUT ROWID;

CREATE INDEX withheld_waiting ON withheld (withheld_at) WHERE state = 'waiting';
CREATE INDEX withheld_by_hash ON withheld (content_hash) WHERE content_hash IS NOT NULL;
