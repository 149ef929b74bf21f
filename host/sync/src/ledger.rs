//! The sums of a run, kept from what is recorded so that the two cannot differ.

use std::ops::AddAssign;

use postroom_domain::outcome::{Counts, OutcomeClass, TagCounts};
use postroom_store::runs::{BatchRecord, TagOutcome};

/// The sums of one batch, or of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) counts: Counts,
    pub(crate) tags: TagCounts,
    pub(crate) address_omitted: u64,
}

impl Sums {
    /// What a record adds up to.
    pub(crate) fn of(record: &BatchRecord) -> Self {
        let mut sums = Self::default();
        sums.counts.book(OutcomeClass::Unchanged, record.unchanged);
        for outcome in &record.outcomes {
            if let Some(class) = outcome.class {
                sums.counts.book(class, 1);
            }
            match outcome.tag {
                Some(TagOutcome::Added) => sums.tags.added += 1,
                Some(TagOutcome::Removed) => sums.tags.removed += 1,
                Some(TagOutcome::Refused) => sums.tags.refused += 1,
                None => {}
            }
            sums.address_omitted += u64::from(outcome.address_omitted);
        }
        sums
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, more: Self) {
        self.counts += more.counts;
        self.tags += more.tags;
        self.address_omitted += more.address_omitted;
    }
}

/// What a run has come to so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) sums: Sums,
    warnings: Vec<String>,
    tag_warnings: Vec<String>,
}

impl Ledger {
    /// Books a batch that was recorded.
    pub(crate) fn book(&mut self, batch: Sums) {
        self.sums += batch;
    }

    /// Adds a sentence to the report, once.
    pub(crate) fn warn(&mut self, sentence: &str) {
        if !self.warnings.iter().any(|known| known == sentence) {
            self.warnings.push(sentence.to_owned());
        }
    }

    /// Adds a provider's sentence about tags it refused.
    pub(crate) fn warn_of_tags(&mut self, sentence: &str) {
        if !self.tag_warnings.iter().any(|known| known == sentence) {
            self.tag_warnings.push(sentence.to_owned());
        }
    }

    /// The provider's sentences about tags, as they are kept for the next run.
    pub(crate) fn tag_warning(&self) -> Option<String> {
        if self.tag_warnings.is_empty() { None } else { Some(self.tag_warnings.join("\n")) }
    }

    /// All sentences of the report. Tags that stay owed from earlier runs are warned of in the
    /// words that the provider used then.
    pub(crate) fn warnings(&self, kept: Option<&str>) -> Vec<String> {
        let mut all = self.tag_warnings.clone();
        if all.is_empty() && self.sums.tags.refused > 0 {
            match kept {
                Some(kept) => all.extend(kept.lines().map(str::to_owned)),
                None => all.push("Some tags could not be changed, because of the members' status there".to_owned()),
            }
        }
        all.extend(self.warnings.iter().cloned());
        all
    }
}
