-- Links to the page where a part of a picture is painted to be redrawn. `key` is the SHA-256 (hex) of
-- what the address holds. `origin` says where the button was pressed; the job is accepted as from there.
CREATE TABLE paint_links (
    key TEXT PRIMARY KEY,
    picture_id TEXT NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    origin TEXT NOT NULL CHECK (json_valid(origin)),
    expires_at REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX paint_links_of_picture ON paint_links (picture_id);
CREATE INDEX paint_links_of_user ON paint_links (user_id);
