-- Who is signed in on the web page. `key` is the SHA-256 (hex) of what the browser's cookie holds.
CREATE TABLE web_sessions (
    key TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    guild_ids TEXT NOT NULL CHECK (json_valid(guild_ids)),  -- those with a gallery, as Discord said
    expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX web_sessions_of_user ON web_sessions (user_id);

-- What the tagger saw is searched as well.
DROP VIEW gallery_words_of;
CREATE VIEW gallery_words_of AS
    SELECT max(CAST(e.posted_at * 1000 AS INTEGER),
            coalesce((SELECT max(place) + 1 FROM gallery_words), 0)) AS place,
        e.votes AS votes, e.number AS entry, j.words AS words, e.maker_name AS maker,
        coalesce((SELECT group_concat(replace(tag, '_', ' '), ', ') FROM picture_tags t
            WHERE t.picture_id = e.picture_id), '') AS tags,
        'any ' || CASE WHEN p.width * 10 > p.height * 11 THEN 'landscape'
            WHEN p.height * 10 > p.width * 11 THEN 'portrait' ELSE 'square' END AS marks
    FROM gallery_entries e JOIN pictures p ON p.id = e.picture_id JOIN jobs j ON j.id = p.job_id;

DROP TRIGGER gallery_entry_posted;
CREATE TRIGGER gallery_entry_posted AFTER UPDATE OF posted_at ON gallery_entries
WHEN new.posted_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM gallery_words WHERE entry = new.number) BEGIN
    INSERT INTO gallery_words (place, rank, entry, words, tags, maker, marks)
    SELECT place, votes << 42 | place, entry, words, tags, maker, marks
    FROM gallery_words_of WHERE entry = new.number;
END;
DROP TRIGGER gallery_entry_posted_at_once;
CREATE TRIGGER gallery_entry_posted_at_once AFTER INSERT ON gallery_entries
WHEN new.posted_at IS NOT NULL BEGIN
    INSERT INTO gallery_words (place, rank, entry, words, tags, maker, marks)
    SELECT place, votes << 42 | place, entry, words, tags, maker, marks
    FROM gallery_words_of WHERE entry = new.number;
END;
