-- Reports of pictures to the moderators of the server where they were made. Who reported is for the
-- answer to them alone: nobody is shown it.

CREATE TABLE reports (
    id TEXT PRIMARY KEY,
    guild_id INTEGER NOT NULL,
    job_id TEXT NOT NULL,                   -- no reference: a report outlives what it is about
    maker_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,            -- of the message that was reported
    message_id INTEGER NOT NULL,
    opened_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'dismissed', 'deleted', 'blocked')),
    claimed_by INTEGER,
    claimed_at REAL,
    decided_by INTEGER,                     -- NULL: its maker deleted the picture
    decided_at REAL,
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((claimed_by IS NULL) = (claimed_at IS NULL))
) STRICT, WITHOUT ROWID;

-- Whoever reports the same again joins the report that is open.
CREATE UNIQUE INDEX reports_open ON reports (job_id) WHERE state = 'open';
CREATE INDEX reports_of_guild ON reports (guild_id, opened_at) WHERE state = 'open';
CREATE INDEX reports_of_maker ON reports (maker_id);

CREATE TABLE reporters (
    report_id TEXT NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (length(reason) <= 500),
    locale TEXT NOT NULL,
    reported_at REAL NOT NULL,
    told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
    PRIMARY KEY (report_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX reporters_of_user ON reporters (user_id);
CREATE INDEX reporters_untold ON reporters (report_id) WHERE told = 0;
