use super::*;
use crate::push::tests::batch;

fn booked(verdict: Verdict) -> BatchRecord {
    let mut done = Done::settled(BatchRecord::default());
    assert!(done.take(batch(1).remove(0), verdict).is_none());
    done.record
}

#[test]
fn a_contact_that_a_call_failed_on_may_have_been_made_all_the_same() {
    let reason = Reason::new("plugin-crashed", "it crashed");
    let refused = booked(Verdict::Refused { class: OutcomeClass::Failed, reason: reason.clone() });
    assert_eq!((refused.not_made.len(), refused.memories.len()), (1, 1));
    let poison = booked(Verdict::Poison(reason));
    assert_eq!((poison.not_made.len(), poison.memories.len()), (0, 1));
    assert_eq!(poison.outcomes, refused.outcomes);
}
