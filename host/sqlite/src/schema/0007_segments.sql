-- Segments: saved filters over contacts, and what campaigns did.
--
-- Personal data may stand in segments.condition: an operator can write an address or a name into a
-- segment. An erasure that searches for a person's data looks there too. activity names contacts by
-- number, and goes with them.

-- A segment is kept beside the list that its syncs read: the list has the segment's name, is never
-- shown, and holds the members that were gathered last. So names are unique over both, and everything
-- behind a sync's list works for segments as it does for lists. Predefined segments get a row when the
-- first sync takes them; their condition is the program's.
CREATE TABLE segments (
    list_id      INTEGER PRIMARY KEY REFERENCES lists (id) ON DELETE CASCADE,
    -- JSON: the tree.
    condition    TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    refreshed_at INTEGER
) STRICT;

-- What a segment names, so that it is not deleted under it.
CREATE TABLE segment_lists (
    segment_id INTEGER NOT NULL REFERENCES segments (list_id) ON DELETE CASCADE,
    list_id    INTEGER NOT NULL REFERENCES lists (id),
    PRIMARY KEY (segment_id, list_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_lists_by_list ON segment_lists (list_id);

CREATE TABLE segment_syncs (
    segment_id INTEGER NOT NULL REFERENCES segments (list_id) ON DELETE CASCADE,
    sync_id    INTEGER NOT NULL REFERENCES syncs (id),
    PRIMARY KEY (segment_id, sync_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_syncs_by_sync ON segment_syncs (sync_id);

-- What happened between campaigns and contacts, as providers tell it.
CREATE TABLE activity (
    contact_id INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL
        CHECK (kind = 'sent' OR kind = 'opened' OR kind = 'clicked' OR kind = 'bounced'),
    -- The campaign's name at the provider.
    campaign   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (contact_id, kind, campaign, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_by_kind ON activity (kind, at, contact_id);
CREATE INDEX activity_by_campaign ON activity (campaign, kind, at, contact_id);

-- Who bears a tag.
CREATE INDEX contact_tags_by_tag ON contact_tags (tag_id, contact_id);

-- The rare states of consent: few rows, so that keeping them costs an import nothing.
CREATE INDEX contacts_pending ON contacts (id) WHERE shown = 'pending';
CREATE INDEX contacts_unusable ON contacts (id) WHERE shown = 'unusable';
