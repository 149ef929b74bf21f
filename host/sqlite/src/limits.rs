//! The bounds of this adapter and its timeouts, each with its reason.

use std::time::{Duration, Instant};

use crate::writer::Waiting;

/// How long a connection waits for a lock. There is one writer, so this only ever covers the moment
/// in which another process opens or closes the file.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the writer goes without work before it moves the log into the database.
pub(crate) const IDLE_BEFORE_CHECKPOINT: Duration = Duration::from_secs(1);
/// How long a group of writes may grow before it is committed: an opt-out behind it waits this long.
pub(crate) const GROUP_TIME: Duration = Duration::from_millis(20);
/// How many writes share one commit. Beyond a few hundred, the cost of a commit no longer shows.
pub(crate) const GROUP_WRITES: usize = 256;
/// How many writes may wait for the writer before callers wait too.
pub(crate) const WRITES_WAITING: usize = 1_024;
/// How many readers share a long read, and how many such reads there are at a time: enough for a run, a report and a page
/// beside each other.
pub(crate) const READERS: usize = 4;
/// So many more are kept for what is short: what a bulk run reads for long is read by threads that stand back.
pub(crate) const READERS_FOR_SHORT: usize = 2;
/// The page cache of the writer, in KiB. 48 MB hold the upper levels of every index of a store with a
/// million contacts, where an import reaches anywhere.
pub(crate) const WRITER_CACHE_KIBIBYTES: i64 = 48 * 1_024;
/// The page cache of each reader, in KiB. Readers go along tables from one end to the other, and what
/// they come back to lies in the system's own cache.
pub(crate) const READER_CACHE_KIBIBYTES: i64 = 4 * 1_024;
/// The log is moved into the database after this many pages (64 MB), and from then on with each commit of a bulk: a page
/// that changed several times in them is written once.
pub(crate) const LOG_PAGES_BEFORE_CHECKPOINT: i64 = 16_384;
/// And after so many (8 MB) where anybody waited for one of its writes: whoever commits while the disk takes the pages
/// waits for them too. With 64 MB seven of 4,066 single writes beside an import waited for more than 100 ms; with 16 MB none
/// of 7,419 on a good evening, and one of 3,773 on a slow one; with 8 MB none of 3,638 on that. Where nobody did, a unit
/// waits for a long log to begin anew when so few are left: an import waits half as long as for a log of 128 MB.
pub(crate) const LOG_PAGES_PORTION: i64 = 2_048;
/// A log of so many pages (128 MB), and of 64 MB more after each wait, begins anew before more than single writes are added,
/// however much of it is left.
pub(crate) const LOG_PAGES_AT_MOST: i64 = 32_768;
/// So few pages (1 MB) the writer moves itself, so that a long log begins anew: of four times as many, single writes beside
/// an import waited for more than 100 ms.
pub(crate) const LOG_PAGES_LEFT: i64 = 256;
/// So many pages (256 KB) are written between two tries of the writer.
pub(crate) const LOG_PAGES_BETWEEN_TRIES: i64 = 64;
/// How long a long unit waits between two looks whether a long log has begun anew.
pub(crate) const LOG_LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often it looks: for a second, and then goes on. A reader may hold the log for longer.
pub(crate) const LOG_LOOKS: u32 = 200;
/// After so many looks (50 ms) it is tried again to move it: what held it may have ended.
pub(crate) const LOG_LOOKS_BETWEEN_PASSES: u32 = 10;
/// How often the log is moved until so few are left: the second time takes what was written during the first, and
/// by the fourth a writer that never rests is too quick for it.
pub(crate) const LOG_PASSES: u32 = 4;
/// Past this size the log is cut back to nothing when nobody has written for a while.
pub(crate) const LOG_BYTES_BEFORE_TRUNCATE: u64 = 256 * 1_024 * 1_024;
/// Prepared statements kept per connection: all that the adapter has.
pub(crate) const STATEMENTS_KEPT: usize = 208;
/// Rows that an import writes in one unit while nobody waits: the more rows share a page of an index that
/// each of them falls on anywhere, the fewer pages are written. Between 2,000 and 8,000 rows commits take half,
/// and with 16,000 an import takes a tenth less than with 8,000; with more, nothing less.
const IMPORT_UNIT_ROWS: usize = 16_000;
/// How long a unit of an import takes rows on a slow or busy machine.
const IMPORT_UNIT_TIME: Duration = Duration::from_millis(400);
/// Rows between two looks at the clock and at who waits: a millisecond.
const IMPORT_ROWS_BETWEEN_LOOKS: usize = 64;
/// Rows that a unit takes whatever the clock says and whoever waits: 12 ms when the machine is idle. With
/// fewer, an import on a busy machine, or beside many single writes, would do little but commit.
const IMPORT_ROWS_AT_LEAST: usize = 512;
/// So many rows of a batch are looked up to tell whether its contacts are new.
pub(crate) const IMPORT_SAMPLE: usize = 32;
/// Fewer rows than these are written in the file's order: too few lie side by side in an index.
pub(crate) const IMPORT_SORTED_ROWS: usize = 4_000;
/// Rows that an import writes by one statement: what the statement takes hardly shows beside so many, and the pages that
/// they fall on, of which SQLite keeps copies until it ends, are a few dozen.
pub(crate) const ROWS_WRITTEN_AT_ONCE: usize = 32;
/// Entries that an import copies from one generation to the next in one unit.
pub(crate) const ENTRIES_COPIED_AT_ONCE: i64 = 2_000;
/// Rows that are cleared away in one unit, so that other writes get in between: 10 µs each.
pub(crate) const ROWS_CLEARED_AT_ONCE: u32 = 2_000;
/// Contacts that are looked through in one unit for a choice that got another value: a microsecond or two each.
pub(crate) const CONTACTS_SEARCHED_AT_ONCE: i64 = 10_000;
/// Contacts that follow such a choice in one unit: 20 µs each.
pub(crate) const CONTACTS_FOLLOWING_AT_ONCE: u32 = 1_000;
/// Members of a segment that are staged in one unit.
pub(crate) const MEMBERS_STAGED_AT_ONCE: usize = 1_000;
/// Members of a segment that one unit takes out, before everybody is staged anew instead.
pub(crate) const MEMBERS_TAKEN_OUT_AT_ONCE: u64 = 1_000;
/// How many rows lead to their contacts rather than being asked for by each contact. Gathering so many
/// numbers takes a few milliseconds, and asking all of a million contacts a second.
pub(crate) const NARROW_ROWS: i64 = 50_000;
/// How many numbers of an index are walked for each contact that is known already, before these contacts are
/// looked up instead. A number takes 0.13 µs and a contact 2.7 µs, so that what was walked in vain is a fifth
/// of the work.
pub(crate) const NUMBERS_PER_CONTACT: u64 = 4;
/// Numbers that indexes are walked for before one of them is known to be narrow: half a millisecond each.
pub(crate) const NUMBERS_WALKED_FIRST: u64 = 4_096;
/// From so many contacts on, a comparison asks whether the members of an audience are walked beside them.
pub(crate) const CONTACTS_WALKED_AT_LEAST: i64 = 1_000;
/// So many members are walked for each entry at most: one that is passed in vain takes a third of a search.
pub(crate) const MEMBERS_WALKED_FOR_EACH: i64 = 3;
/// Over how many contacts an index is built unasked: a unit of the usual length.
pub(crate) const CONTACTS_INDEXED_AT_ONCE: u64 = 25_000;
/// Joins and leaves that get a change row each when an import finishes. Beyond, one row says that
/// the list changed as a whole: whoever follows changes then compares the list, which is cheaper.
pub(crate) const MEMBERSHIPS_NAMED: u64 = 5_000;
/// Contacts whose digests are compared at a time when an older database catches up with its erasures.
pub(crate) const CONTACTS_DIGESTED_AT_ONCE: u32 = 10_000;
/// Sequence numbers that a run follows to find who moved. Beyond, reading them takes as long as comparing
/// a small list, and much of a large one has moved.
pub(crate) const NUMBERS_FOLLOWED: i64 = 100_000;
/// Characters of a raw row that stand in for a missing address.
pub(crate) const RAW_SHOWN_CHARS: usize = 80;

