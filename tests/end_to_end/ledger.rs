//! The ledger of intents as an operator works with it: doubts are shown and resolved, an account is paused.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use postroom_domain::contact::ContactId;
use postroom_domain::intent::{Class, IntentId, IntentKind};
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::StoreError;
use postroom_store::accounts::AccountStore as _;
use postroom_store::intents::{Arming, Claim, IntentDraft, IntentStore as _, Planned};
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::house::House;

/// How long a lock may be held by somebody who is about to let it go.
const PATIENCE: Duration = Duration::from_secs(10);

/// A contact who may be written to; answers with its number.
pub(crate) fn granted(house: &House, email: &str) -> i64 {
    house.postroom(&["contact", "add", email]).done();
    house.postroom(&["consent", "set", email, "granted", "--evidence", "form"]).done();
    house.postroom(&["contact", "show", email, "--json"]).done().json()["contact"]["id"].as_i64().unwrap()
}

/// Plans intents of these kinds about a contact, as another part of the program does.
pub(crate) async fn plan(house: &House, contact: i64, kinds: &[IntentKind]) -> Vec<IntentId> {
    let store = opened(house);
    let account = store.account("mc").await.unwrap().id;
    let now = Timestamp::now();
    let drafts: Vec<_> = kinds
        .iter()
        .enumerate()
        .map(|(index, kind)| IntentDraft {
            effect_key: format!("{kind}:{index}:contact {contact}"),
            account,
            contact: Some(ContactId(contact)),
            kind: *kind,
            delivery: kind.policy().delivery,
            class: if *kind == IntentKind::Unsubscribe { Class::OptOut } else { Class::Automation },
            target: format!("target {index}"),
            list: None,
            purpose: None,
            want: "what is wanted".to_owned(),
            based_on: 1,
            due_at: now,
            valid_until: (*kind == IntentKind::TemplateSend).then(|| now + SignedDuration::from_hours(24)),
        })
        .collect();
    let planned = store.plan_intents(&drafts, now).await.unwrap();
    planned.iter().map(|planned| if let Planned::New(id) = planned { *id } else { panic!("{planned:?}") }).collect()
}

