-- Consent for one list or one purpose, which narrows the consent as a whole.
--
-- No column here holds personal data: contacts are named by number, and addresses by a keyed hash. What goes
-- with an erasure is list_withdrawals, purpose_wills, and the address's scope_suppressions.

-- A purpose that was removed keeps its row and what contacts said for it: whoever adds one of that name again
-- finds it, so that removing and adding lifts no withdrawal.
CREATE TABLE purposes (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    label      TEXT NOT NULL,
    basis      TEXT NOT NULL
        CHECK (basis = 'consent' OR basis = 'legitimate-interest' OR basis = 'contract' OR basis = 'legal-obligation'),
    wording    TEXT,
    is_defined INTEGER NOT NULL DEFAULT 1
) STRICT;

-- What an event is about: one of the two, or neither for everything. The number of a deleted list stays.
ALTER TABLE consent_events ADD COLUMN list_id INTEGER;
ALTER TABLE consent_events ADD COLUMN purpose_id INTEGER;

-- The names that deleted lists had, for histories.
CREATE TABLE former_lists (
    list_id INTEGER PRIMARY KEY,
    name    TEXT NOT NULL
) STRICT;

-- The folds of consent_events by list and by purpose, where they are not as if nothing had happened: who
-- withdrew for a list, and what was said for a purpose.
CREATE TABLE list_withdrawals (
    list_id    INTEGER NOT NULL REFERENCES lists (id),
    contact_id INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    PRIMARY KEY (list_id, contact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX list_withdrawals_by_contact ON list_withdrawals (contact_id, list_id);

CREATE TABLE purpose_wills (
    purpose_id INTEGER NOT NULL REFERENCES purposes (id),
    contact_id INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    will       TEXT NOT NULL CHECK (will = 'pending' OR will = 'granted' OR will = 'withdrawn'),
    PRIMARY KEY (purpose_id, contact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX purpose_wills_by_contact ON purpose_wills (contact_id, purpose_id);

-- The same of contacts that were deleted or took another address, as suppressions are for the whole.
CREATE TABLE scope_suppressions (
    address_hash BLOB NOT NULL,
    list_id      INTEGER,
    purpose_id   INTEGER,
    at           INTEGER NOT NULL,
    CHECK ((list_id IS NULL) <> (purpose_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX scope_suppressions_once
    ON scope_suppressions (address_hash, coalesce(list_id, 0), coalesce(purpose_id, 0));

-- What a sync's contacts are written to for.
ALTER TABLE syncs ADD COLUMN purpose_id INTEGER REFERENCES purposes (id);

-- What a segment names, so that it is not removed under it.
CREATE TABLE segment_purposes (
    segment_id INTEGER NOT NULL REFERENCES segments (list_id) ON DELETE CASCADE,
    purpose_id INTEGER NOT NULL REFERENCES purposes (id),
    PRIMARY KEY (segment_id, purpose_id)
) STRICT, WITHOUT ROWID;

-- JSON: the names of the purposes for which an import states its grant.
ALTER TABLE imports ADD COLUMN purposes TEXT NOT NULL DEFAULT '[]';
