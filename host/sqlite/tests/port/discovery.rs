//! Both ways of discovery find the same, whatever happened: a store is taken through random histories,
//! and after every step the cursor is held against the comparison.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use postroom_domain::consent::{ConsentAct, ConsentSource};
use postroom_domain::contact::{ContactId, ImportedRow};
use postroom_domain::decision::{Memory, RemoteStatus, TagState};
use postroom_domain::discovery::{COMPARED_AT_LEAST_EVERY, Discovery, Why};
use postroom_domain::intent::IntentKind;
use postroom_domain::narrowing::Scope;
use postroom_domain::outcome::{OutcomeClass, Reason};
use postroom_domain::projection::{Base, ContentHash};
use postroom_domain::purpose::LegalBasis;
use postroom_sqlite::SqliteStore;
use postroom_store::contacts::{ContactRef, ContactStore};
use postroom_store::discovery::{Look, OpenEntries};
use postroom_store::lists::{ImportMode, ListStore};
use postroom_store::purposes::PurposeStore;
use postroom_store::runs::{
    BatchIntent, BatchRecord, Confirmation, ConfirmedContent, RunStart, RunStore, SnapshotContent,
};
use postroom_store::syncs::{SyncDraft, SyncStore};
use proptest::prelude::*;

use crate::armed_batches::arm;
use crate::fixture::{
    Home, add, at, email, entries, event, import, purpose, row, rows, start, sync_draft, upsert, who, with_consent,
    with_sync,
};

const SETTINGS: ContentHash = [1; 16];
const DIGEST: &str = "sha256:00";
/// The lists, each with a sync of its name into one audience.
const LISTS: [&str; 2] = ["guests", "staff"];

/// What the second sync is for.
const PURPOSE: &str = "news";

fn look(sync: i64) -> Look {
    Look { sync, settings: SETTINGS, plugin_digest: DIGEST.into(), full: false, at: at(100) }
}

async fn found(store: &SqliteStore, look: Look) -> OpenEntries {
    store.open_entries(&look).await.unwrap()
}

/// Looks as a run does, and keeps what was seen.
async fn keep(store: &SqliteStore, look: Look) -> Discovery {
    let sync = look.sync;
    let open = found(store, look).await;
    if let Some(picture) = &open.picture {
        store.keep_picture(sync, picture).await.unwrap();
    }
    open.discovery
}

async fn begin(store: &SqliteStore, sync: i64) -> i64 {
    let start = RunStart { sync, first: None, plugin_digest: DIGEST.into(), unchanged: 0, at: at(20) };
    store.begin_run(&start).await.unwrap()
}

/// Remembers of every contact whose entry is open that it needs nothing.
async fn settle(store: &SqliteStore, sync: i64, run: i64, only: impl Fn(ContactId) -> bool) {
    let open = found(store, Look { full: true, ..look(sync) }).await;
    let rows = store.snapshot(sync, SETTINGS, &open.page(0, usize::MAX)).await.unwrap().rows;
    let settled = rows.into_iter().filter_map(|row| match row.content {
        SnapshotContent::Contact(contact) if only(contact.contact) => Some((contact.contact, contact.fingerprint)),
        _ => None,
    });
    let record = BatchRecord { settled: settled.collect(), ..BatchRecord::default() };
    store.record_batch(run, record).await.unwrap();
}

/// Something that happens to a store. Persons and lists are numbers; whoever is not there is passed over.
#[derive(Debug, Clone)]
enum Step {
    Write { person: u8, name: u8 },
    Readdress { person: u8, to: u8 },
    Consent { person: u8, act: ConsentAct },
    Scoped { person: u8, act: ConsentAct, list: Option<usize> },
    Tag { person: u8 },
    Delete { person: u8 },
    Join { list: usize, person: u8 },
    Leave { list: usize, person: u8 },
    RemoveEntry { list: usize, place: usize },
    Import { list: usize, mode: ImportMode, consent: bool, people: Vec<(u8, u8)> },
    Announce { sync: usize, people: Vec<u8> },
    Record { sync: usize, person: u8, what: Told },
    Settle { sync: usize, odd: bool },
    SettleAll { sync: usize },
    Look { sync: usize, full: bool },
    RenameTag { sync: usize, tag: u8 },
}

