-- What each picture of a job counts towards limits, in hundredths of a picture: drafts count as less
-- than one. All earlier pictures count as whole ones.

ALTER TABLE quota_uses ADD COLUMN cost INTEGER NOT NULL DEFAULT 100 CHECK (cost BETWEEN 1 AND 100);

-- The speed at which a person's requests are drawn where they say none, and those of a server's
-- members who chose none. NULL: not chosen.

ALTER TABLE user_defaults ADD COLUMN speed TEXT;

ALTER TABLE guild_settings ADD COLUMN default_speed TEXT;
