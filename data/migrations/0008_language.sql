-- The language of what everybody on a server reads; NULL: as Discord says.
ALTER TABLE guild_settings ADD COLUMN language TEXT CHECK (length(language) BETWEEN 2 AND 10);
