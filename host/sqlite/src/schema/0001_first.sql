-- The tables of one workspace.
--
-- Personal data stands in these columns and nowhere else, so that an erasure knows where to go
-- (invariant 11):
--   contacts.email, contacts.email_key, contacts.external_id, contacts.fields
--   entries.raw, entries.fault
--   consent_events.evidence
--   remote_members.address
-- Everything else names contacts by number; suppressions knows addresses by a keyed hash only.
--
-- Times are microseconds since 1970-01-01 in UTC. Words are those of the domain. Every table is
-- STRICT: a column holds what it says.

-- The store itself: exactly one row.
CREATE TABLE workspace (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    name       TEXT NOT NULL,
    instance   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- The last sequence number given out.
    sequence   INTEGER NOT NULL,
    -- What the right key file answers; tells a lost key from an exchanged one.
    key_check  BLOB NOT NULL
) STRICT;

CREATE TABLE fields (
    position INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    type     TEXT NOT NULL,
    label    TEXT NOT NULL
) STRICT;

-- AUTOINCREMENT: a number is never given out twice, so that outcomes and remote members of a
-- deleted contact can't be taken for another's.
CREATE TABLE contacts (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Time-ordered, so that its index grows at its end.
    public_hash    BLOB NOT NULL UNIQUE CHECK (length(public_hash) = 16),
    email          TEXT NOT NULL,
    email_key      TEXT NOT NULL UNIQUE,
    external_id    TEXT UNIQUE,
    -- JSON: the values by field name.
    fields         TEXT NOT NULL,
    -- The fold of consent_events; the two axes and what they show. The checks are written out,
    -- because IN builds a table of its words anew for every row that is written.
    will           TEXT NOT NULL
        CHECK (will = 'unknown' OR will = 'pending' OR will = 'granted' OR will = 'withdrawn'),
    deliverability TEXT NOT NULL CHECK (deliverability = 'usable' OR deliverability = 'unusable'),
    shown          TEXT NOT NULL
        CHECK (shown = 'unknown' OR shown = 'granted' OR shown = 'withdrawn' OR shown = 'pending'
               OR shown = 'unusable'),
    -- The sequence number of its last change.
    seq            INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE consent_events (
    id         INTEGER PRIMARY KEY,
    contact_id INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    at         INTEGER NOT NULL,
    act        TEXT NOT NULL,
    source     TEXT NOT NULL,
    evidence   TEXT
) STRICT;
CREATE INDEX consent_events_by_contact ON consent_events (contact_id, at);

-- Contacts that had withdrawn and were deleted: a hash of the address under the store's key, which
-- says nothing to anybody else. Whoever comes back under the address comes back withdrawn, so that
-- deleting and importing anew lifts no withdrawal (invariant 2).
CREATE TABLE suppressions (
    address_hash BLOB PRIMARY KEY,
    -- When the withdrawal was recorded to be in force: at the deletion.
    at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    -- The name in lower case: two spellings are one tag.
    name_key TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE contact_tags (
    contact_id INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    tag_id     INTEGER NOT NULL REFERENCES tags (id),
    PRIMARY KEY (contact_id, tag_id)
) STRICT, WITHOUT ROWID;

-- What moved, in order: one row per write that can change a plan. A row with a list and no contact
-- says that the list changed as a whole.
CREATE TABLE changes (
    seq        INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    contact_id INTEGER,
    list_id    INTEGER,
    at         INTEGER NOT NULL
) STRICT;

-- What happened: one row per use case or chunk, with the range of sequence numbers it took. The
-- payload names by number only.
CREATE TABLE events (
    id        INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    seq_first INTEGER NOT NULL,
    seq_last  INTEGER NOT NULL,
    payload   TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT;

-- A list shows its entries of the generations from first to last. An import writes a new generation
-- out of sight and moves the two numbers at one stroke.
CREATE TABLE lists (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    name             TEXT NOT NULL UNIQUE,
    -- 0 while only an unfinished import knows of it.
    shown            INTEGER NOT NULL DEFAULT 1,
    first_generation INTEGER NOT NULL DEFAULT 1,
    last_generation  INTEGER NOT NULL DEFAULT 1,
    next_generation  INTEGER NOT NULL DEFAULT 2,
    -- The highest position given out in the shown generations.
    last_position    INTEGER NOT NULL DEFAULT 0,
    -- Counts changes of what is shown.
    revision         INTEGER NOT NULL DEFAULT 0,
    -- A rolling hash of the shown entries in order; none after a removal.
    entries_hash     BLOB,
    created_at       INTEGER NOT NULL
) STRICT;

CREATE TABLE imports (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id       INTEGER REFERENCES lists (id) ON DELETE SET NULL,
    mode          TEXT NOT NULL CHECK (mode IN ('add', 'replace')),
    state         TEXT NOT NULL CHECK (state IN ('open', 'finished', 'abandoned')),
    file          TEXT NOT NULL,
    digest        TEXT NOT NULL,
    -- The stated basis of consent for every row; none if none was stated.
    evidence      TEXT,
    generation    INTEGER NOT NULL,
    -- The list as it was when the import began.
    base_revision INTEGER NOT NULL,
    base_position INTEGER NOT NULL,
    -- The position of the last entry that was staged.
    last_position INTEGER NOT NULL,
    entries_hash  BLOB,
    -- JSON: the sums so far.
    counts        TEXT NOT NULL,
    started_at    INTEGER NOT NULL,
    finished_at   INTEGER
) STRICT;

-- contact_id has no foreign key: an index that leads with it would cost every import more than
-- delete_contact, the only place that removes contacts, costs by going list by list.
CREATE TABLE entries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id    INTEGER NOT NULL REFERENCES lists (id),
    generation INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    contact_id INTEGER,
    -- The hash of the raw row and of how often it stood in the file before.
    entry_key  BLOB NOT NULL,
    -- JSON: why it has no contact.
    fault      TEXT,
    -- JSON: the cells of the row.
    raw        TEXT NOT NULL,
    joined_at  INTEGER NOT NULL,
    import_id  INTEGER,
    CHECK ((contact_id IS NULL) = (fault IS NOT NULL))
) STRICT;
-- The order of a list, for paging; also what a cleaning goes along.
CREATE INDEX entries_by_position ON entries (list_id, position, generation);
-- The first entry of a contact, and whether a contact is on a list.
CREATE INDEX entries_by_contact ON entries (list_id, contact_id, position, generation) WHERE contact_id IS NOT NULL;
-- Whether a row without a contact is on a list already.
CREATE INDEX entries_by_key ON entries (list_id, entry_key, generation) WHERE contact_id IS NULL;

CREATE TABLE plugins (
    id           TEXT PRIMARY KEY,
    version      TEXT NOT NULL,
    digest       TEXT NOT NULL,
    source       TEXT NOT NULL,
    approved     TEXT NOT NULL,
    installed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: the number is part of what a sealed secret is bound to.
CREATE TABLE accounts (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT NOT NULL UNIQUE,
    plugin          TEXT NOT NULL,
    auth_method     TEXT NOT NULL,
    -- JSON objects of texts.
    settings        TEXT NOT NULL,
    origins         TEXT NOT NULL,
    insecure_origin INTEGER NOT NULL,
    remote_name     TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

-- Nonce and ciphertext (XChaCha20-Poly1305), bound to account and slot.
CREATE TABLE account_secrets (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    slot       TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    PRIMARY KEY (account_id, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE audiences (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    remote_id  TEXT NOT NULL,
    name       TEXT NOT NULL,
    UNIQUE (account_id, remote_id)
) STRICT;

CREATE TABLE syncs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT NOT NULL UNIQUE,
    list_id         INTEGER NOT NULL REFERENCES lists (id),
    audience_id     INTEGER NOT NULL REFERENCES audiences (id),
    -- JSON: the mapping as written, and as resolved.
    pairs           TEXT NOT NULL,
    mapping         TEXT NOT NULL,
    newcomers       TEXT NOT NULL,
    tag             TEXT,
    -- The tag in lower case: one owner per audience, whatever the spelling.
    tag_key         TEXT,
    tag_is_own      INTEGER NOT NULL,
    breaker_percent INTEGER NOT NULL,
    tag_warning     TEXT,
    cursor          INTEGER NOT NULL DEFAULT 0,
    last_run        INTEGER,
    finished_runs   INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (audience_id, tag_key)
) STRICT;
CREATE INDEX syncs_by_list ON syncs (list_id);

-- What an audience confirmed of a contact. contact_id has no foreign key: a deleted contact's row
-- stays until its tags have come off (row A8). Without a hash, a status was seen and nothing of
-- ours was written; without a status either, the contact was sent and its answer is not known.
CREATE TABLE remote_members (
    audience_id  INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
    contact_id   INTEGER NOT NULL,
    remote_id    TEXT,
    status       TEXT,
    address      TEXT,
    hash         BLOB CHECK (hash IS NULL OR length(hash) = 16),
    -- JSON: the hashes of its fields, by remote field.
    base         TEXT NOT NULL,
    confirmed_at INTEGER NOT NULL,
    PRIMARY KEY (audience_id, contact_id)
) STRICT, WITHOUT ROWID;

-- What a sync remembers of a contact: a refusal that need not be repeated, and its tag.
CREATE TABLE sync_members (
    sync_id        INTEGER NOT NULL REFERENCES syncs (id) ON DELETE CASCADE,
    contact_id     INTEGER NOT NULL,
    memory_class   TEXT,
    memory_code    TEXT,
    memory_message TEXT,
    memory_attempt BLOB,
    tag_owned      TEXT,
    refused_change TEXT,
    refused_tag    TEXT,
    refused_reason TEXT,
    PRIMARY KEY (sync_id, contact_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    sync_id       INTEGER NOT NULL REFERENCES syncs (id) ON DELETE CASCADE,
    state         TEXT NOT NULL CHECK (state IN ('running', 'finished', 'stopped', 'interrupted')),
    started_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    plugin_digest TEXT NOT NULL,
    -- At most so many contacts are sent; none for no bound.
    first         INTEGER,
    -- The workspace's sequence number when it began.
    sequence      INTEGER NOT NULL,
    -- Entries that were unchanged, so far.
    unchanged     INTEGER NOT NULL DEFAULT 0,
    -- The number of its last outcome.
    last_outcome  INTEGER NOT NULL DEFAULT 0,
    -- JSON: its sums, once it has ended.
    summary       TEXT
) STRICT;
CREATE INDEX runs_by_sync ON runs (sync_id);

-- One row per entry that was not unchanged, and per contact that left. Names contacts by number.
CREATE TABLE outcomes (
    run_id          INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    entry_id        INTEGER,
    position        INTEGER NOT NULL,
    contact_id      INTEGER,
    class           TEXT,
    code            TEXT,
    message         TEXT,
    tag             TEXT,
    -- JSON: remote fields that were left out, each with the reason; none if there are none.
    left_out        TEXT,
    address_omitted INTEGER NOT NULL,
    PRIMARY KEY (run_id, row)
) STRICT, WITHOUT ROWID;
-- Which contacts of a run have an outcome, and of which class: the rest was unchanged.
CREATE INDEX outcomes_by_contact ON outcomes (run_id, contact_id, class);
