-- A full-text index leads a search, so it must know the filters that few entries pass: server, maker
-- and rating. Else a common word would be followed through the pictures of everybody.

DROP VIEW gallery_words_of;
CREATE VIEW gallery_words_of AS
    SELECT max(CAST(e.posted_at * 1000 AS INTEGER),
            coalesce((SELECT max(place) + 1 FROM gallery_words), 0)) AS place,
        e.votes AS votes, e.number AS entry, j.words AS words, e.maker_name AS maker,
        coalesce((SELECT group_concat(replace(tag, '_', ' '), ', ') FROM picture_tags t
            WHERE t.picture_id = e.picture_id), '') AS tags,
        'any ' || CASE WHEN p.width * 10 > p.height * 11 THEN 'landscape'
            WHEN p.height * 10 > p.width * 11 THEN 'portrait' ELSE 'square' END
            || ' qs' || e.guild_id || ' qm' || e.maker_id || ' qr' || e.rating AS marks
    FROM gallery_entries e JOIN pictures p ON p.id = e.picture_id JOIN jobs j ON j.id = p.job_id;

CREATE TRIGGER gallery_entry_rated AFTER UPDATE OF rating ON gallery_entries
WHEN old.rating <> new.rating AND new.posted_at IS NOT NULL BEGIN
    UPDATE gallery_words SET marks = (SELECT o.marks FROM gallery_words_of o WHERE o.entry = new.number)
    WHERE entry = new.number;
END;

UPDATE gallery_words SET marks = (SELECT o.marks FROM gallery_words_of o WHERE o.entry = gallery_words.entry);