/// The store, to write. A process that another test starts at this moment may hold a lock that was let go, until it
/// has become another program.
fn opened(house: &House) -> SqliteStore {
    let began = Instant::now();
    loop {
        match SqliteStore::open(&house.store(), Access::Write { verb: "test" }) {
            Err(StoreError::Held { .. }) if began.elapsed() < PATIENCE => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

/// Arms what is planned, and ends without an answer.
pub(crate) async fn arm(house: &House, ids: &[IntentId]) {
    let store = opened(house);
    let account = store.account("mc").await.unwrap().id;
    let lane = store.take_over_lane(account, "test", Timestamp::now()).await.unwrap().lane;
    let limit = u32::try_from(ids.len()).unwrap();
    store.claim_intents(&lane, Claim { up_to: Class::Bulk, limit }, Timestamp::now()).await.unwrap();
    let armings: Vec<_> = ids.iter().map(|id| Arming { id: *id, key: None, request: None }).collect();
    for armed in store.arm_intents(&lane, &armings, Timestamp::now()).await.unwrap() {
        armed.unwrap();
    }
}

/// What the one before left armed is in doubt.
async fn take_over(house: &House) {
    let store = opened(house);
    let account = store.account("mc").await.unwrap().id;
    store.take_over_lane(account, "next", Timestamp::now()).await.unwrap();
}

fn states(page: &Value) -> Vec<(i64, String)> {
    let intents = page["intents"].as_array().unwrap().iter();
    intents.map(|intent| (intent["id"].as_i64().unwrap(), intent["state"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_shown_and_resolved_on_a_ground_that_is_kept() {
    let house = House::open().await;
    let jana = granted(&house, "jana@example.com");
    let ids = plan(&house, jana, &[IntentKind::TemplateSend, IntentKind::TemplateSend, IntentKind::Unsubscribe]).await;
    arm(&house, &ids).await;
    take_over(&house).await;
    let [first, again, opt_out] = [ids[0].0, ids[1].0, ids[2].0];
    let doubts = house.postroom(&["indoubt", "list", "--account", "mc", "--json"]).done().json();
    assert_eq!(states(&doubts), [first, again, opt_out].map(|id| (id, "in-doubt".to_owned())));
    let (first, again, opt_out) = (first.to_string(), again.to_string(), opt_out.to_string());
    let listed = house.postroom(&["indoubt", "list"]).done().stdout;
    // People are named by number, and by nothing else.
    assert!(listed.contains(&format!("#{jana}")) && !listed.contains("jana@"), "{listed}");

    let resolve = |id: &str, end: &str, evidence: &str| {
        house.postroom(&["indoubt", "resolve", id, end, "--evidence", evidence, "--by", "Petra", "--json"])
    };
    resolve(&first, "--found", " ").refused(3, &["rests on"]);
    let found = resolve(&first, "--found", "message 17 in the provider's log").done().json();
    assert_eq!((&found["state"], &found["evidence"]), (&json!("done"), &json!("message 17 in the provider's log")));
    let step = &found["history"][1];
    assert_eq!((&step["by"], &step["what"]), (&json!("Petra"), &json!({"settled": "found"})));
    assert_eq!(resolve(&again, "--send-again", "the provider knows nothing").done().json()["state"], "planned");
    for end in ["--drop", "--sent"] {
        resolve(&opt_out, end, "nobody minds").refused(3, &["an opt-out"]);
    }
    resolve(&first, "--drop", "seen").refused(3, &["done"]);
    resolve("999", "--drop", "seen").refused(3, &["999"]);
    let shown = house.postroom(&["intent", "show", &first]).done().stdout;
    assert!(shown.contains("Petra") && shown.contains("program-ended"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_are_found_and_counted() {
    let house = House::open().await;
    let (jana, petr) = (granted(&house, "jana@example.com"), granted(&house, "petr@example.com"));
    let of_jana = plan(&house, jana, &[IntentKind::TemplateSend, IntentKind::Push]).await;
    let of_petr = plan(&house, petr, &[IntentKind::Push]).await;
    arm(&house, &of_jana[..1]).await;
    take_over(&house).await;
    // So that the daemon carries nothing out.
    house.postroom(&["hold", "--why", "somebody counts"]).done();
    let _daemon = Daemon::start(&house);
    let listed = |arguments: &[&str]| {
        states(&house.postroom(&[&["intent", "list", "--json"], arguments].concat()).done().json())
    };
    assert_eq!(listed(&[]).len(), 3);
    assert_eq!(listed(&["--contact", "petr@example.com"]), [(of_petr[0].0, "planned".to_owned())]);
    assert_eq!(listed(&["--contact", &format!("#{jana}"), "--state", "in-doubt"]), [(of_jana[0].0, "in-doubt".into())]);
    assert_eq!(listed(&["--state", "done"]), []);
    let page = house.postroom(&["intent", "list", "--limit", "2", "--json"]).done().json();
    let next = page["next"].to_string();
    assert_eq!(listed(&["--after", &next]), [(of_petr[0].0, "planned".to_owned())]);
    assert!(page["intents"][1]["want"].is_null(), "a page does not say what is wanted: {page}");
    house.postroom(&["intent", "list", "--account", "nowhere"]).refused(3, &["nowhere"]);
    let figures = house.postroom(&["intent", "figures", "--account", "mc", "--json"]).done().json();
    assert_eq!(figures["states"], json!({"planned": 2, "in-doubt": 1}));
    assert!(figures["oldest_in_doubt"].is_string() && figures["oldest_due"].is_string(), "{figures}");
    let figures = house.postroom(&["intent", "figures"]).done().stdout;
    assert!(figures.contains("oldest in doubt") && figures.contains("longest due"), "{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_account_shows_why() {
    let house = House::open().await;
    let _daemon = Daemon::start(&house);
    house.postroom(&["account", "pause", "mc", "--why", " "]).refused(3, &["paused"]);
    house.postroom(&["account", "pause", "mc", "--why", "the provider moves house"]).done();
    for verb in [&["account", "list"][..], &["account", "show", "mc"]] {
        let shown = house.postroom(verb).done().stdout;
        assert!(shown.contains("Paused since") && shown.contains("moves house"), "{shown}");
    }
    let shown = house.postroom(&["account", "show", "mc", "--json"]).done().json();
    assert_eq!(shown["halts"][0]["why"], "the provider moves house");
    let resumed = house.postroom(&["account", "resume", "mc", "--json"]).done().json();
    assert_eq!(resumed["lifted"].as_array().map(Vec::len), Some(1));
    let shown = house.postroom(&["account", "show", "mc"]).done().stdout;
    assert!(!shown.contains("Paused"), "{shown}");
    house.postroom(&["account", "pause", "nobody", "--why", "any"]).refused(3, &["nobody"]);
}
