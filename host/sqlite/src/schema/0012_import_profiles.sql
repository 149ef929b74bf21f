-- How files of one system are read: saved, so that the next file needs no word. It names columns and places,
-- and no person.
CREATE TABLE import_profiles (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    -- JSON: the profile, which only the reading of files understands.
    profile    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
