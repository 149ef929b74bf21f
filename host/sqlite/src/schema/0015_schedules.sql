-- What happens by itself: schedules of syncs, timers, and those who follow the log of events.
--
-- No column here holds personal data: payloads name contacts by number.

-- When a sync runs by itself.
CREATE TABLE schedules (
    sync_id   INTEGER PRIMARY KEY REFERENCES syncs (id) ON DELETE CASCADE,
    -- JSON: the reasons for which it runs.
    triggers  TEXT NOT NULL,
    -- Since when it is paused; none if it is not.
    paused_at INTEGER,
    -- The instant up to which every tick is settled.
    settled   INTEGER NOT NULL,
    set_at    INTEGER NOT NULL
) STRICT;

-- The ticks that were taken. The key is what keeps one from being taken twice.
CREATE TABLE schedule_ticks (
    sync_id     INTEGER NOT NULL REFERENCES syncs (id) ON DELETE CASCADE,
    -- The time that it stands for.
    tick        INTEGER NOT NULL,
    taken_at    INTEGER NOT NULL,
    finished_at INTEGER,
    -- JSON: what became of it; none while somebody is at work on it.
    outcome     TEXT,
    PRIMARY KEY (sync_id, tick),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_ticks_at_work ON schedule_ticks (sync_id, tick) WHERE outcome IS NULL;

-- AUTOINCREMENT: whoever has done a timer that was set anew meanwhile must not end the new one.
CREATE TABLE timers (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    key      TEXT NOT NULL UNIQUE,
    kind     TEXT NOT NULL,
    -- JSON.
    payload  TEXT NOT NULL,
    due_at   INTEGER NOT NULL,
    -- When it may be claimed: when it is due, or when the claim on it runs out.
    ready_at INTEGER NOT NULL,
    -- Who has claimed it last.
    owner    TEXT,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
-- What is due, the longest first. A claim moves a timer back in it, so that nobody walks over what others have.
CREATE INDEX timers_by_ready ON timers (ready_at, id);
-- What a dead owner left.
CREATE INDEX timers_by_owner ON timers (owner) WHERE owner IS NOT NULL;

-- How far those who follow the log have read.
CREATE TABLE event_cursors (
    name     TEXT PRIMARY KEY,
    -- The number of the last event that it has passed; 0 before the first.
    passed   INTEGER NOT NULL,
    moved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
