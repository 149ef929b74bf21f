-- The intent ledger: every effect that is to happen at a provider, and exactly how far it got.
--
-- Personal data stands in intents.want, .message and .evidence, and in intent_history.evidence. A want goes as
-- soon as nothing will be sent of it, and all of them with the contact. Everything else names contacts by number:
-- effect_key and target too.

-- AUTOINCREMENT: a number is never given out twice, since people and providers may know it.
CREATE TABLE intents (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The business act: planned twice, it happens once.
    effect_key   TEXT NOT NULL UNIQUE,
    account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- No foreign key: an opt-out outlives its contact.
    contact_id   INTEGER,
    kind         TEXT NOT NULL,
    delivery     TEXT NOT NULL,
    -- The place of its class in the order of serving; 0 is an opt-out.
    class        INTEGER NOT NULL,
    target       TEXT NOT NULL,
    list_id      INTEGER,
    purpose_id   INTEGER REFERENCES purposes (id),
    state        TEXT NOT NULL
        CHECK (state = 'planned' OR state = 'claimed' OR state = 'armed' OR state = 'done' OR state = 'rejected'
               OR state = 'in-doubt' OR state = 'cancelled' OR state = 'expired' OR state = 'abandoned'),
    want         TEXT,
    -- The sequence number as of which it was worked out.
    based_on     INTEGER NOT NULL,
    planned_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    valid_until  INTEGER,
    -- How often it was tried in vain, and how often the program ended under it.
    attempts     INTEGER NOT NULL DEFAULT 0,
    crashes      INTEGER NOT NULL DEFAULT 0,
    -- Who claimed it, and by which takeover of the lane. They stay while it is armed and in doubt.
    owner        TEXT,
    epoch        INTEGER,
    armed_at     INTEGER,
    -- By which key the provider knows it, since when, and for how many seconds.
    provider_key TEXT,
    key_since    INTEGER,
    key_life     INTEGER,
    request_hash BLOB CHECK (request_hash IS NULL OR length(request_hash) = 16),
    doubt_since  INTEGER,
    ended_at     INTEGER,
    -- Why it stands so: a word, and what somebody said.
    reason       TEXT,
    message      TEXT,
    evidence     TEXT,
    CHECK ((state = 'in-doubt') = (doubt_since IS NOT NULL)),
    CHECK ((provider_key IS NULL) = (key_since IS NULL) AND (provider_key IS NULL) = (key_life IS NULL))
) STRICT;
-- What is due, in the order of serving.
CREATE INDEX intents_to_claim ON intents (account_id, class, due_at, id) WHERE state = 'planned';
CREATE INDEX intents_by_contact ON intents (contact_id);
CREATE INDEX intents_by_account ON intents (account_id, state, id);
CREATE INDEX intents_by_state ON intents (state, id);
CREATE INDEX intents_to_expire ON intents (valid_until) WHERE valid_until IS NOT NULL AND ended_at IS NULL;
CREATE INDEX intents_to_clear ON intents (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX intents_opting_out ON intents (planned_at, account_id) WHERE class = 0 AND ended_at IS NULL;

-- What happened to doubts: when they began, and who ended them on what ground.
CREATE TABLE intent_history (
    id        INTEGER PRIMARY KEY,
    intent_id INTEGER NOT NULL REFERENCES intents (id) ON DELETE CASCADE,
    at        INTEGER NOT NULL,
    what      TEXT NOT NULL,
    by        TEXT,
    evidence  TEXT
) STRICT;
CREATE INDEX intent_history_by_intent ON intent_history (intent_id, id);

-- Who works on an account's intents.
CREATE TABLE lanes (
    account_id INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    owner      TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    taken_at   INTEGER NOT NULL
) STRICT;

-- What stops intents, opt-outs apart: those of an account, or without one all of them.
CREATE TABLE halts (
    id         INTEGER PRIMARY KEY,
    stop       TEXT NOT NULL CHECK (stop = 'hold' OR stop = 'pause' OR stop = 'breaker'),
    account_id INTEGER REFERENCES accounts (id) ON DELETE CASCADE,
    why        TEXT NOT NULL,
    at         INTEGER NOT NULL,
    CHECK ((stop = 'hold') = (account_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX halts_once ON halts (coalesce(account_id, 0), stop);

-- The keys of messages that were cleared away: what was sent once is not planned again.
CREATE TABLE spent_effects (
    effect_key TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
