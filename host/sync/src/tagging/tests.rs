use postroom_domain::contact::ContactId;

use super::*;
use crate::offences::{OFFENDERS, Offences};
use crate::push::tests::{OpenGate, Scripted};

/// Members that are to get the tag.
fn batch(size: i64) -> Vec<Tagging> {
    let tagging = |number| Tagging {
        place: None,
        contact: ContactId(number),
        address: format!("guest{number}@example.com"),
        remote_id: None,
        observed: None,
        add: Some("Guests".to_owned()),
        remove: None,
        state: TagState::default(),
        as_of: 1,
    };
    (1..=size).map(tagging).collect()
}

async fn tagged(provider: &Scripted, size: i64) -> TaggedBatch {
    let tags = Tags::new(vec!["Guests".to_owned()], Vec::new());
    let post = Post {
        provider,
        gate: &OpenGate::default(),
        audience: "a",
        prepared: &Arc::default(),
        offences: &Offences::default(),
    };
    tags.apply(post, batch(size)).await.unwrap()
}

fn without_the_tag(batch: &TaggedBatch) -> Vec<i64> {
    batch.items.iter().filter(|item| item.outcome.is_none()).map(|item| item.work.contact.0).collect()
}

#[tokio::test]
async fn one_bad_contact_keeps_no_other_from_its_tag() {
    let provider = Scripted { poison: [7, 400].into(), ..Scripted::default() };
    let done = tagged(&provider, 500).await;
    assert!(done.stop.is_none(), "{:?}", done.stop);
    assert_eq!(without_the_tag(&done), [7, 400]);
    let reason = done.items[6].reason.as_ref().unwrap();
    assert!(reason.code == "tag-failed" && reason.message.contains("contact 7 is poison"), "{reason:?}");
}

#[tokio::test]
async fn members_that_fail_alike_blame_the_request() {
    let provider = Scripted { poison: (1..=500).collect(), alike: true, ..Scripted::default() };
    let done = tagged(&provider, 500).await;
    assert_eq!(done.stop.as_ref().unwrap().reason().code, "request-refused");
    assert_eq!(without_the_tag(&done).len(), 500);
    let failed = done.items.iter().filter(|item| item.reason.as_ref().unwrap().code == "tag-failed").count();
    assert_eq!(failed, OFFENDERS, "the others were not tried");
}
