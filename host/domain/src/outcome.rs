//! The ten counts that an entry can end in, and the sums of a report (row A3, invariant 8).

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Where an entry is counted. Every entry of a run ends in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeClass {
    /// The provider made a member of it.
    Added,
    /// The provider changed a member.
    Updated,
    /// The provider took it and doesn't say whether it was there before.
    Written,
    /// The provider holds just this already.
    Unchanged,
    /// An earlier entry of the list has the same e-mail address (row A6).
    Duplicate,
    /// The entry itself is at fault: no usable e-mail address (row A5). Mended here.
    Invalid,
    /// Consent keeps it out, here or at the provider.
    Blocked,
    /// The sync's own settings leave it out.
    Skipped,
    /// Still owed: accepted but not done, or not reached in this run.
    Pending,
    /// The provider refused it or did not answer. Mended by changing the contact.
    Failed,
}

impl OutcomeClass {
    /// Every class, in the order of a report.
    pub const ALL: [Self; 10] = [
        Self::Added,
        Self::Updated,
        Self::Written,
        Self::Unchanged,
        Self::Duplicate,
        Self::Invalid,
        Self::Blocked,
        Self::Skipped,
        Self::Pending,
        Self::Failed,
    ];

    /// The class's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Duplicate => "duplicate",
            Self::Invalid => "invalid",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for OutcomeClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for OutcomeClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or_else(|| {
            let words: Vec<_> = Self::ALL.iter().map(|class| class.as_str()).collect();
            format!("`{text}` is not a count of a report: use one of {}", words.join(", "))
        })
    }
}

/// Why an entry ended where it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A short word that stands for the kind, for filters.
    pub code: String,
    /// A sentence for the operator. It names no contact.
    pub message: String,
}

impl Reason {
    /// A reason from its word and its sentence.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// How many entries ended where. `entries` is the sum of the other ten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All of them.
    pub entries: u64,
    /// [`OutcomeClass::Added`].
    pub added: u64,
    /// [`OutcomeClass::Updated`].
    pub updated: u64,
    /// [`OutcomeClass::Written`].
    pub written: u64,
    /// [`OutcomeClass::Unchanged`].
    pub unchanged: u64,
    /// [`OutcomeClass::Duplicate`].
    pub duplicate: u64,
    /// [`OutcomeClass::Invalid`].
    pub invalid: u64,
    /// [`OutcomeClass::Blocked`].
    pub blocked: u64,
    /// [`OutcomeClass::Skipped`].
    pub skipped: u64,
    /// [`OutcomeClass::Pending`].
    pub pending: u64,
    /// [`OutcomeClass::Failed`].
    pub failed: u64,
}

impl Counts {
    /// Books `number` entries of one class.
    pub fn book(&mut self, class: OutcomeClass, number: u64) {
        self.entries += number;
        *self.slot(class) += number;
    }

    /// The count of one class.
    #[must_use]
    pub fn of(&self, class: OutcomeClass) -> u64 {
        let mut copy = *self;
        *copy.slot(class)
    }

    fn slot(&mut self, class: OutcomeClass) -> &mut u64 {
        match class {
            OutcomeClass::Added => &mut self.added,
            OutcomeClass::Updated => &mut self.updated,
            OutcomeClass::Written => &mut self.written,
            OutcomeClass::Unchanged => &mut self.unchanged,
            OutcomeClass::Duplicate => &mut self.duplicate,
            OutcomeClass::Invalid => &mut self.invalid,
            OutcomeClass::Blocked => &mut self.blocked,
            OutcomeClass::Skipped => &mut self.skipped,
            OutcomeClass::Pending => &mut self.pending,
            OutcomeClass::Failed => &mut self.failed,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        for class in OutcomeClass::ALL {
            self.book(class, more.of(class));
        }
    }
}

/// What became of the tags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagCounts {
    /// Put on.
    pub added: u64,
    /// Taken off.
    pub removed: u64,
    /// Neither, because the member's status does not allow it (row A9): still owed.
    pub refused: u64,
}

impl AddAssign for TagCounts {
    fn add_assign(&mut self, more: Self) {
        self.added += more.added;
        self.removed += more.removed;
        self.refused += more.refused;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a3_entries_are_the_sum_of_the_ten() {
        let mut counts = Counts::default();
        for (number, class) in (1..).zip(OutcomeClass::ALL) {
            counts.book(class, number);
        }
        let sum: u64 = OutcomeClass::ALL.iter().map(|class| counts.of(*class)).sum();
        assert_eq!((counts.entries, sum), (55, 55));
        counts += counts;
        assert_eq!((counts.entries, counts.added, counts.failed), (110, 2, 20));
    }
}
