-- What the store knows of itself, to be held against the note that lies outside of it: one row. It has no mark until
-- something may first leave.
CREATE TABLE instance_note (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    -- The mark: how many-eth it is, its random word, and the word of the one before it.
    mark      INTEGER,
    nonce     TEXT,
    before    TEXT,
    -- Where the store was when it was marked: a digest of the machine, and the folder.
    machine   TEXT,
    folder    TEXT,
    -- Where the note lies.
    kept_in   TEXT,
    -- Why the store is suspected, until somebody lets it go on.
    suspicion TEXT CHECK (suspicion IS NULL OR suspicion = 'copied' OR suspicion = 'restored'),
    CHECK ((mark IS NULL) = (nonce IS NULL) AND (mark IS NULL) = (folder IS NULL) AND (mark IS NULL) = (kept_in IS NULL))
) STRICT;
INSERT INTO instance_note (id) VALUES (1);
