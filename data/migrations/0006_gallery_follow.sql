-- What the messages in Discord have yet to follow: written by triggers in the transaction that
-- changed something, whoever wrote it, and taken away once Discord has it. A crash loses none.

CREATE TABLE gallery_changes (
    entry_id TEXT PRIMARY KEY,              -- of an entry, or of one that is gone and had a message
    changes INTEGER NOT NULL DEFAULT 1      -- grows, so that a change while one is followed is seen
) STRICT, WITHOUT ROWID;

-- Servers whose entries may have to be hidden, shown again or posted: settings or blocks changed.
CREATE TABLE gallery_checks (
    guild_id INTEGER PRIMARY KEY,
    changes INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Its channel is gone from Discord: the entry stays in the gallery, without a message.
ALTER TABLE gallery_posts ADD COLUMN gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1));

-- We are taking it away: its deletion, which Discord tells us of, is not a moderator's.
ALTER TABLE gallery_posts ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0 CHECK (leaving IN (0, 1));

-- The one picture that the message shows; NULL: all of the job's.
ALTER TABLE gallery_watched ADD COLUMN picture_id TEXT REFERENCES pictures (id) ON DELETE CASCADE;

CREATE INDEX gallery_featured ON gallery_entries (guild_id, featured_at, number)
    WHERE featured_at IS NOT NULL;
CREATE INDEX gallery_waiting ON gallery_entries (guild_id, shared_at) WHERE state = 'waiting';

CREATE TRIGGER gallery_entry_changed
AFTER UPDATE OF state, votes, featured_at, rating ON gallery_entries
WHEN old.state = 'posted' OR new.state = 'posted' BEGIN
    INSERT INTO gallery_changes (entry_id) VALUES (new.id)
    ON CONFLICT (entry_id) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER gallery_entry_gone AFTER DELETE ON gallery_entries
WHEN EXISTS (SELECT 1 FROM gallery_posts WHERE entry_id = old.id) BEGIN
    INSERT INTO gallery_changes (entry_id) VALUES (old.id)
    ON CONFLICT (entry_id) DO UPDATE SET changes = changes + 1;
END;

CREATE TRIGGER gallery_guild_set AFTER INSERT ON guild_settings BEGIN
    INSERT INTO gallery_checks (guild_id) VALUES (new.guild_id)
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
    INSERT INTO gallery_guilds (guild_id, on_web) VALUES (new.guild_id, new.gallery_web)
    ON CONFLICT (guild_id) DO UPDATE SET on_web = excluded.on_web;
END;
CREATE TRIGGER gallery_guild_changed AFTER UPDATE ON guild_settings BEGIN
    INSERT INTO gallery_checks (guild_id) VALUES (new.guild_id)
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
    INSERT INTO gallery_guilds (guild_id, on_web) VALUES (new.guild_id, new.gallery_web)
    ON CONFLICT (guild_id) DO UPDATE SET on_web = excluded.on_web;
END;
CREATE TRIGGER gallery_guild_on_web AFTER UPDATE OF on_web ON gallery_guilds
WHEN old.on_web <> new.on_web BEGIN
    UPDATE gallery_entries SET on_web = new.on_web AND EXISTS
        (SELECT 1 FROM gallery_makers m WHERE m.user_id = maker_id AND m.on_web = 1)
    WHERE guild_id = new.guild_id;
END;

CREATE TRIGGER gallery_place_set AFTER INSERT ON place_settings BEGIN
    INSERT INTO gallery_checks (guild_id) VALUES (new.guild_id)
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER gallery_place_changed AFTER UPDATE ON place_settings BEGIN
    INSERT INTO gallery_checks (guild_id) VALUES (new.guild_id)
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER gallery_place_unset AFTER DELETE ON place_settings BEGIN
    INSERT INTO gallery_checks (guild_id) VALUES (old.guild_id)
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
END;

CREATE TRIGGER gallery_block_set AFTER INSERT ON blocks WHEN new.subject = 'user' BEGIN
    INSERT INTO gallery_checks (guild_id)
    SELECT DISTINCT guild_id FROM gallery_entries WHERE maker_id = new.subject_id
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER gallery_block_changed AFTER UPDATE ON blocks WHEN new.subject = 'user' BEGIN
    INSERT INTO gallery_checks (guild_id)
    SELECT DISTINCT guild_id FROM gallery_entries WHERE maker_id = new.subject_id
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER gallery_block_lifted AFTER DELETE ON blocks WHEN old.subject = 'user' BEGIN
    INSERT INTO gallery_checks (guild_id)
    SELECT DISTINCT guild_id FROM gallery_entries WHERE maker_id = old.subject_id
    ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1;
END;
