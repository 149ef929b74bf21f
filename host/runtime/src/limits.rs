//! Every limit of the runtime in one table, each with its reason.
//!
//! A plugin is somebody else's program: invariant 6 says that it cannot outlive its budget of time,
//! memory, host calls and bytes. What one job may use is a [`JobLimits`] value, so that a caller can
//! be stricter; what a plugin may be at all is a constant.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The largest component that is loaded, in bytes. Rust plugins measure 0.1 to 0.6 MB, Python ones
/// 18 MB. It is held in memory whole, and no compiler is even asked beyond it.
pub const MAX_COMPONENT_BYTES: usize = 32 << 20;

/// The time between two epoch ticks, and so how exactly CPU budgets hold and how long one guest can
/// keep a thread from the others. A tick costs one atomic add.
pub(crate) const EPOCH_TICK: Duration = Duration::from_millis(10);

/// The most CPU that the two runs of `describe` get each: it builds one record.
pub(crate) const DESCRIBE_CPU: Duration = Duration::from_secs(2);

/// The most wall time that one run of `describe`, or one trial instantiation, gets. It has nothing
/// to wait for.
pub(crate) const DESCRIBE_WALL: Duration = Duration::from_secs(10);

/// The most random bytes that one call hands out. Keys and ids need tens.
pub(crate) const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// How fine the guest's monotonic clock is. A coarse clock is of little use for measuring what the
/// host keeps in its caches.
pub(crate) const CLOCK_RESOLUTION: Duration = Duration::from_millis(1);

/// The most entries of a list in `describe`: settings, slots, origins, composite fields and so on.
pub(crate) const MAX_DESCRIPTION_ENTRIES: usize = 100;

/// The longest id, label of an origin, or name in `describe`, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 64;

/// The longest sentence in `describe` and in an answer, in bytes. Longer ones are cut: they are
/// shown to people, one line each.
pub(crate) const MAX_TEXT_BYTES: usize = 1_024;

/// The largest batch that a plugin may declare. One call stays below about 2 MB either way.
pub(crate) const MAX_BATCH: u32 = 1_000;

/// The highest concurrency that a plugin may declare. No provider allows more for one account.
pub(crate) const MAX_CONCURRENCY: u32 = 64;

/// The highest rate that a plugin may declare, in requests per second.
pub(crate) const MAX_REQUESTS_PER_SECOND: u32 = 1_000;

/// The HTTP statuses of which a plugin may say that nothing was done. What succeeded or leads
/// elsewhere can't be among them.
pub(crate) const NOT_PROCESSED: RangeInclusive<u16> = 400..=599;

/// How late a provider may show what it took, in seconds, for its silence to mean anything: no sooner than a request that
/// broke off may still be under way there, and sooner than a doubt is given up, which is after three days.
pub(crate) const SHOWN_AFTER_S: RangeInclusive<u64> = 60..=2 * 24 * 60 * 60;

/// The longest time for which a plugin may say that its provider knows an effect key again, in
/// seconds: a year. Providers promise hours or days.
pub(crate) const MAX_KEY_LIFE_S: u64 = 365 * 24 * 60 * 60;

/// The longest remote id, token, or id of an audience, a template or a message in an answer, in bytes. They are stored per contact
/// and are never cut, because a cut id is another id.
pub(crate) const MAX_ID_BYTES: usize = 512;

/// The most warnings of one item, and the most left-out fields, texts of `extras` and facts.
pub(crate) const MAX_REMARKS: usize = 64;

/// The most warnings of one tag answer: one per tag and kind is what plugins send.
pub(crate) const MAX_WARNINGS: usize = 200;

/// The most audiences or templates of one account, and fields of one audience. Providers stop far below.
pub(crate) const MAX_LISTED: usize = 10_000;

/// The most choices of one field.
pub(crate) const MAX_CHOICES: usize = 2_000;

/// The most bytes that `prepare` may answer: they are handed to every batch of a run.
pub(crate) const MAX_PREPARED_BYTES: usize = 4 << 20;

/// The longest line of the log, in bytes, fields included.
pub(crate) const MAX_LOG_LINE_BYTES: usize = 4_096;

/// The most fields of one line of the log.
pub(crate) const MAX_LOG_FIELDS: usize = 32;

/// How much longer than its deadline a job may hang in a request that is on its way: egress ends
/// every request by itself at the deadline, and its own waiting for limiters (30 s at most) is known
/// only when it is over.
pub(crate) const SENDING_GRACE: Duration = Duration::from_secs(35);