/// What a provider said of one contact.
#[derive(Debug, Clone)]
enum Told {
    Written(u8),
    Seen(RemoteStatus),
    NotMade,
    Refused,
    Forgotten,
    Tagged(bool),
}

fn told() -> impl Strategy<Value = Told> {
    let status =
        prop_oneof![Just(RemoteStatus::Subscribed), Just(RemoteStatus::Unsubscribed), Just(RemoteStatus::Absent)];
    prop_oneof![
        4 => any::<u8>().prop_map(Told::Written),
        2 => status.prop_map(Told::Seen),
        1 => Just(Told::NotMade),
        1 => Just(Told::Refused),
        1 => Just(Told::Forgotten),
        3 => any::<bool>().prop_map(Told::Tagged),
    ]
}

/// Few people, so that histories cross. Person 0 of a file has no address.
fn person() -> std::ops::Range<u8> {
    1..7
}

fn step() -> impl Strategy<Value = Step> {
    let act = prop_oneof![Just(ConsentAct::Granted), Just(ConsentAct::Withdrawn)];
    let act_for_scope = act.clone();
    let mode = prop_oneof![Just(ImportMode::Add), Just(ImportMode::Replace)];
    let file = prop::collection::vec((0..7_u8, prop_oneof![3 => Just(0_u8), 1 => Just(1)]), 0..6);
    prop_oneof![
        3 => (person(), 0..3_u8).prop_map(|(person, name)| Step::Write { person, name }),
        1 => (person(), person()).prop_map(|(person, to)| Step::Readdress { person, to }),
        1 => (person(), act).prop_map(|(person, act)| Step::Consent { person, act }),
        3 => (person(), act_for_scope, prop::option::of(0..2_usize))
            .prop_map(|(person, act, list)| Step::Scoped { person, act, list }),
        1 => person().prop_map(|person| Step::Tag { person }),
        1 => person().prop_map(|person| Step::Delete { person }),
        3 => (0..2_usize, person()).prop_map(|(list, person)| Step::Join { list, person }),
        2 => (0..2_usize, person()).prop_map(|(list, person)| Step::Leave { list, person }),
        1 => (0..2_usize, 0..6_usize).prop_map(|(list, place)| Step::RemoveEntry { list, place }),
        3 => (0..2_usize, mode, any::<bool>(), file)
            .prop_map(|(list, mode, consent, people)| Step::Import { list, mode, consent, people }),
        2 => (0..2_usize, prop::collection::vec(person(), 1..4))
            .prop_map(|(sync, people)| Step::Announce { sync, people }),
        5 => (0..2_usize, person(), told()).prop_map(|(sync, person, what)| Step::Record { sync, person, what }),
        2 => (0..2_usize, any::<bool>()).prop_map(|(sync, odd)| Step::Settle { sync, odd }),
        3 => (0..2_usize).prop_map(|sync| Step::SettleAll { sync }),
        5 => (0..2_usize, any::<bool>()).prop_map(|(sync, full)| Step::Look { sync, full }),
        1 => (0..2_usize, 0..3_u8).prop_map(|(sync, tag)| Step::RenameTag { sync, tag }),
    ]
}

/// One of the syncs. The second is for a purpose.
fn draft(sync: usize, tag: &str) -> SyncDraft {
    let purpose = (sync == 1).then(|| PURPOSE.parse().unwrap());
    SyncDraft { purpose, ..sync_draft(LISTS[sync], LISTS[sync], tag) }
}

/// A store under way through its history.
struct Play {
    home: Home,
    syncs: [i64; 2],
    runs: [i64; 2],
    /// How many requests were armed.
    armed: AtomicU64,
}

impl Play {
    async fn begin() -> Self {
        let (home, guests) = with_sync(&["p1@example.cz", "p2@example.cz", "p3@example.cz"]).await;
        let store = &home.store;
        store.create_list(LISTS[1], at(0)).await.unwrap();
        for person in ["p2@example.cz", "p3@example.cz"] {
            store.add_entry(LISTS[1], &who(person), at(2)).await.unwrap();
        }
        store.add_purpose(&purpose(PURPOSE, LegalBasis::Consent)).await.unwrap();
        let staff = store.add_sync(&draft(1, "Staff"), at(3)).await.unwrap();
        let syncs = [guests.id, staff.id];
        let runs = [begin(store, guests.id).await, begin(store, staff.id).await];
        for (sync, run) in syncs.into_iter().zip(runs) {
            settle(store, sync, run, |_| true).await;
            keep(store, look(sync)).await;
        }
        Self { home, syncs, runs, armed: AtomicU64::default() }
    }

