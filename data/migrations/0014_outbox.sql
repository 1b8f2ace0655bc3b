-- Everything that is to be told to Discord in the background, one row each, until it is done. Rows are
-- written in the transaction that makes them necessary, so a crash loses none. The key names what
-- the row is about; what is to be sent is read from other tables when it is sent.

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                     -- who sends it: see bot.outbox.kinds
    key TEXT NOT NULL,
    lane TEXT NOT NULL,                     -- one lane never delays another; in a lane one after another
    guild_id INTEGER,                       -- whose moderators are told if it can't be sent; NULL: nobody's
    payload TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(payload)),
    changes INTEGER NOT NULL DEFAULT 1,     -- grows, so that a change while it is being sent is seen
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'parked')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL DEFAULT 0,         -- of the next attempt; seconds since the epoch
    put_at REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400.0),
    last_error TEXT,
    UNIQUE (kind, key)
) STRICT;

CREATE INDEX outbox_due ON outbox (lane, due_at);
CREATE INDEX outbox_of_guild ON outbox (guild_id) WHERE state = 'parked';

-- The one way in: what waits already is due at once and counts one change more. (SQLite knows no
-- ON CONFLICT for a view's own columns, and a dozen triggers would repeat it.)
CREATE VIEW outbox_put AS SELECT kind, key, lane, guild_id, payload FROM outbox;
CREATE TRIGGER outbox_is_put INSTEAD OF INSERT ON outbox_put BEGIN
    INSERT INTO outbox (kind, key, lane, guild_id, payload)
    VALUES (new.kind, new.key, new.lane, new.guild_id, coalesce(new.payload, '{}'))
    ON CONFLICT (kind, key) DO UPDATE
    SET changes = changes + 1, due_at = 0, payload = excluded.payload, put_at = excluded.put_at;
END;

-- Messages of deleted pictures.
INSERT INTO outbox (kind, key, lane, payload)
SELECT 'message_removal', channel_id || ':' || message_id, 'removal:' || channel_id,
    json_object('channel_id', channel_id, 'message_id', message_id)
FROM message_removals ORDER BY asked_at, message_id;
DROP TABLE message_removals;

-- The messages of gallery channels.
INSERT INTO outbox (kind, key, lane, guild_id)
SELECT 'gallery_check', guild_id, 'gallery:' || guild_id, guild_id FROM gallery_checks;
INSERT INTO outbox (kind, key, lane, guild_id)
SELECT 'gallery_entry', entry_id, 'gallery:' || guild, guild FROM (
    SELECT c.entry_id AS entry_id, coalesce(e.guild_id, p.guild_id) AS guild FROM gallery_changes c
    LEFT JOIN gallery_entries e ON e.id = c.entry_id
    LEFT JOIN gallery_posts p ON p.entry_id = c.entry_id
) WHERE guild IS NOT NULL;

DROP TRIGGER gallery_entry_changed;
DROP TRIGGER gallery_entry_gone;
DROP TRIGGER gallery_guild_set;
DROP TRIGGER gallery_guild_changed;
DROP TRIGGER gallery_place_set;
DROP TRIGGER gallery_place_changed;
DROP TRIGGER gallery_place_unset;
DROP TRIGGER gallery_block_set;
DROP TRIGGER gallery_block_changed;
DROP TRIGGER gallery_block_lifted;
DROP TABLE gallery_changes;
DROP TABLE gallery_checks;

CREATE TRIGGER gallery_entry_changed
AFTER UPDATE OF state, votes, featured_at, rating ON gallery_entries
WHEN old.state = 'posted' OR new.state = 'posted' BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    VALUES ('gallery_entry', new.id, 'gallery:' || new.guild_id, new.guild_id);
END;
CREATE TRIGGER gallery_entry_gone AFTER DELETE ON gallery_entries
WHEN EXISTS (SELECT 1 FROM gallery_posts WHERE entry_id = old.id) BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    VALUES ('gallery_entry', old.id, 'gallery:' || old.guild_id, old.guild_id);
END;

CREATE TRIGGER gallery_guild_set AFTER INSERT ON guild_settings BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    VALUES ('gallery_check', new.guild_id, 'gallery:' || new.guild_id, new.guild_id);
    UPDATE gallery_entries SET on_web = number IN
        (SELECT entry FROM gallery_public WHERE guild_id = new.guild_id)
    WHERE guild_id = new.guild_id;
END;
CREATE TRIGGER gallery_guild_changed AFTER UPDATE ON guild_settings BEGIN
    -- Whatever was refused before may be sent with the new settings.
    UPDATE outbox SET due_at = 0 WHERE guild_id = new.guild_id;
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    VALUES ('gallery_check', new.guild_id, 'gallery:' || new.guild_id, new.guild_id);
END;

CREATE TRIGGER gallery_place_set AFTER INSERT ON place_settings BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    VALUES ('gallery_check', new.guild_id, 'gallery:' || new.guild_id, new.guild_id);
END;
CREATE TRIGGER gallery_place_changed AFTER UPDATE ON place_settings BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    VALUES ('gallery_check', new.guild_id, 'gallery:' || new.guild_id, new.guild_id);
END;
CREATE TRIGGER gallery_place_unset AFTER DELETE ON place_settings BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    VALUES ('gallery_check', old.guild_id, 'gallery:' || old.guild_id, old.guild_id);
END;

CREATE TRIGGER gallery_block_set AFTER INSERT ON blocks WHEN new.subject = 'user' BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    SELECT DISTINCT 'gallery_check', guild_id, 'gallery:' || guild_id, guild_id
    FROM gallery_entries WHERE maker_id = new.subject_id;
END;
CREATE TRIGGER gallery_block_changed AFTER UPDATE ON blocks WHEN new.subject = 'user' BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    SELECT DISTINCT 'gallery_check', guild_id, 'gallery:' || guild_id, guild_id
    FROM gallery_entries WHERE maker_id = new.subject_id;
END;
CREATE TRIGGER gallery_block_lifted AFTER DELETE ON blocks WHEN old.subject = 'user' BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    SELECT DISTINCT 'gallery_check', guild_id, 'gallery:' || guild_id, guild_id
    FROM gallery_entries WHERE maker_id = old.subject_id;
END;

-- The audit log in a server's log channel: one row says that entries wait.
INSERT INTO outbox_put (kind, key, lane, guild_id)
SELECT DISTINCT 'audit_log', guild_id, 'log:' || guild_id, guild_id FROM audit_log
WHERE posted = 0 AND guild_id IS NOT NULL;
CREATE TRIGGER audit_is_to_be_posted AFTER INSERT ON audit_log WHEN new.posted = 0 AND new.guild_id IS NOT NULL BEGIN
    INSERT INTO outbox_put (kind, key, lane, guild_id)
    VALUES ('audit_log', new.guild_id, 'log:' || new.guild_id, new.guild_id);
END;

-- What became of a report, to each who reported.
INSERT INTO outbox_put (kind, key, lane)
SELECT 'report_answer', report_id || ':' || user_id, 'person:' || user_id
FROM reporters JOIN reports ON reports.id = report_id WHERE told = 0 AND state <> 'open';
DROP INDEX reporters_untold;
ALTER TABLE reporters DROP COLUMN told;
CREATE TRIGGER report_is_decided AFTER UPDATE OF state ON reports
WHEN old.state = 'open' AND new.state <> 'open' BEGIN
    INSERT INTO outbox_put (kind, key, lane)
    SELECT 'report_answer', new.id || ':' || user_id, 'person:' || user_id
    FROM reporters WHERE report_id = new.id;
END;
CREATE TRIGGER reporter_is_gone AFTER DELETE ON reporters BEGIN
    DELETE FROM outbox WHERE kind = 'report_answer' AND key = old.report_id || ':' || old.user_id;
END;

-- Tags of a forum that every post of the gallery gets, by Discord's ids.
ALTER TABLE guild_settings ADD COLUMN gallery_tags TEXT NOT NULL DEFAULT '[]'
    CHECK (json_valid(gallery_tags));
