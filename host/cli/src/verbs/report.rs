//! A run's report as people read it: ten counts that add up, and how to open each.

use postroom_domain::discovery::Discovery;
use postroom_domain::outcome::{Counts, OutcomeClass, Reason, TagCounts};

use crate::table::{self, counted, numbers};

/// The sums of a run, from its report or from the store.
pub(super) struct Sums<'a> {
    pub(super) run: i64,
    pub(super) sync: &'a str,
    pub(super) counts: Counts,
    pub(super) tags: TagCounts,
    pub(super) address_omitted: u64,
    pub(super) discovery: Option<Discovery>,
    pub(super) warnings: &'a [String],
    pub(super) stopped: Option<&'a Reason>,
}

/// What a count means to the person who reads it.
fn meaning(class: OutcomeClass) -> &'static str {
    match class {
        OutcomeClass::Added => "new members",
        OutcomeClass::Updated => "members with other values",
        OutcomeClass::Written => "taken; the provider doesn't say whether new",
        OutcomeClass::Unchanged => "the provider has just this",
        OutcomeClass::Duplicate => "an earlier entry has the same address",
        OutcomeClass::Invalid => "no usable e-mail address",
        OutcomeClass::Blocked => "consent keeps them out",
        OutcomeClass::Skipped => "left out by the sync's settings",
        OutcomeClass::Pending => "still owed: not reached, or not done yet",
        OutcomeClass::Failed => "refused by the provider, or not answered",
    }
}

/// The counts as a table whose numbers add up to the entries.
fn counts(counts: &Counts) -> String {
    numbers(OutcomeClass::ALL.iter().map(|class| (class.as_str(), counts.of(*class), meaning(*class))))
}

/// The counts of a plan, in which only what is settled without a call has a number.
pub(super) fn settled(counts: &Counts) -> String {
    const SETTLED: [OutcomeClass; 6] = [
        OutcomeClass::Unchanged,
        OutcomeClass::Duplicate,
        OutcomeClass::Invalid,
        OutcomeClass::Blocked,
        OutcomeClass::Skipped,
        OutcomeClass::Failed,
    ];
    numbers(SETTLED.iter().map(|class| (class.as_str(), counts.of(*class), meaning(*class))))
}

pub(super) fn page(sums: &Sums<'_>) -> String {
    let mut text = format!(
        "Run {} of {}: {}\n\n",
        sums.run,
        table::visible(sums.sync),
        counted(sums.counts.entries, "entry", "entries")
    );
    text.push_str(&counts(&sums.counts));
    text.push('\n');
    text.push_str(&numbers([
        ("tags-added", sums.tags.added, "tags put on"),
        ("tags-removed", sums.tags.removed, "tags taken off"),
        ("tags-refused", sums.tags.refused, "not tagged: the member's status does not allow it"),
        ("address-omitted", sums.address_omitted, "went without the address, which is incomplete"),
    ]));
    if let Some(discovery) = sums.discovery {
        text.push_str(&format!("\nEntries were found {discovery}.\n"));
    }
    for warning in sums.warnings {
        text.push_str(&format!("\nWarning: {}\n", table::visible(warning)));
    }
    if let Some(reason) = sums.stopped {
        text.push_str(&format!(
            "\nThe run stopped before its end: {}. What it did is recorded; run it again to go on.\n",
            table::visible(reason.message.trim_end_matches('.'))
        ));
    }
    text.push_str(&format!("\nOpen any number: `postroom run show {} --of {}`\n", sums.run, worth_opening(sums)));
    text
}

/// The number that a person most likely wants to open.
fn worth_opening(sums: &Sums<'_>) -> &'static str {
    let first = [
        (OutcomeClass::Failed, sums.counts.failed),
        (OutcomeClass::Invalid, sums.counts.invalid),
        (OutcomeClass::Duplicate, sums.counts.duplicate),
        (OutcomeClass::Blocked, sums.counts.blocked),
        (OutcomeClass::Skipped, sums.counts.skipped),
        (OutcomeClass::Pending, sums.counts.pending),
    ];
    if sums.tags.refused > 0 && sums.counts.failed == 0 {
        return "tags-refused";
    }
    first.iter().find(|(_, number)| *number > 0).map_or("added", |(class, _)| class.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a3_the_page_shows_all_ten_counts_and_how_to_open_one() {
        let mut counts = Counts::default();
        counts.book(OutcomeClass::Added, 1_200);
        counts.book(OutcomeClass::Failed, 3);
        let warnings = ["Some were not tagged.".to_owned()];
        let text = page(&Sums {
            run: 7,
            sync: "guests",
            counts,
            tags: TagCounts { added: 1_200, removed: 0, refused: 2 },
            address_omitted: 5,
            discovery: Some(Discovery::Cursor),
            warnings: &warnings,
            stopped: Some(&Reason::new("auth-lost", "the key no longer works.")),
        });
        for class in OutcomeClass::ALL {
            assert!(text.contains(class.as_str()), "{class} is missing in {text}");
        }
        for expected in [
            "1,203 entries",
            "1,200",
            "what moved since the last look",
            "Warning: Some were",
            "the key no longer works. What",
            "run show 7 --of failed",
        ] {
            assert!(text.contains(expected), "{expected} is missing in {text}");
        }
    }
}