/// How often a job is looked at that is past its deadline and still in a request.
pub(crate) const RECHECK: Duration = Duration::from_millis(250);

/// What compiling one component may use. [`CompileLimits::default`] is what production runs with.
#[derive(Debug, Clone)]
pub struct CompileLimits {
    /// What the child holds itself to.
    pub child: ChildLimits,
    /// Wall time from the child's start to its end. More than its CPU time, because others want the
    /// processors too; somebody waits at a terminal meanwhile.
    pub wall: Duration,
    /// Bytes of machine code that are read back. Honest components become two to three times as
    /// large (the Mailchimp plugin's 0.48 MB become 1.35), and none is larger than 32 MiB.
    pub code_bytes: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { child: ChildLimits::default(), wall: Duration::from_secs(300), code_bytes: 128 << 20 }
    }
}

/// What a compiling process holds itself to, by the limits that the kernel keeps.
///
/// Measured on 2026-11-22 with the program as it is built for tests, on one of two busy processors:
/// the Mailchimp plugin takes 1.3 to 2.0 s of CPU, 64 MiB of address space and 40 MiB of memory,
/// and compiles within 64 MiB. One megabyte that is written to do harm takes 1.1 GiB, and half a
/// megabyte of another kind minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildLimits {
    /// Address space in bytes: the program itself, its stacks, and all that the compiler allocates.
    /// Sixteen times what the Mailchimp plugin takes; one of 18 MB that was made of Python grew its
    /// host by 264 MiB.
    pub address_space: u64,
    /// CPU time in seconds. Two to four of them for each megabyte, and the largest component that
    /// is admitted has 32 MiB.
    pub cpu_seconds: u64,
}

impl Default for ChildLimits {
    fn default() -> Self {
        Self { address_space: 1 << 30, cpu_seconds: 120 }
    }
}

impl ChildLimits {
    /// The limits as two arguments of a command line, as a face parses them back into the fields.
    pub(crate) fn to_arguments(self) -> [String; 2] {
        [self.address_space.to_string(), self.cpu_seconds.to_string()]
    }
}

/// What one job may use. [`JobLimits::default`] is what production runs with.
#[derive(Debug, Clone)]
pub struct JobLimits {
    /// CPU time of the guest. A batch of 1,000 contacts takes a few milliseconds to marshal and
    /// some tens to turn into JSON; a plugin that needs seconds loops.
    pub cpu: Duration,
    /// What leaves and comes back: wall time (waiting for the host's own limiter not counted),
    /// requests, bytes. A plugin reads `budget-spent` when one of them is used up.
    pub egress: postroom_egress::JobLimits,
    /// The time after the wall time in which a plugin that reads `budget-spent` can still answer
    /// what it concluded. Then the call is cut off.
    pub wind_up: Duration,
    /// Linear memory of all instances of the job together, in bytes. A batch of 1,000 contacts with
    /// its JSON stays below 10 MiB.
    pub memory_bytes: usize,
    /// Linear memories. A Rust component has one, one made of two languages a few.
    pub memories: usize,
    /// Tables. A Rust component has two.
    pub tables: usize,
    /// Elements of all tables together. A large component has some thousand functions.
    pub table_elements: usize,
    /// Core instances. A component of wit-component has about eight.
    pub instances: usize,
    /// Bytes that a guest hands over in one call, as arguments or as its answer: a request body,
    /// or the answer to a batch.
    pub hostcall_bytes: usize,
    /// Live handles: streams and pollables. A plugin that leaks one per line of its log stops here.
    pub handles: usize,
    /// Calls of host functions, those of WASI not counted (they end with CPU and handles).
    pub host_calls: u32,
    /// Lines of the log; what comes after is counted and dropped.
    pub log_lines: usize,
    /// Bytes of the log; what comes after is counted and dropped.
    pub log_bytes: usize,
}

impl Default for JobLimits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(10),
            egress: postroom_egress::JobLimits::default(),
            wind_up: Duration::from_secs(2),
            memory_bytes: 64 << 20,
            memories: 4,
            tables: 16,
            table_elements: 100_000,
            instances: 40,
            hostcall_bytes: 8 << 20,
            handles: 1_000,
            host_calls: 20_000,
            log_lines: 1_000,
            log_bytes: 256 << 10,
        }
    }
}
