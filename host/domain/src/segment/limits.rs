//! The bounds of a segment, each with its reason.

/// The longest text: an enumeration of a few hundred values, and small enough to be read in no time.
pub const MAX_TEXT_BYTES: usize = 16_384;
/// How deep conditions may stand inside one another. Nobody reads deeper, and every walk over a tree
/// may call itself without regard to the stack.
pub const MAX_DEPTH: usize = 32;
/// How many conditions a segment may have: SQLite gives up at expressions of a depth of 1,000, and a
/// chain of so many stays far below.
pub const MAX_CONDITIONS: usize = 200;
/// How many segments may name one another in a row: more is a maze that nobody finds out of.
pub const MAX_NESTED: usize = 8;
/// So many times over, a segment with all that it names may be as large and as deep as one that is written
/// out. SQLite's bounds are further still.
pub const MAX_EXPANSION: usize = 2;
/// How many values one enumeration may have.
pub const MAX_CHOICES: usize = 1_000;
/// How many digits a number may have: so many are exact in the binary numbers that indexes hold.
pub const MAX_DIGITS: usize = 15;
