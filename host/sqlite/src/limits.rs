//! The bounds of this adapter and its timeouts, each with its reason.

use std::time::Duration;

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
/// How many readers work at a time: enough for a run, a report and a page beside each other.
pub(crate) const READERS: usize = 4;
/// The page cache of the writer, in KiB. 48 MB hold the upper levels of every index of a store with a
/// million contacts, where an import reaches anywhere.
pub(crate) const WRITER_CACHE_KIBIBYTES: i64 = 48 * 1_024;
/// The page cache of each reader, in KiB. Readers go along tables from one end to the other, and what
/// they come back to lies in the system's own cache.
pub(crate) const READER_CACHE_KIBIBYTES: i64 = 4 * 1_024;
/// The log is moved into the database after this many pages (64 MB): larger steps halve the cost of
/// an import compared with the default of 1,000.
pub(crate) const WRITER_CHECKPOINT_PAGES: i64 = 16_384;
/// Past this size the log is cut back to nothing at the next chance.
pub(crate) const LOG_BYTES_BEFORE_TRUNCATE: u64 = 256 * 1_024 * 1_024;
/// Prepared statements kept per connection: all that the adapter has.
pub(crate) const STATEMENTS_KEPT: usize = 128;
/// Rows that are cleared away in one unit, so that other writes get in between.
pub(crate) const ROWS_CLEARED_AT_ONCE: u32 = 5_000;
/// Members of a segment that are staged in one unit.
pub(crate) const MEMBERS_STAGED_AT_ONCE: usize = 1_000;
/// Members of a segment that one unit takes out, before everybody is staged anew instead.
pub(crate) const MEMBERS_TAKEN_OUT_AT_ONCE: u64 = 1_000;
/// How many rows lead to their contacts rather than being asked for by each contact. Gathering so many
/// numbers takes a few milliseconds, and asking all of a million contacts a second.
pub(crate) const NARROW_ROWS: i64 = 50_000;
/// Over how many contacts an index is built unasked: a unit of the usual length.
pub(crate) const CONTACTS_INDEXED_AT_ONCE: u64 = 25_000;
/// Joins and leaves that get a change row each when an import finishes. Beyond, one row says that
/// the list changed as a whole: whoever follows changes then compares the list, which is cheaper.
pub(crate) const MEMBERSHIPS_NAMED: u64 = 5_000;
/// Characters of a raw row that stand in for a missing address.
pub(crate) const RAW_SHOWN_CHARS: usize = 80;