/// How many more rows a unit of an import takes.
pub(crate) struct UnitBound {
    waiting: Waiting,
    began: Instant,
    rows: usize,
}

impl UnitBound {
    /// Begins a unit.
    pub(crate) fn begin(waiting: Waiting) -> Self {
        Self { waiting, began: Instant::now(), rows: 0 }
    }

    /// Whether there is room for one more row, which is then counted.
    pub(crate) fn has_room(&mut self) -> bool {
        let is_look = self.rows >= IMPORT_ROWS_AT_LEAST && self.rows.is_multiple_of(IMPORT_ROWS_BETWEEN_LOOKS);
        let is_full = self.rows >= IMPORT_UNIT_ROWS
            || (is_look && (self.waiting.is_any() || self.began.elapsed() >= IMPORT_UNIT_TIME));
        self.rows += usize::from(!is_full);
        !is_full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_of(mut bound: UnitBound) -> usize {
        (0..).take_while(|_| bound.has_room()).count()
    }

    #[test]
    fn a_unit_of_an_import_is_bounded_in_rows_and_ends_sooner_when_somebody_waits() {
        let free = rows_of(UnitBound::begin(Waiting::default()));
        assert!((IMPORT_ROWS_AT_LEAST..=IMPORT_UNIT_ROWS).contains(&free), "{free}");
        assert_eq!(rows_of(UnitBound::begin(Waiting::of(1))), IMPORT_ROWS_AT_LEAST);
    }
}