    async fn id(&self, person: u8) -> Option<ContactId> {
        let found = self.home.store.contact(&who(&address(person))).await.unwrap();
        found.map(|detail| detail.contact.id)
    }

    async fn take(&self, step: Step) {
        let store = &self.home.store;
        match step {
            Step::Write { person, name } => {
                store.upsert_contact(&upsert(&address(person), &[("firstname", &name.to_string())])).await.unwrap();
            }
            Step::Readdress { person, to } => {
                if let Some(id) = self.id(person).await {
                    let mut readdress = upsert(&address(to), &[]);
                    readdress.who = Some(ContactRef::Id(id));
                    // Somebody else may have the address.
                    let _refused = store.upsert_contact(&readdress).await;
                }
            }
            Step::Consent { person, act } => {
                if let Some(id) = self.id(person).await {
                    let event = event(30, act, ConsentSource::Contact, None);
                    store.record_consent(&ContactRef::Id(id), &event).await.unwrap();
                }
            }
            Step::Scoped { person, act, list } => {
                if let Some(id) = self.id(person).await {
                    // The contact's own, so that a withdrawal is lifted as often as it is made.
                    let scope = match list {
                        Some(list) => Scope::List(LISTS[list].to_owned()),
                        None => Scope::Purpose(PURPOSE.parse().unwrap()),
                    };
                    let late = i64::from(act == ConsentAct::Granted);
                    let event = event(30 + late, act, ConsentSource::Contact, Some("form")).about(scope);
                    store.record_consent(&ContactRef::Id(id), &event).await.unwrap();
                }
            }
            Step::Tag { person } => {
                if let Some(id) = self.id(person).await {
                    store.tag_contact(&ContactRef::Id(id), "vip", true, at(30)).await.unwrap();
                }
            }
            Step::Delete { person } => {
                if let Some(id) = self.id(person).await {
                    // A withdrawal may have to be told first.
                    let _refused = store.delete_contact(&ContactRef::Id(id), at(30)).await;
                }
            }
            Step::Join { list, person } => {
                if let Some(id) = self.id(person).await {
                    store.add_entry(LISTS[list], &ContactRef::Id(id), at(30)).await.unwrap();
                }
            }
            Step::Leave { list, person } => {
                if let Some(id) = self.id(person).await {
                    store.remove_contact_entries(LISTS[list], &ContactRef::Id(id), at(30)).await.unwrap();
                }
            }
            Step::RemoveEntry { list, place } => {
                if let Some(entry) = entries(store, LISTS[list]).await.get(place) {
                    store.remove_entry(LISTS[list], entry.position, at(30)).await.unwrap();
                }
            }
            Step::Import { list, mode, consent, people } => {
                let file: Vec<ImportedRow> = (2..)
                    .zip(people)
                    .map(|(line, (person, name))| row(line, "", &address(person), &name.to_string()))
                    .collect();
                let start = start(LISTS[list], mode);
                import(store, &if consent { with_consent(start) } else { start }, file).await;
            }
            Step::Announce { sync, people } => {
                let mut intent = BatchIntent::new(IntentKind::Push, i64::MAX.unsigned_abs(), Vec::new());
                for person in people {
                    if let Some(id) = self.id(person).await {
                        intent.contacts.push(id);
                        intent.members.push((id, email(&address(person))));
                        intent.tags.extend(TagState::default().armed(LISTS[sync]).map(|armed| (id, armed)));
                    }
                }
                let number = self.armed.fetch_add(1, Ordering::Relaxed);
                arm(store, self.syncs[sync], self.runs[sync], number, intent).await;
            }
            Step::Record { sync, person, what } => {
                if let Some(id) = self.id(person).await {
                    store.record_batch(self.runs[sync], record(sync, id, person, what)).await.unwrap();
                }
            }
            Step::Settle { sync, odd } => {
                settle(store, self.syncs[sync], self.runs[sync], |id| (id.0 % 2 == 1) == odd).await;
            }
            Step::SettleAll { sync } => settle(store, self.syncs[sync], self.runs[sync], |_| true).await,
            Step::Look { sync, full } => {
                keep(store, Look { full, ..look(self.syncs[sync]) }).await;
            }
            Step::RenameTag { sync, tag } => {
                let draft = draft(sync, &format!("{} {tag}", LISTS[sync]));
                store.edit_sync(LISTS[sync], &draft, at(40)).await.unwrap();
            }
        }
    }

