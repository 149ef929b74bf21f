-- Until when a provider asked not to be called, by origin: it holds over the end of the process.
CREATE TABLE origin_pauses (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    origin     TEXT NOT NULL,
    until      INTEGER NOT NULL,
    PRIMARY KEY (account_id, origin)
) STRICT, WITHOUT ROWID;

-- When the next intent is due that no run carries out: it is asked for after every commit.
CREATE INDEX intents_next ON intents (due_at) WHERE state = 'planned' AND run_id IS NULL;
