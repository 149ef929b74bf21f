-- What changed about contacts, and who changed it. Personal data stands in contact_changes.changed; it goes
-- with the contact.
CREATE TABLE contact_changes (
    id         INTEGER PRIMARY KEY,
    contact_id INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    at         INTEGER NOT NULL,
    source     TEXT NOT NULL,
    -- JSON: the places, each with what stood there and what stands there now.
    changed    TEXT NOT NULL
) STRICT;
CREATE INDEX contact_changes_by_contact ON contact_changes (contact_id, at);
