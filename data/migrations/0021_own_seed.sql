-- The seed that a person draws with wherever they name none. NULL: a random one for each picture.

ALTER TABLE user_defaults ADD COLUMN seed INTEGER CHECK (seed BETWEEN 0 AND 4294967295);
