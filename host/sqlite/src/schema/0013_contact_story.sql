-- The story of a contact: what its row cannot tell by itself any more.
--
-- What a single write does to a contact is a row of contact_changes: a change of its data, a list joined or
-- left, a tag taken off, a merge. What an import does to many stands once for all of them.

-- What contact_changes.changed holds: for 'changed' the places, for all others what happened.
ALTER TABLE contact_changes ADD COLUMN kind TEXT NOT NULL DEFAULT 'changed';
-- The number of the contact that it happened to, where that one was merged into this one.
ALTER TABLE contact_changes ADD COLUMN former INTEGER;

-- When a tag was put on; none for those of before.
ALTER TABLE contact_tags ADD COLUMN at INTEGER;

-- The contacts that an import's file has, as a compressed set of numbers: who joined and who left a list by
-- its imports is worked out from these. An import that left its list as it was has none.
CREATE TABLE import_contacts (
    import_id INTEGER PRIMARY KEY REFERENCES imports (id),
    contacts  BLOB NOT NULL
) STRICT;

-- A change of an import bears the moment at which the import began, which names the import.
CREATE INDEX imports_by_start ON imports (started_at);
CREATE INDEX imports_by_list ON imports (list_id, started_at);

-- The place of a list among the lists, as the operator set it. Lists that were there before stand in the
-- order of their names, in which they were shown; a new one comes last.
ALTER TABLE lists ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
UPDATE lists SET place = (SELECT count(*) FROM lists other WHERE other.name <= lists.name);

-- Choices of fields that got another value, and how far contacts have followed.
CREATE TABLE choice_renames (
    id      INTEGER PRIMARY KEY,
    field   TEXT NOT NULL,
    value   TEXT NOT NULL,
    becomes TEXT NOT NULL,
    at      INTEGER NOT NULL,
    -- Contacts up to this number are done.
    passed  INTEGER NOT NULL DEFAULT 0,
    is_done INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The contacts that followed, for their history: a compressed set for each unit.
CREATE TABLE choice_followers (
    rename_id INTEGER NOT NULL REFERENCES choice_renames (id),
    passed    INTEGER NOT NULL,
    contacts  BLOB NOT NULL,
    PRIMARY KEY (rename_id, passed)
) STRICT, WITHOUT ROWID;

-- Names that a contact had before it was merged into another. Personal data stands in email and email_key;
-- the row goes with the contact. Without an address, that is the contact's own again.
CREATE TABLE contact_aliases (
    id          INTEGER PRIMARY KEY,
    contact_id  INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    public_hash BLOB NOT NULL UNIQUE CHECK (length(public_hash) = 16),
    email       TEXT,
    email_key   TEXT UNIQUE,
    at          INTEGER NOT NULL,
    CHECK ((email IS NULL) = (email_key IS NULL))
) STRICT;
CREATE INDEX contact_aliases_by_contact ON contact_aliases (contact_id);
