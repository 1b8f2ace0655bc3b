-- What a server adds to every negative prompt.

ALTER TABLE guild_settings ADD COLUMN negative_prompt TEXT NOT NULL DEFAULT ''
    CHECK (length(negative_prompt) <= 500);
