//! Segments: saved, asked for, explained, and gathered for syncs.

use jiff::Zoned;
use jiff::tz::TimeZone;
use postroom_domain::consent::{ConsentAct, ConsentSource};
use postroom_domain::contact::ContactId;
use postroom_domain::segment::{ActivityKind, Condition, PREDEFINED, parse};
use postroom_sqlite::SqliteStore;
use postroom_store::StoreError;
use postroom_store::accounts::AccountStore;
use postroom_store::contacts::ContactStore;
use postroom_store::lists::{ImportMode, ImportStore, ListStore};
use postroom_store::runs::RunStore;
use postroom_store::segments::{ActivityRow, Filterable, MAX_FILTERABLE, SegmentRefresh, SegmentStore};
use postroom_store::syncs::SyncStore;
use postroom_store::workspace::WorkspaceStore;

use crate::fixture::{account, add, at, entries, event, home, sequence, start, sync_draft, upsert, who};
use crate::runs::look;

fn now() -> Zoned {
    at(100).to_zoned(TimeZone::UTC)
}

fn tree(text: &str) -> Condition {
    parse(text).unwrap().condition
}

async fn tag(store: &SqliteStore, address: &str, tag: &str, present: bool) {
    store.tag_contact(&who(address), tag, present, at(2)).await.unwrap();
}

async fn refresh(store: &SqliteStore, name: &str) -> SegmentRefresh {
    store.refresh_segment(name, &now()).await.unwrap()
}

fn sums(members: u64, entered: u64, left: u64) -> SegmentRefresh {
    SegmentRefresh { members, entered, left }
}

#[tokio::test]
async fn d6_a_segment_is_saved_replaced_renamed_and_deleted() {
    let home = home();
    let store = &home.store;
    let made = store.save_segment(" germans ", &tree("language=\"de\""), at(1)).await.unwrap();
    assert_eq!((made.name.as_str(), made.text.as_str(), made.is_predefined), ("germans", "language = \"de\"", false));
    let replaced = store.save_segment("germans", &tree("language in (\"de\", \"de-AT\")"), at(2)).await.unwrap();
    assert_eq!(store.segments().await.unwrap(), std::slice::from_ref(&replaced));
    store.rename_segment("germans", "german speakers").await.unwrap();
    assert_eq!(store.segment("german speakers").await.unwrap().condition, replaced.condition);
    assert!(matches!(store.segment("germans").await, Err(StoreError::NotFound { kind: "segment", .. })));
    store.delete_segment("german speakers").await.unwrap();
    assert_eq!(store.segments().await.unwrap(), []);
}

#[tokio::test]
async fn d6_what_does_not_fit_the_workspace_is_refused_with_its_place() {
    let home = home();
    let error = home.store.save_segment("s", &tree("lang = \"de\" and everyone"), at(1)).await.unwrap_err();
    let sentence = "there is no field `lang`: did you mean `language`?\n  lang = \"de\" and everyone\n  ^^^^^^^^^^^";
    assert_eq!(error, StoreError::Refused(sentence.to_owned()));
    let alone = Condition::Any(vec![Condition::Everyone]);
    assert!(matches!(home.store.preview_segment(&alone, &now(), 1).await, Err(StoreError::Refused(_))));
    assert_eq!(home.store.segments().await.unwrap(), []);
}

