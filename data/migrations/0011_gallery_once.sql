-- Whether a server is on the web page stands in `guild_settings` alone, what the page calls it in
-- `gallery_guilds`. A private picture that its maker shared with the server stays off the page.

DROP TRIGGER gallery_guild_set;
DROP TRIGGER gallery_guild_changed;
DROP TRIGGER gallery_guild_on_web;
ALTER TABLE gallery_guilds DROP COLUMN on_web;

-- Entries that may be on the web page: server and maker said so, and everybody saw them before.
CREATE VIEW gallery_public AS
    SELECT e.number AS entry, e.guild_id AS guild_id
    FROM gallery_entries e
    JOIN pictures p ON p.id = e.picture_id
    JOIN jobs j ON j.id = p.job_id AND j.private = 0
    JOIN guild_settings g ON g.guild_id = e.guild_id AND g.gallery_web = 1
    JOIN gallery_makers m ON m.user_id = e.maker_id AND m.on_web = 1;

CREATE TRIGGER gallery_guild_set AFTER INSERT ON guild_settings BEGIN
    INSERT INTO gallery_checks (guild_id) VALUES (new.guild_id)
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
    UPDATE gallery_entries SET on_web = number IN
        (SELECT entry FROM gallery_public WHERE guild_id = new.guild_id)
    WHERE guild_id = new.guild_id;
END;
CREATE TRIGGER gallery_guild_changed AFTER UPDATE ON guild_settings BEGIN
    INSERT INTO gallery_checks (guild_id) VALUES (new.guild_id)
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER gallery_guild_on_web AFTER UPDATE OF gallery_web ON guild_settings
WHEN old.gallery_web <> new.gallery_web BEGIN
    UPDATE gallery_entries SET on_web = number IN
        (SELECT entry FROM gallery_public WHERE guild_id = new.guild_id)
    WHERE guild_id = new.guild_id;
END;

UPDATE gallery_entries SET on_web = 0
WHERE on_web = 1 AND number NOT IN (SELECT entry FROM gallery_public);

-- What the tagger sees of a picture that is in the gallery already is searched, too.
CREATE TRIGGER gallery_tag_seen AFTER INSERT ON picture_tags
WHEN EXISTS (SELECT 1 FROM gallery_entries e JOIN gallery_words w ON w.entry = e.number
    WHERE e.picture_id = new.picture_id) BEGIN
    UPDATE gallery_words SET tags = (SELECT tags FROM gallery_words_of o WHERE o.entry = gallery_words.entry)
    WHERE entry = (SELECT number FROM gallery_entries WHERE picture_id = new.picture_id);
END;
-- Where the picture itself goes, its words go with it.
CREATE TRIGGER gallery_tag_gone AFTER DELETE ON picture_tags
WHEN EXISTS (SELECT 1 FROM gallery_entries e JOIN gallery_words w ON w.entry = e.number
    JOIN pictures p ON p.id = e.picture_id WHERE e.picture_id = old.picture_id) BEGIN
    UPDATE gallery_words SET tags = (SELECT tags FROM gallery_words_of o WHERE o.entry = gallery_words.entry)
    WHERE entry = (SELECT number FROM gallery_entries WHERE picture_id = old.picture_id);
END;

UPDATE gallery_words SET tags = (SELECT tags FROM gallery_words_of o WHERE o.entry = gallery_words.entry)
WHERE tags = '' AND EXISTS (SELECT 1 FROM gallery_entries e JOIN picture_tags t
    ON t.picture_id = e.picture_id WHERE e.number = gallery_words.entry);
