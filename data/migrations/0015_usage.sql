-- All that `/moderate usage` counts, so that it reads the index alone. (SQLite asks for `state`, too.)

CREATE INDEX jobs_finished_in_guild
    ON jobs (guild_id, accepted_at, user_id, pictures, private, state) WHERE state = 'finished';
