-- An import that goes on where it stopped.
--
-- One more column holds personal data: import_refused.raw, the cells of rows that an import could not
-- take. It is empty but for imports that are open.

-- What tells one way of reading a file from another: columns, places, encoding. An import is taken up
-- only by one that reads the same file in the same way.
ALTER TABLE imports ADD COLUMN reading TEXT NOT NULL DEFAULT '';
-- Rows of the file that are done, the refused ones included.
ALTER TABLE imports ADD COLUMN rows_done INTEGER NOT NULL DEFAULT 0;
-- So many shown entries of the list, from the first on, stand in the file as they stand in the list.
-- They are not staged.
ALTER TABLE imports ADD COLUMN agreed INTEGER NOT NULL DEFAULT 0;
-- None as long as everything agrees. Afterwards: so many of the agreed entries are staged after all.
ALTER TABLE imports ADD COLUMN copied INTEGER;
-- Where in the list the next row is expected.
ALTER TABLE imports ADD COLUMN expected INTEGER NOT NULL DEFAULT 1;

-- What was open until now kept what it had seen in memory: nobody can take it up.
UPDATE imports SET state = 'abandoned' WHERE state = 'open';
CREATE INDEX imports_open ON imports (list_id) WHERE state = 'open';

-- The contacts that an open import has met, by number: a compressed set for each unit of rows.
CREATE TABLE import_seen (
    import_id INTEGER NOT NULL REFERENCES imports (id),
    -- The rows that were done before the unit.
    rows_done INTEGER NOT NULL,
    contacts  BLOB NOT NULL,
    PRIMARY KEY (import_id, rows_done)
) STRICT, WITHOUT ROWID;

-- The contacts that an open import made before it came to their rows: a compressed set for each unit.
CREATE TABLE import_made (
    import_id INTEGER NOT NULL REFERENCES imports (id),
    unit      INTEGER NOT NULL,
    contacts  BLOB NOT NULL,
    PRIMARY KEY (import_id, unit)
) STRICT, WITHOUT ROWID;

-- How often an open import met a raw row that was no contact's first.
CREATE TABLE import_repeats (
    import_id INTEGER NOT NULL REFERENCES imports (id),
    row_hash  BLOB NOT NULL,
    times     INTEGER NOT NULL,
    PRIMARY KEY (import_id, row_hash)
) STRICT, WITHOUT ROWID;

-- The rows that an open import could not take.
CREATE TABLE import_refused (
    import_id INTEGER NOT NULL REFERENCES imports (id),
    line      INTEGER NOT NULL,
    reason    TEXT NOT NULL,
    -- JSON: the cells of the row.
    raw       TEXT NOT NULL,
    PRIMARY KEY (import_id, line)
) STRICT, WITHOUT ROWID;

-- Which contacts changed after a sequence number. Contacts that an import wrote have no row in
-- changes: their own number tells.
CREATE INDEX contacts_by_seq ON contacts (seq);
