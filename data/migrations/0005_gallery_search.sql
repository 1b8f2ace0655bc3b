-- The gallery's full-text search: one row an entry that was posted, kept by triggers.

-- A full-text index gives its matches in the order of its rows without looking at all of them. So
-- there are two indexes over the same words: rows of one are numbered by time, of the other by stars.
CREATE TABLE gallery_words (
    place INTEGER PRIMARY KEY,              -- `posted_at` in ms since the epoch, made unique
    rank INTEGER NOT NULL UNIQUE,           -- votes << 42 | place: of equal stars the latest first
    entry INTEGER NOT NULL UNIQUE REFERENCES gallery_entries (number) ON DELETE CASCADE,
    words TEXT NOT NULL,                    -- what was typed, see jobs.words
    tags TEXT NOT NULL DEFAULT '',          -- what the tagger saw
    maker TEXT NOT NULL,
    marks TEXT NOT NULL                     -- 'any' and the shape, so that each row has a word
) STRICT;

CREATE VIRTUAL TABLE gallery_fts_new USING fts5 (
    words, tags, maker, marks, content = 'gallery_words', content_rowid = 'place',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '3'
);
CREATE VIRTUAL TABLE gallery_fts_top USING fts5 (
    words, tags, maker, marks, content = 'gallery_words', content_rowid = 'rank',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '3'
);

CREATE TRIGGER gallery_words_added AFTER INSERT ON gallery_words BEGIN
    INSERT INTO gallery_fts_new (rowid, words, tags, maker, marks)
    VALUES (new.place, new.words, new.tags, new.maker, new.marks);
    INSERT INTO gallery_fts_top (rowid, words, tags, maker, marks)
    VALUES (new.rank, new.words, new.tags, new.maker, new.marks);
END;
CREATE TRIGGER gallery_words_removed AFTER DELETE ON gallery_words BEGIN
    INSERT INTO gallery_fts_new (gallery_fts_new, rowid, words, tags, maker, marks)
    VALUES ('delete', old.place, old.words, old.tags, old.maker, old.marks);
    INSERT INTO gallery_fts_top (gallery_fts_top, rowid, words, tags, maker, marks)
    VALUES ('delete', old.rank, old.words, old.tags, old.maker, old.marks);
END;
CREATE TRIGGER gallery_words_changed AFTER UPDATE OF words, tags, maker, marks ON gallery_words BEGIN
    INSERT INTO gallery_fts_new (gallery_fts_new, rowid, words, tags, maker, marks)
    VALUES ('delete', old.place, old.words, old.tags, old.maker, old.marks);
    INSERT INTO gallery_fts_new (rowid, words, tags, maker, marks)
    VALUES (new.place, new.words, new.tags, new.maker, new.marks);
END;
CREATE TRIGGER gallery_words_ranked AFTER UPDATE ON gallery_words BEGIN
    INSERT INTO gallery_fts_top (gallery_fts_top, rowid, words, tags, maker, marks)
    VALUES ('delete', old.rank, old.words, old.tags, old.maker, old.marks);
    INSERT INTO gallery_fts_top (rowid, words, tags, maker, marks)
    VALUES (new.rank, new.words, new.tags, new.maker, new.marks);
END;

-- What is to be entered into gallery_words. A place is never earlier than its entry says.
CREATE VIEW gallery_words_of AS
    SELECT max(CAST(e.posted_at * 1000 AS INTEGER),
            coalesce((SELECT max(place) + 1 FROM gallery_words), 0)) AS place,
        e.votes AS votes, e.number AS entry, j.words AS words, e.maker_name AS maker,
        'any ' || CASE WHEN p.width * 10 > p.height * 11 THEN 'landscape'
            WHEN p.height * 10 > p.width * 11 THEN 'portrait' ELSE 'square' END AS marks
    FROM gallery_entries e JOIN pictures p ON p.id = e.picture_id JOIN jobs j ON j.id = p.job_id;

-- An entry is found from the first time it is posted on; whether it is shown, `state` says.
CREATE TRIGGER gallery_entry_posted AFTER UPDATE OF posted_at ON gallery_entries
WHEN new.posted_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM gallery_words WHERE entry = new.number) BEGIN
    INSERT INTO gallery_words (place, rank, entry, words, maker, marks)
    SELECT place, votes << 42 | place, entry, words, maker, marks
    FROM gallery_words_of WHERE entry = new.number;
END;
CREATE TRIGGER gallery_entry_posted_at_once AFTER INSERT ON gallery_entries
WHEN new.posted_at IS NOT NULL BEGIN
    INSERT INTO gallery_words (place, rank, entry, words, maker, marks)
    SELECT place, votes << 42 | place, entry, words, maker, marks
    FROM gallery_words_of WHERE entry = new.number;
END;
CREATE TRIGGER gallery_entry_ranked AFTER UPDATE OF votes ON gallery_entries
WHEN new.posted_at IS NOT NULL BEGIN
    UPDATE gallery_words SET rank = new.votes << 42 | place WHERE entry = new.number;
END;
CREATE TRIGGER gallery_maker_renamed AFTER UPDATE OF maker_name ON gallery_entries
WHEN old.maker_name <> new.maker_name BEGIN
    UPDATE gallery_words SET maker = new.maker_name WHERE entry = new.number;
END;

-- What was posted before this migration.
UPDATE gallery_entries SET posted_at = posted_at WHERE posted_at IS NOT NULL;