#[tokio::test]
async fn lists_and_segments_share_their_names() {
    let home = home();
    let store = &home.store;
    store.create_list("vip", at(1)).await.unwrap();
    store.save_segment("germans", &tree("everyone"), at(1)).await.unwrap();
    let taken = |kind, name: &str| StoreError::Taken { kind, name: name.to_owned() };
    assert_eq!(store.save_segment("vip", &tree("everyone"), at(1)).await.unwrap_err(), taken("list", "vip"));
    assert_eq!(store.rename_segment("germans", "vip").await.unwrap_err(), taken("list", "vip"));
    assert_eq!(store.create_list("germans", at(1)).await.unwrap_err(), taken("segment", "germans"));
    assert_eq!(store.rename_list("vip", "germans", at(1)).await.unwrap_err(), taken("segment", "germans"));
    let import = store.begin_import(&start("germans", ImportMode::Add)).await;
    assert_eq!(import.unwrap_err(), taken("segment", "germans"));
    for refused in [
        store.save_segment("withdrawn", &tree("everyone"), at(1)).await.map(drop),
        store.create_list("withdrawn", at(1)).await.map(drop),
        store.begin_import(&start("withdrawn", ImportMode::Add)).await.map(drop),
        store.rename_segment("germans", "withdrawn").await,
        store.delete_segment("withdrawn").await,
    ] {
        assert!(matches!(&refused, Err(StoreError::Refused(why)) if why.contains("predefined")), "{refused:?}");
    }
    let names: Vec<_> = store.lists().await.unwrap().into_iter().map(|list| list.name).collect();
    assert_eq!(names, ["vip"], "the lists of segments are not shown");
    assert!(matches!(store.list("germans").await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn d5_what_a_segment_names_stays_and_may_be_renamed() {
    let home = home();
    let store = &home.store;
    store.add_account(&account("hotel", "secret"), at(0)).await.unwrap();
    store.create_list("vip", at(1)).await.unwrap();
    store.create_list("guests", at(1)).await.unwrap();
    store.add_sync(&sync_draft("letter", "guests", "Guests"), at(1)).await.unwrap();
    store.save_segment("s", &tree("on(\"vip\") or member(\"letter\")"), at(1)).await.unwrap();
    let error = store.delete_list("vip", at(2)).await.unwrap_err();
    assert_eq!(error.to_string(), "the list `vip` is used by the segment s: remove it first");
    let error = store.remove_sync("letter").await.unwrap_err();
    assert_eq!(error.to_string(), "the sync `letter` is used by the segment s: remove it first");
    store.rename_list("vip", "best", at(2)).await.unwrap();
    let draft = sync_draft("news", "guests", "Guests");
    store.edit_sync("letter", &draft, at(2)).await.unwrap();
    assert_eq!(store.segment("s").await.unwrap().text, "on(\"best\") or member(\"news\")");
    store.save_segment("s", &tree("everyone"), at(3)).await.unwrap();
    store.delete_list("best", at(4)).await.unwrap();
    store.remove_sync("news").await.unwrap();
}

#[tokio::test]
async fn d6_a_preview_counts_all_and_shows_the_first() {
    let home = home();
    let store = &home.store;
    for name in ["a", "b", "c", "d"] {
        let values = if name == "b" { vec![] } else { vec![("language", "de")] };
        store.upsert_contact(&upsert(&format!("{name}@example.cz"), &values)).await.unwrap();
    }
    let condition = tree("language = \"de\"");
    let preview = store.preview_segment(&condition, &now(), 2).await.unwrap();
    let shown: Vec<_> = preview.first.iter().map(|contact| contact.email.as_str()).collect();
    assert_eq!((preview.count, shown), (3, vec!["a@example.cz", "c@example.cz"]));
    let page = store.segment_members(&condition, &now(), Some(preview.first[1].id), 10).await.unwrap();
    assert_eq!(page.iter().map(|contact| contact.email.as_str()).collect::<Vec<_>>(), ["d@example.cz"]);
    let why = store.explain_segment(&condition, &who("b@example.cz"), &now()).await.unwrap();
    assert_eq!((why.holds, why.saw, why.condition.as_str()), (false, None, "language = \"de\""));
}

#[tokio::test]
async fn d7_predefined_segments_are_there_at_once() {
    let home = home();
    let store = &home.store;
    add(store, "new@example.cz").await;
    add(store, "gone@example.cz").await;
    let withdrawal = event(3, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    store.record_consent(&who("gone@example.cz"), &withdrawal).await.unwrap();
    let mut counts = Vec::new();
    for segment in PREDEFINED {
        let found = store.segment(segment.name).await.unwrap();
        assert!(found.is_predefined);
        let preview = store.preview_segment(&found.condition, &now(), 0).await.unwrap();
        if preview.count > 0 {
            counts.push((segment.name, preview.count));
        }
    }
    let expected = [("never-mailed", 2), ("new-7-days", 2), ("new-30-days", 2), ("no-consent", 1), ("withdrawn", 1)];
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn d7_activity_is_recorded_once_and_goes_with_its_contact() {
    let home = home();
    let store = &home.store;
    let id = add(store, "a@example.cz").await;
    let row = |contact| ActivityRow { contact, kind: ActivityKind::Opened, campaign: "Spring".to_owned(), at: at(9) };
    let rows = vec![row(id), row(id), row(ContactId(id.0 + 1))];
    assert_eq!(store.record_activity(rows.clone()).await.unwrap(), 1);
    assert_eq!(store.record_activity(rows).await.unwrap(), 0);
    let count = async || store.preview_segment(&tree("opened(\"Spring\")"), &now(), 0).await.unwrap().count;
    assert_eq!(count().await, 1);
    store.delete_contact(&who("a@example.cz"), at(10)).await.unwrap();
    assert_eq!(count().await, 0);
    let many = vec![row(id); 1_001];
    assert!(matches!(store.record_activity(many).await, Err(StoreError::Refused(_))));
}

#[tokio::test]
async fn d7_a_sync_takes_a_segment_whose_members_enter_and_leave() {
    let home = home();
    let store = &home.store;
    store.add_account(&account("hotel", "secret"), at(0)).await.unwrap();
    for name in ["c", "a", "b"] {
        add(store, &format!("{name}@example.cz")).await;
        tag(store, &format!("{name}@example.cz"), "guest", true).await;
    }
    store.save_segment("tagged", &tree("tag(\"guest\")"), at(1)).await.unwrap();
    let sync = store.add_sync(&sync_draft("tagged", "tagged", "Guests"), at(3)).await.unwrap();
    assert!(sync.is_segment && sync.list == "tagged");
    assert_eq!(store.segment("tagged").await.unwrap().syncs, ["tagged"]);
    let places = async || {
        let open = store.open_entries(&look(sync.id)).await.unwrap();
        let rows = store.snapshot(sync.id, [1; 16], &open.page(0, 100)).await.unwrap().rows;
        rows.into_iter().map(|row| row.position).collect::<Vec<_>>()
    };
    assert_eq!(places().await, [0; 0], "nobody is gathered before it is asked for");
    assert_eq!(refresh(store, "tagged").await, sums(3, 3, 0));
    assert_eq!(places().await, [1, 2, 3], "in the order of the contacts");
    let before = sequence(store).await;
    assert_eq!(refresh(store, "tagged").await, sums(3, 0, 0));
    assert_eq!(sequence(store).await, before, "nothing moved");
    tag(store, "c@example.cz", "guest", false).await;
    add(store, "d@example.cz").await;
    tag(store, "d@example.cz", "guest", true).await;
    assert_eq!(refresh(store, "tagged").await, sums(3, 1, 1));
    assert_eq!(places().await, [2, 3, 4]);
    store.delete_contact(&who("a@example.cz"), at(9)).await.unwrap();
    assert_eq!(places().await, [3, 4], "who is deleted is gone at once");
    assert_eq!(refresh(store, "tagged").await, sums(2, 0, 0));

    let error = store.delete_segment("tagged").await.unwrap_err();
    assert_eq!(error.to_string(), "the segment `tagged` is used by the sync tagged: remove it first");
    store.remove_sync("tagged").await.unwrap();
    store.delete_segment("tagged").await.unwrap();
    store.create_list("tagged", at(10)).await.unwrap();
    assert!(entries(store, "tagged").await.is_empty(), "a list of that name is another");
}

#[tokio::test]
async fn d7_a_predefined_segment_is_a_syncs_source_at_once() {
    let home = home();
    let store = &home.store;
    store.add_account(&account("hotel", "secret"), at(0)).await.unwrap();
    add(store, "a@example.cz").await;
    let sync = store.add_sync(&sync_draft("s", "new-7-days", "New"), at(3)).await.unwrap();
    assert!(sync.is_segment);
    assert_eq!(refresh(store, "new-7-days").await, sums(1, 1, 0));
    assert_eq!(store.segments().await.unwrap(), [], "it is not among those that were saved");
    let later = now().saturating_add(jiff::Span::new().days(8));
    assert_eq!(store.refresh_segment("new-7-days", &later).await.unwrap(), sums(0, 0, 1));
    let missing = store.add_sync(&sync_draft("t", "no such thing", "T"), at(3)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { kind: "list", .. })));
}

#[tokio::test]
async fn many_members_are_gathered_in_units_and_all_of_them_may_leave() {
    let home = home();
    let store = &home.store;
    let import = store.begin_import(&start("all", ImportMode::Add)).await.unwrap().import;
    for chunk in 0..3_u64 {
        let rows = (0..1_000_u64).map(|n| crate::fixture::row(n + 2, "", &format!("g{chunk}x{n}@example.cz"), "N"));
        store.import_rows(import, rows.collect()).await.unwrap();
    }
    store.finish_import(import, at(11)).await.unwrap();
    store.save_segment("all of them", &tree("on(\"all\")"), at(1)).await.unwrap();
    assert_eq!(refresh(store, "all of them").await, sums(3_000, 3_000, 0));
    store.save_segment("all of them", &tree("email contains \"1x\" and on(\"all\")"), at(1)).await.unwrap();
    let kept = refresh(store, "all of them").await;
    assert_eq!((kept.members, kept.entered, kept.left), (1_000, 0, 2_000));
    assert_eq!(refresh(store, "all of them").await, sums(1_000, 0, 0));
    store.save_segment("all of them", &tree("not everyone"), at(1)).await.unwrap();
    assert_eq!(refresh(store, "all of them").await, sums(0, 0, 1_000));
}

#[tokio::test]
async fn a_field_is_made_filterable_and_ordinary_again() {
    let home = home();
    let store = &home.store;
    let change =
        |field: &str, is_filterable| Filterable { field: field.parse().unwrap(), is_filterable, may_block: false };
    store.upsert_contact(&upsert("a@example.cz", &[("language", "de")])).await.unwrap();
    let found = async || {
        let condition = tree("language = \"DE\" and birthday is empty and address.city is empty");
        store.preview_segment(&condition, &now(), 1).await.unwrap().count
    };
    for field in ["language", "birthday", "address"] {
        store.set_filterable(&change(field, true)).await.unwrap();
        store.set_filterable(&change(field, true)).await.unwrap();
        assert_eq!(found().await, 1);
    }
    let names: Vec<_> = store.filterable_fields().await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["language", "birthday", "address"]);
    store.upsert_contact(&upsert("b@example.cz", &[("language", "de")])).await.unwrap();
    assert_eq!(found().await, 2);
    store.set_filterable(&change("language", false)).await.unwrap();
    assert_eq!((found().await, store.filterable_fields().await.unwrap().len()), (2, 2));
    let mut stay = postroom_domain::field::FieldDefinition::new(
        "stay".parse().unwrap(),
        postroom_domain::field::FieldType::Date,
        "Last stay".to_owned(),
    );
    stay.is_filterable = true;
    store.add_field(stay).await.unwrap();
    assert_eq!(store.filterable_fields().await.unwrap().len(), 3, "a new field may be so from the start");
    let mut topics = postroom_domain::field::FieldDefinition::new(
        "topics".parse().unwrap(),
        postroom_domain::field::FieldType::MultipleChoice,
        "Topics".to_owned(),
    );
    store.add_field(topics.clone()).await.unwrap();
    assert!(matches!(store.set_filterable(&change("topics", true)).await, Err(StoreError::Refused(_))));
    topics.kind = postroom_domain::field::FieldType::Text;
    for letter in ('a'..='z').take(MAX_FILTERABLE - 3) {
        topics.name = format!("extra{letter}").parse().unwrap();
        store.add_field(topics.clone()).await.unwrap();
        store.set_filterable(&change(topics.name.as_str(), true)).await.unwrap();
    }
    let error = store.set_filterable(&change("company", true)).await.unwrap_err();
    assert!(error.to_string().starts_with("16 fields are filterable already (birthday, address, stay, "), "{error}");
}

#[tokio::test]
async fn d6_a_segment_may_name_others_and_follows_them() {
    let home = home();
    let store = &home.store;
    for (address, language) in [("jana@example.cz", "de"), ("bert@example.cz", "en"), ("mari@example.cz", "de")] {
        store.upsert_contact(&upsert(address, &[("language", language)])).await.unwrap();
    }
    tag(store, "jana@example.cz", "vip", true).await;
    store.save_segment("germans", &tree(r#"language = "de" or language = "nl""#), at(1)).await.unwrap();
    let text = r#"in_segment("germans") and not tag("vip") and in_segment("new-7-days")"#;
    store.save_segment("others", &tree(text), at(1)).await.unwrap();
    let members = async |name: &str| -> Vec<String> {
        let condition = store.segment(name).await.unwrap().condition;
        let members = store.segment_members(&condition, &now(), None, 10).await.unwrap();
        members.into_iter().map(|contact| contact.email.to_string()).collect()
    };
    assert_eq!(members("others").await, ["mari@example.cz"]);
    let others = store.segment("others").await.unwrap().condition;
    let explained = store.explain_segment(&others, &who("bert@example.cz"), &now()).await.unwrap();
    assert!(!explained.holds && explained.to_string().contains(r#"language = "nl""#), "{explained}");
    assert!(store.explain_segment(&others, &who("mari@example.cz"), &now()).await.unwrap().holds);

    store.save_segment("germans", &tree(r#"language = "en""#), at(2)).await.unwrap();
    assert_eq!(members("others").await, ["bert@example.cz"]);
    store.rename_segment("germans", "speakers").await.unwrap();
    assert!(store.segment("others").await.unwrap().text.starts_with(r#"in_segment("speakers")"#));
    assert_eq!(members("others").await, ["bert@example.cz"]);
    let refused = store.delete_segment("speakers").await.unwrap_err();
    assert_eq!(refused.to_string(), "the segment `speakers` is used by the segment others: remove it first");

    let itself = store.save_segment("speakers", &tree(r#"in_segment("others")"#), at(3)).await.unwrap_err();
    assert!(itself.to_string().contains("`speakers` → `others` → `speakers`"), "{itself}");
    let unknown = store.save_segment("x", &tree(r#"in_segment("speekers")"#), at(3)).await.unwrap_err();
    assert!(unknown.to_string().contains("there is no segment `speekers`: did you mean `speakers`?"), "{unknown}");
    let many = vec![r#"tag("a")"#; 200].join(" or ");
    store.save_segment("speakers", &tree(&many), at(3)).await.unwrap();
    let twice = r#"in_segment("speakers") or in_segment("others") or tag("b")"#;
    let large = store.save_segment("twice", &tree(twice), at(3)).await.unwrap_err();
    assert!(large.to_string().contains("more than 400 conditions"), "{large}");
    store.delete_segment("others").await.unwrap();
    store.delete_segment("speakers").await.unwrap();
}