    /// Holds the cursor of each sync against the comparison; answers with how each was found.
    async fn check(&self, after: &str) -> [Discovery; 2] {
        let mut ways = [Discovery::Cursor; 2];
        for (sync, way) in self.syncs.into_iter().zip(&mut ways) {
            let cursor = found(&self.home.store, look(sync)).await;
            let all = found(&self.home.store, Look { full: true, ..look(sync) }).await;
            assert_eq!(all.discovery, Discovery::Comparison(Why::Asked));
            assert_eq!(said(&cursor), said(&all), "sync {sync} after {after}");
            *way = cursor.discovery;
            if let (Some(mut kept), Some(whole)) = (cursor.picture, all.picture) {
                kept.compared_at = whole.compared_at;
                assert_eq!(kept, whole, "the picture of sync {sync} after {after}");
            }
        }
        ways
    }
}

/// What a look found, however it did.
fn said(open: &OpenEntries) -> (Vec<u64>, u64, u64, bool) {
    (open.positions.iter().collect(), open.unchanged, open.members, open.tagged_departed)
}

fn address(person: u8) -> String {
    if person == 0 { "nobody".to_owned() } else { format!("p{person}@example.cz") }
}

fn record(sync: usize, contact: ContactId, person: u8, what: Told) -> BatchRecord {
    let confirmation = |status, content| Confirmation { contact, remote_id: None, status: Some(status), content };
    let mut record = BatchRecord::default();
    match what {
        Told::Written(hash) => record.confirmed.push(confirmation(
            RemoteStatus::Subscribed,
            Some(ConfirmedContent { address: email(&address(person)), hash: [hash; 16], base: Base::default() }),
        )),
        Told::Seen(status) => record.confirmed.push(confirmation(status, None)),
        Told::NotMade => record.not_made.push(contact),
        Told::Refused => {
            let reason = Reason::new("bad-value", "the provider refuses the field");
            let memory = Memory { class: OutcomeClass::Failed, reason, attempt: [3; 16] };
            record.memories.push((contact, Some(memory)));
        }
        Told::Forgotten => record.memories.push((contact, None)),
        Told::Tagged(on) => {
            let owned = on.then(|| LISTS[sync].to_owned());
            record.tags.push((contact, TagState { owned, refused: None }));
        }
    }
    record
}

/// Random histories that are played, and how long each is at most: as many as stay within a few seconds.
const HISTORIES: u32 = 16;
const STEPS: usize = 24;

