-- Lists of words that a server's moderators made for `__name__` in prompts. `name` is its key: lower case, `_` for
-- blanks and hyphens. `entries`: its texts, as a JSON list.
CREATE TABLE guild_wildcards (
    guild_id INTEGER NOT NULL,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    entries TEXT NOT NULL CHECK (json_valid(entries)),
    PRIMARY KEY (guild_id, name)
) STRICT, WITHOUT ROWID;
