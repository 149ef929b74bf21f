//! The random steps of a ledger.

use postroom_domain::intent::wire::Meaning;
use postroom_domain::intent::{Class, IntentKind, Settlement};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Business acts that there are: few, so that they are planned again.
const ACTS: usize = 8;
/// The people.
pub(super) const PEOPLE: [&str; 2] = ["ana@example.cz", "bob@example.cz"];
/// What may be planned.
const KINDS: [(IntentKind, Class); 6] = [
    (IntentKind::TemplateSend, Class::Automation),
    (IntentKind::TemplateSend, Class::Interactive),
    (IntentKind::Push, Class::Bulk),
    (IntentKind::Tag, Class::Automation),
    (IntentKind::Untag, Class::OptOut),
    (IntentKind::Unsubscribe, Class::OptOut),
];

/// One thing that is asked of a ledger. Intents are named by their place among all that there ever were, counted
/// round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerStep {
    /// Plans a business act.
    Plan {
        /// Which.
        act: usize,
        /// For whom.
        person: usize,
        /// What.
        what: (IntentKind, Class),
    },
    /// Somebody takes the lane over.
    TakeOver,
    /// Whoever has the lane claims, or, if it is late, whoever had it before.
    Claim {
        /// Whether it is late.
        is_late: bool,
        /// At most so many.
        limit: u32,
    },
    /// The same arms.
    Arm {
        /// Whether it is late.
        is_late: bool,
        /// Which.
        intent: usize,
    },
    /// The same gives back.
    Release {
        /// Whether it is late.
        is_late: bool,
        /// Which.
        intent: usize,
    },
    /// The same answers.
    Answer {
        /// Whether it is late.
        is_late: bool,
        /// Which.
        intent: usize,
        /// What.
        meaning: Meaning,
    },
    /// A doubt is resolved.
    Resolve {
        /// Which.
        intent: usize,
        /// How.
        settlement: Settlement,
    },
    /// A person says yes with evidence, or no.
    Say {
        /// Who.
        person: usize,
        /// Whether yes.
        yes: bool,
    },
    /// A person is erased.
    Erase {
        /// Who.
        person: usize,
    },
    /// Everything is held, or goes on.
    Hold(bool),
    /// What is too late ends.
    Expire,
}

/// Random steps.
pub fn sequences(longest: usize) -> impl Strategy<Value = Vec<LedgerStep>> {
    let meaning = select(vec![
        Meaning::Accepted,
        Meaning::Refused,
        Meaning::NotDone { counts: true },
        Meaning::NotDone { counts: false },
        Meaning::Unclear { counts: true },
        Meaning::Unclear { counts: false },
    ]);
    let is_late = || prop::bool::weighted(0.2);
    let person = || 0..PEOPLE.len();
    let intent = || 0..ACTS;
    let step = prop_oneof![
        8 => (0..ACTS, person(), select(KINDS.as_slice()))
            .prop_map(|(act, person, what)| LedgerStep::Plan { act, person, what }),
        1 => Just(LedgerStep::TakeOver),
        6 => (is_late(), 0_u32..4).prop_map(|(is_late, limit)| LedgerStep::Claim { is_late, limit }),
        8 => (is_late(), intent()).prop_map(|(is_late, intent)| LedgerStep::Arm { is_late, intent }),
        1 => (is_late(), intent()).prop_map(|(is_late, intent)| LedgerStep::Release { is_late, intent }),
        6 => (is_late(), intent(), meaning)
            .prop_map(|(is_late, intent, meaning)| LedgerStep::Answer { is_late, intent, meaning }),
        4 => (intent(), select(Settlement::ALL.as_slice()))
            .prop_map(|(intent, settlement)| LedgerStep::Resolve { intent, settlement }),
        3 => (person(), prop::bool::weighted(0.7)).prop_map(|(person, yes)| LedgerStep::Say { person, yes }),
        1 => person().prop_map(|person| LedgerStep::Erase { person }),
        1 => any::<bool>().prop_map(LedgerStep::Hold),
        1 => Just(LedgerStep::Expire),
    ];
    vec(step, 1..=longest)
}
