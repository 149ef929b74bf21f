-- Where an event of a consent came from. Personal data, like its evidence:
--   consent_events.origin, consent_events.wording, consent_events.ip
ALTER TABLE consent_events ADD COLUMN origin TEXT;
ALTER TABLE consent_events ADD COLUMN wording TEXT;
ALTER TABLE consent_events ADD COLUMN ip TEXT;

-- Why an address is suppressed: its contact had withdrawn, or was erased. The first comes back withdrawn,
-- the second does not come back.
ALTER TABLE suppressions ADD COLUMN kind TEXT NOT NULL DEFAULT 'withdrawn'
    CHECK (kind = 'withdrawn' OR kind = 'erased');

-- Contacts that were erased. The journal beside the database names them by the same public hash.
CREATE TABLE erasures (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    contact_id  INTEGER NOT NULL,
    public_hash BLOB NOT NULL UNIQUE,
    at          INTEGER NOT NULL
) STRICT;

-- What an audience is to be told of an erased contact: its member's address and id, sealed under the
-- store's key. Gone when the provider has answered that there is no such member any more.
CREATE TABLE erasure_members (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    erasure_id  INTEGER NOT NULL REFERENCES erasures (id),
    audience_id INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
    state       TEXT NOT NULL CHECK (state = 'owed' OR state = 'erased' OR state = 'absent'),
    sealed      BLOB CHECK ((sealed IS NULL) = (state <> 'owed')),
    reason      TEXT,
    answered_at INTEGER
) STRICT;
CREATE INDEX erasure_members_by_erasure ON erasure_members (erasure_id);
CREATE INDEX erasure_members_owed ON erasure_members (audience_id) WHERE state = 'owed';
