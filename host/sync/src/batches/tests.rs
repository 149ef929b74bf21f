use postroom_domain::projection::Base;

use super::*;
use crate::push::tests::batch;

fn booked(verdict: Verdict) -> BatchRecord {
    booked_of(batch(1).remove(0), verdict)
}

fn booked_of(sending: Sending, verdict: Verdict) -> BatchRecord {
    let mut done = Done::settled(BatchRecord::default());
    assert!(done.take(sending, verdict).is_none());
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

#[test]
fn a_refusal_does_not_drop_the_note_of_an_earlier_batch() {
    let refusal = || Verdict::Refused {
        class: OutcomeClass::Failed,
        reason: Reason::new("invalid-field", "the provider refuses the value"),
    };
    let mut sent = batch(1).remove(0);
    sent.contact.confirmed = Some(Confirmed {
        remote_id: None,
        status: None,
        address: sent.contact.address.clone(),
        hash: [0; 16],
        base: Base::default(),
    });
    assert_eq!(booked_of(sent, refusal()).not_made, [], "an earlier, unanswered batch may have made it");
    assert_eq!(booked(refusal()).not_made, [ContactId(1)]);
}
