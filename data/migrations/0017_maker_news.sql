-- Makers who want to be told when others star their pictures or draw on from them. Who has no row is not
-- told, and nothing is recorded for them.

CREATE TABLE news_settings (
    user_id INTEGER PRIMARY KEY,
    told TEXT NOT NULL CHECK (told IN ('daily', 'at_once')),
    locale TEXT NOT NULL DEFAULT '',        -- of who chose it, as nobody asks when it is sent
    seen INTEGER NOT NULL DEFAULT 0         -- the newest direct message before what is being sent
) STRICT;

-- One row for each person and request, kept for a while after it was told: a star that is taken away and
-- given again is told once.
CREATE TABLE maker_news (
    number INTEGER PRIMARY KEY,
    maker_id INTEGER NOT NULL REFERENCES news_settings (user_id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('star', 'remix')),
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,    -- the maker's
    by_id INTEGER NOT NULL,
    remix_id TEXT REFERENCES jobs (id) ON DELETE CASCADE,           -- what was drawn
    happened_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'sending', 'told')),
    UNIQUE (maker_id, kind, job_id, by_id)
) STRICT;

CREATE INDEX maker_news_of_job ON maker_news (job_id);
CREATE INDEX maker_news_of_remix ON maker_news (remix_id) WHERE remix_id IS NOT NULL;
CREATE INDEX maker_news_by ON maker_news (by_id);
CREATE INDEX maker_news_waiting ON maker_news (maker_id, happened_at) WHERE state <> 'told';

CREATE TRIGGER star_is_news AFTER INSERT ON gallery_votes BEGIN
    INSERT INTO maker_news (maker_id, kind, job_id, by_id, happened_at)
    SELECT e.maker_id, 'star', p.job_id, new.user_id, new.voted_at
    FROM gallery_entries e JOIN pictures p ON p.id = e.picture_id
    JOIN news_settings n ON n.user_id = e.maker_id
    WHERE e.number = new.entry AND e.maker_id <> new.user_id
    ON CONFLICT DO NOTHING;
END;

-- Only what everybody in the server may see, once it is there.
CREATE TRIGGER remix_is_news AFTER UPDATE OF delivery ON jobs
WHEN new.delivery = 'delivered' AND old.delivery <> 'delivered' AND new.state = 'finished'
    AND new.private = 0 AND json_valid(new.request) BEGIN
    INSERT INTO maker_news (maker_id, kind, job_id, by_id, remix_id, happened_at)
    SELECT s.user_id, 'remix', s.id, new.user_id, new.id, new.delivered_at
    FROM jobs s JOIN news_settings n ON n.user_id = s.user_id
    WHERE s.id = json_extract(new.request, '$.wish.source') AND s.user_id <> new.user_id
        AND s.guild_id = new.guild_id AND s.private = 0
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER news_is_to_be_told AFTER INSERT ON maker_news
WHEN (SELECT told FROM news_settings WHERE user_id = new.maker_id) = 'at_once' BEGIN
    INSERT INTO outbox_put (kind, key, lane)
    VALUES ('maker_news', new.maker_id, 'news:' || new.maker_id);
END;
