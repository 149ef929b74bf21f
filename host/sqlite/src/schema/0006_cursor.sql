-- Discovery by what moved: what a sync saw when it last looked, and which members moved since. Neither
-- table holds personal data: contacts are named by number.

-- What a sync knows of its list: who needed nothing at a sequence number.
CREATE TABLE sync_pictures (
    sync_id       INTEGER PRIMARY KEY REFERENCES syncs (id) ON DELETE CASCADE,
    -- Up to here it has seen everything.
    sequence      INTEGER NOT NULL,
    -- What the decisions were made from.
    settings      BLOB NOT NULL CHECK (length(settings) = 16),
    plugin_digest TEXT NOT NULL,
    -- When every entry was last compared.
    compared_at   INTEGER NOT NULL,
    -- Sets of contacts (portable roaring treemaps): with one entry, which needs nothing; those among
    -- them that the audience confirmed; and those to be looked at each time.
    settled       BLOB NOT NULL,
    members       BLOB NOT NULL,
    open          BLOB NOT NULL
) STRICT;

-- What moved at an audience, in the order of changes and under numbers of the same counter: one row
-- per batch of a run, whichever sync's.
CREATE TABLE member_changes (
    seq         INTEGER PRIMARY KEY,
    audience_id INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
    -- A set of contacts.
    contacts    BLOB NOT NULL
) STRICT;
CREATE INDEX member_changes_by_audience ON member_changes (audience_id, seq);
-- Rows that every sync of an audience has seen are removed; behind this number all of them are there.
ALTER TABLE audiences ADD COLUMN changes_kept_after INTEGER NOT NULL DEFAULT 0;

-- The cursor stands with the picture that it belongs to.
ALTER TABLE syncs DROP COLUMN cursor;
