use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::{Value, json};

use super::{Archive, MOST_LISTED};
use crate::fixtures::{member, outcome, push_beside, write};
use crate::member::hash;
use crate::wire::MemberId;

fn archive(addresses: &[&str]) -> Archive<'static> {
    let members: Vec<_> = addresses.iter().map(|address| MemberId { id: hash(address) }).collect();
    Archive::of(&members).unwrap()
}

#[test]
fn mc_16_an_archived_member_is_updated_and_never_brought_back() {
    let script = Script::new()
        .answer(200, &member("put-away@b.cz", "archived"))
        .answer(200, &json!({"new_members": [member("new@b.cz", "subscribed")]}));
    let writes = [write(1, "Put-Away@b.cz"), write(2, "new@b.cz")];
    let answer = push_beside(&script, archive(&["put-away@b.cz", "other@b.cz"]), &writes).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Updated);
    assert_eq!(answer.items[0].status, Some(RemoteStatus::Archived));
    assert_eq!(outcome(&answer, 2), &ItemOutcome::Created);
    assert_eq!(script.lines()[0], format!("PATCH /3.0/lists/a1b2/members/{}", hash("put-away@b.cz")));
    assert!(script.body(0).get("status").is_none());
    assert_eq!(script.body(1)["members"].as_array().unwrap().len(), 1);
}

#[test]
fn beside_a_large_archive_each_contact_is_looked_up() {
    let script = Script::new()
        .answer(200, &member("put-away@b.cz", "archived"))
        .answer(200, &member("put-away@b.cz", "archived"))
        .answer(404, &json!({"title": "Resource Not Found"}))
        .answer(200, &json!({"new_members": [member("new@b.cz", "subscribed")]}));
    let answer = push_beside(&script, Archive::TooLarge, &[write(1, "put-away@b.cz"), write(2, "new@b.cz")]).unwrap();
    assert_eq!((outcome(&answer, 1), outcome(&answer, 2)), (&ItemOutcome::Updated, &ItemOutcome::Created));
    let verbs: Vec<_> = script.lines().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(verbs, ["GET", "PATCH", "GET", "POST"]);
}

#[test]
fn a_large_archive_is_not_read_to_its_end() {
    let page: Vec<Value> = (0..1000).map(|number| json!({"id": hash(&format!("{number}@b.cz"))})).collect();
    let script = Script::new().answer(200, &json!({"members": page, "total_items": MOST_LISTED + 1}));
    assert!(matches!(Archive::read(&script.job(), "a1b2"), Ok(Archive::TooLarge)));
    assert_eq!(script.query(0, "status").as_deref(), Some("archived"));
    assert_eq!(script.query(0, "fields").as_deref(), Some("members.id,total_items"));
}

#[test]
fn an_archive_without_hashes_stops_the_run_before_anything_is_sent() {
    let script = Script::new().answer(200, &json!({"members": [{"id": "x"}], "total_items": 1}));
    assert!(matches!(Archive::read(&script.job(), "a1b2"), Err(ProviderError::Other(_))));
}