#[test]
fn the_cursor_finds_what_the_comparison_finds_after_every_step_of_any_history() {
    let config = ProptestConfig { cases: HISTORIES, failure_persistence: None, ..ProptestConfig::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    proptest!(config, |(steps in prop::collection::vec(step(), 1..STEPS))| {
        runtime.block_on(async {
            let play = Play::begin().await;
            for step in steps {
                let after = format!("{step:?}");
                play.take(step).await;
                // Nothing in these histories calls for a comparison: all is small, and within one day.
                assert_eq!(play.check(&after).await, [Discovery::Cursor; 2], "after {after}");
            }
        });
    });
}

#[tokio::test]
async fn a_list_that_rests_is_followed_and_every_objection_is_named() {
    let play = Play::begin().await;
    let (store, sync) = (&play.home.store, play.syncs[0]);
    let open = found(store, look(sync)).await;
    assert_eq!((open.discovery, said(&open)), (Discovery::Cursor, (vec![], 3, 0, false)));
    let day = COMPARED_AT_LEAST_EVERY.as_secs();
    for (other, why) in [
        (Look { full: true, ..look(sync) }, Why::Asked),
        (Look { settings: [2; 16], ..look(sync) }, Why::OtherSettings),
        (Look { plugin_digest: "sha256:01".into(), ..look(sync) }, Why::OtherPlugin),
        (Look { at: at(100 + day), ..look(sync) }, Why::Due),
        (Look { at: Timestamp::UNIX_EPOCH, ..look(sync) }, Why::Due),
    ] {
        assert_eq!(found(store, other).await.discovery, Discovery::Comparison(why));
    }
    let new = store.add_sync(&sync_draft("new", LISTS[0], "New"), at(50)).await.unwrap();
    assert_eq!(found(store, look(new.id)).await.discovery, Discovery::Comparison(Why::NeverCompared));
}

#[tokio::test]
async fn another_syncs_run_into_the_audience_reopens_a_contact() {
    let play = Play::begin().await;
    let store = &play.home.store;
    let shared = play.id(2).await.unwrap();
    store.record_batch(play.runs[1], record(1, shared, 2, Told::Written(9))).await.unwrap();
    let open = found(store, look(play.syncs[0])).await;
    assert_eq!((open.discovery, said(&open)), (Discovery::Cursor, (vec![2], 2, 1, false)));
}

#[tokio::test]
async fn the_day_counts_from_the_comparison_not_from_the_last_look() {
    let play = Play::begin().await;
    let (store, sync) = (&play.home.store, play.syncs[0]);
    let day = COMPARED_AT_LEAST_EVERY.as_secs();
    let late = Look { at: at(100 + day - 1), ..look(sync) };
    add(store, "p9@example.cz").await;
    assert_eq!(keep(store, late.clone()).await, Discovery::Cursor);
    let later = Look { at: at(100 + day), ..late };
    assert_eq!(keep(store, later.clone()).await, Discovery::Comparison(Why::Due));
    assert_eq!(keep(store, later).await, Discovery::Cursor);
}

#[tokio::test]
async fn an_import_that_gives_a_contact_a_second_entry_reopens_it() {
    for mode in [ImportMode::Add, ImportMode::Replace] {
        let play = Play::begin().await;
        let store = &play.home.store;
        let people = [("p1@example.cz", ""), ("p1@example.cz", "again"), ("p2@example.cz", ""), ("p3@example.cz", "")];
        import(store, &start(LISTS[0], mode), rows(&people)).await;
        assert_eq!(entries(store, LISTS[0]).await.len(), 4, "{mode:?}");
        let ways = play.check("an import with a second row").await;
        assert_eq!(ways, [Discovery::Cursor; 2], "{mode:?}");
    }
}

#[tokio::test]
async fn a_large_import_changes_the_list_as_a_whole() {
    let play = Play::begin().await;
    let (store, sync) = (&play.home.store, play.syncs[0]);
    let many = (1..=5_001).map(|number| row(number + 1, "", &format!("m{number}@example.cz"), "M")).collect();
    import(store, &start(LISTS[0], ImportMode::Add), many).await;
    assert_eq!(found(store, look(sync)).await.discovery, Discovery::Comparison(Why::ListChanged));
    let ways = play.check("a large import").await;
    assert_eq!(ways[1], Discovery::Cursor, "the other list did not change");
    keep(store, look(sync)).await;
    assert_eq!(found(store, look(sync)).await.discovery, Discovery::Cursor);
}

#[tokio::test]
async fn a_picture_that_comes_late_is_not_followed_past_what_was_forgotten() {
    let play = Play::begin().await;
    let (store, [guests, staff]) = (&play.home.store, play.syncs);
    let new = store.add_sync(&sync_draft("new", LISTS[0], "New"), at(50)).await.unwrap();
    let late = found(store, look(new.id)).await.picture.unwrap();
    let shared = play.id(2).await.unwrap();
    store.record_batch(play.runs[1], record(1, shared, 2, Told::Written(9))).await.unwrap();
    // Both other syncs have seen it now, so that nobody keeps who moved.
    keep(store, look(guests)).await;
    keep(store, look(staff)).await;
    store.keep_picture(new.id, &late).await.unwrap();
    assert_eq!(found(store, look(new.id)).await.discovery, Discovery::Comparison(Why::MuchMoved));
    assert_eq!(found(store, look(guests)).await.discovery, Discovery::Cursor);
}
