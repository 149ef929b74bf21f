//! What rows of a file say beside fields: claims of consent, and tags.

use postroom_domain::claim::{ClaimedAct, ConsentClaim};
use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource, ConsentState};
use postroom_domain::contact::ImportedRow;
use postroom_store::contacts::{ContactDetail, ContactStore};
use postroom_store::lists::{ImportMode, ImportStart};

use crate::fixture::{Home, add, at, event, home, import, row, sequence, start, who, with_consent};

/// A row that claims something of its contact.
fn claiming(line: u64, address: &str, act: ClaimedAct, second: Option<i64>) -> ImportedRow {
    let evidence = format!("status {act:?} (guests.csv, line {line})");
    let claim = ConsentClaim { act, at: second.map(at), evidence, ip: Some("192.0.2.7".to_owned()) };
    ImportedRow { claim: Some(claim), ..row(line, "", address, "X") }
}

fn tagged(line: u64, address: &str, tags: &[&str]) -> ImportedRow {
    ImportedRow { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..row(line, "", address, "X") }
}

/// The start of another import of the same file.
fn later(second: i64) -> ImportStart {
    ImportStart { at: at(second), ..start("guests", ImportMode::Replace) }
}

fn believing(start: ImportStart) -> ImportStart {
    ImportStart { believes_file: true, ..start }
}

async fn detail(home: &Home, address: &str) -> ContactDetail {
    home.store.contact(&who(address)).await.unwrap().unwrap()
}

async fn state(home: &Home, address: &str) -> ConsentState {
    detail(home, address).await.contact.consent
}

#[tokio::test]
async fn invariant_2_a_withdrawal_of_a_file_is_recorded_once_however_often_it_is_imported() {
    let home = home();
    let store = &home.store;
    for address in ["dated@example.cz", "undated@example.cz"] {
        add(store, address).await;
    }
    let file = |first: u64| {
        vec![
            claiming(first, "dated@example.cz", ClaimedAct::Withdrawn, Some(3)),
            claiming(first + 1, "undated@example.cz", ClaimedAct::Withdrawn, None),
            claiming(first + 2, "new@example.cz", ClaimedAct::Withdrawn, None),
            claiming(first + 3, "dead@example.cz", ClaimedAct::Bounced, Some(4)),
        ]
    };
    let (report, _) = import(store, &later(20), file(2)).await;
    assert_eq!((report.counts.opt_outs_recorded, report.counts.created), (4, 2));
    let (number, before) = (sequence(store).await, detail(&home, "dated@example.cz").await);
    let mut stated = event(3, ConsentAct::Withdrawn, ConsentSource::Import, None);
    stated.evidence = Some("status Withdrawn (guests.csv, line 2)".to_owned());
    stated.provenance.origin = Some("guests.csv, line 2".to_owned());
    stated.provenance.ip = Some("192.0.2.7".parse().unwrap());
    assert_eq!(before.consent_history, [stated]);
    // The same file, and the same with a row more at its head.
    for (second, first) in [(30, 2), (40, 3)] {
        let (again, _) = import(store, &later(second), file(first)).await;
        assert_eq!((again.counts.opt_outs_recorded, again.counts.unchanged), (0, 4));
        assert_eq!(sequence(store).await, number, "nothing changed a second time");
    }
    for address in ["dated@example.cz", "undated@example.cz", "new@example.cz"] {
        assert_eq!(state(&home, address).await, ConsentState::Withdrawn, "{address}");
        assert_eq!(detail(&home, address).await.consent_history.len(), 1, "{address}");
    }
    assert_eq!(detail(&home, "undated@example.cz").await.consent_history[0].at, at(20), "when it was first heard of");
    assert_eq!(state(&home, "dead@example.cz").await, ConsentState::Unusable);
}

#[tokio::test]
async fn a_contact_that_opts_in_after_the_file_is_not_withdrawn_by_the_same_line_again() {
    let home = home();
    let no = vec![claiming(2, "back@example.cz", ClaimedAct::Withdrawn, None)];
    import(&home.store, &later(20), no.clone()).await;
    let own = event(25, ConsentAct::Granted, ConsentSource::Contact, Some("form"));
    assert_eq!(home.store.record_consent(&who("back@example.cz"), &own).await.unwrap(), ConsentState::Granted);
    import(&home.store, &later(30), no).await;
    assert_eq!(state(&home, "back@example.cz").await, ConsentState::Granted);
    let ahead = vec![claiming(3, "back@example.cz", ClaimedAct::Withdrawn, Some(9_000))];
    import(&home.store, &later(40), ahead).await;
    let history = detail(&home, "back@example.cz").await.consent_history;
    assert_eq!(history.last().map(|event| event.at), Some(at(40)), "what lies ahead happened by the import at last");
}

#[tokio::test]
async fn invariant_2_whoever_s_row_speaks_of_no_grant_gets_none_though_one_is_stated_for_all() {
    let home = home();
    let store = &home.store;
    for address in ["old@example.cz", "granted@example.cz"] {
        add(store, address).await;
    }
    let yes = event(5, ConsentAct::Granted, ConsentSource::Contact, Some("form"));
    store.record_consent(&who("granted@example.cz"), &yes).await.unwrap();
    let mut file: Vec<ImportedRow> = (2..)
        .zip(["old@example.cz", "granted@example.cz", "new@example.cz"])
        .map(|(line, address)| claiming(line, address, ClaimedAct::NotGranted, None))
        .collect();
    file.push(row(5, "", "silent@example.cz", "X"));
    for second in [20, 30] {
        let (report, _) = import(store, &with_consent(later(second)), file.clone()).await;
        let counts = report.counts;
        assert_eq!((counts.consent_not_granted, counts.consent_kept_withdrawn, counts.opt_outs_recorded), (2, 0, 0));
        assert_eq!(counts.consent_kept_granted, 1);
        assert_eq!(counts.consent_recorded, u64::from(second == 20));
    }
    for (address, expected) in [
        ("old@example.cz", ConsentState::Unknown),
        ("new@example.cz", ConsentState::Unknown),
        // A file without consent takes none away.
        ("granted@example.cz", ConsentState::Granted),
        ("silent@example.cz", ConsentState::Granted),
    ] {
        assert_eq!(state(&home, address).await, expected, "{address}");
    }
}

#[tokio::test]
async fn a_grant_of_a_file_counts_only_when_the_file_is_believed_and_lifts_no_withdrawal() {
    let home = home();
    let store = &home.store;
    add(store, "old@example.cz").await;
    add(store, "no@example.cz").await;
    let no = event(5, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    store.record_consent(&who("no@example.cz"), &no).await.unwrap();
    let file: Vec<ImportedRow> = (2..)
        .zip(["old@example.cz", "no@example.cz", "new@example.cz"])
        .map(|(line, address)| claiming(line, address, ClaimedAct::Granted, Some(8)))
        .collect();
    let (report, _) = import(store, &later(20), file.clone()).await;
    assert_eq!((report.counts.consent_recorded, report.counts.consent_kept_withdrawn), (0, 0));
    assert_eq!(state(&home, "new@example.cz").await, ConsentState::Unknown);
    for (second, recorded) in [(30, 2), (40, 0)] {
        let (report, _) = import(store, &believing(later(second)), file.clone()).await;
        assert_eq!((report.counts.consent_recorded, report.counts.consent_kept_withdrawn), (recorded, 1));
    }
    for (address, expected) in [
        ("old@example.cz", ConsentState::Granted),
        ("new@example.cz", ConsentState::Granted),
        ("no@example.cz", ConsentState::Withdrawn),
    ] {
        assert_eq!(state(&home, address).await, expected, "{address}");
        assert_eq!(detail(&home, address).await.consent_history.len(), 1, "{address}");
    }
}

#[tokio::test]
async fn a_withdrawal_is_heard_in_a_later_row_too_and_beats_a_consent_that_is_stated_for_all() {
    let home = home();
    let store = &home.store;
    let file = vec![
        row(2, "", "twice@example.cz", "X"),
        claiming(3, "twice@example.cz", ClaimedAct::Withdrawn, None),
        claiming(4, "own@example.cz", ClaimedAct::Withdrawn, Some(3)),
        claiming(5, "twice@example.cz", ClaimedAct::Granted, None),
        row(6, "", "yes@example.cz", "X"),
    ];
    let (report, _) = import(store, &with_consent(believing(later(20))), file.clone()).await;
    assert_eq!((report.counts.opt_outs_recorded, report.counts.duplicate), (2, 2));
    for (address, expected) in [
        ("twice@example.cz", ConsentState::Withdrawn),
        ("own@example.cz", ConsentState::Withdrawn),
        ("yes@example.cz", ConsentState::Granted),
    ] {
        assert_eq!(state(&home, address).await, expected, "{address}");
    }
    let number = sequence(store).await;
    import(store, &with_consent(believing(later(30))), file).await;
    assert_eq!(sequence(store).await, number);
}

#[tokio::test]
async fn tags_of_a_file_are_put_on_and_never_taken_off() {
    let home = home();
    let store = &home.store;
    add(store, "old@example.cz").await;
    store.tag_contact(&who("old@example.cz"), "By hand", true, at(2)).await.unwrap();
    let file = vec![tagged(2, "old@example.cz", &["Ski", "VIP"]), tagged(3, "new@example.cz", &["ski"])];
    let (report, _) = import(store, &later(20), file.clone()).await;
    assert_eq!(report.counts.tagged, 2);
    assert_eq!(detail(&home, "old@example.cz").await.contact.tags, ["By hand", "Ski", "VIP"]);
    assert_eq!(detail(&home, "new@example.cz").await.contact.tags, ["Ski"], "two spellings are one tag");
    let number = sequence(store).await;
    let (again, _) = import(store, &later(30), file).await;
    assert_eq!((again.counts.tagged, sequence(store).await), (0, number));
    let fewer = vec![row(2, "", "old@example.cz", "X"), row(3, "", "new@example.cz", "X")];
    import(store, &later(40), fewer).await;
    assert_eq!(detail(&home, "old@example.cz").await.contact.tags, ["By hand", "Ski", "VIP"]);
}

#[tokio::test]
async fn contacts_that_are_made_ahead_of_their_rows_have_their_claims_and_tags() {
    let home = home();
    let store = &home.store;
    let file = |count: u64| {
        (0..count).map(move |number| {
            let address = format!("c{}@example.cz", number * 7_919 % count);
            let act = if number % 2 == 0 { ClaimedAct::Withdrawn } else { ClaimedAct::Granted };
            ImportedRow { tags: vec!["Ski".to_owned()], ..claiming(number + 2, &address, act, None) }
        })
    };
    const ROWS: u64 = 5_000;
    let (report, _) = import(store, &believing(later(20)), file(ROWS).collect()).await;
    let counts = report.counts;
    assert_eq!((counts.created, counts.tagged), (ROWS, ROWS));
    assert_eq!((counts.opt_outs_recorded, counts.consent_recorded), (ROWS / 2, ROWS / 2));
    let one = detail(&home, "c0@example.cz").await;
    let acts: Vec<_> = one.consent_history.iter().map(|event: &ConsentEvent| event.act).collect();
    assert_eq!((acts, one.contact.tags), (vec![ConsentAct::Withdrawn], vec!["Ski".to_owned()]));
    let number = sequence(store).await;
    let (again, _) = import(store, &believing(later(30)), file(ROWS).collect()).await;
    assert_eq!((again.counts.unchanged, again.counts.tagged, again.counts.opt_outs_recorded), (ROWS, 0, 0));
    assert_eq!(sequence(store).await, number);
}

#[tokio::test]
async fn whoever_is_known_among_many_that_are_made_ahead_keeps_a_history_and_a_number_of_their_own() {
    const ROWS: u64 = 4_500;
    let home = home();
    let store = &home.store;
    let rows = |is_in: fn(u64) -> bool, act| {
        let row = move |number: u64| claiming(number + 2, &format!("c{}@example.cz", number * 7_919 % ROWS), act, None);
        (0..ROWS).filter(move |number| is_in(*number)).map(row).collect::<Vec<_>>()
    };
    import(store, &believing(later(20)), rows(|number| number % 7 == 3, ClaimedAct::Withdrawn)).await;
    let known = ROWS.div_ceil(7);
    let (report, _) = import(store, &believing(later(30)), rows(|_| true, ClaimedAct::Granted)).await;
    assert_eq!((report.counts.created, report.counts.rows), (ROWS - known, ROWS));
    let mut ids = std::collections::HashSet::new();
    for number in 0..ROWS {
        let one = detail(&home, &format!("c{}@example.cz", number * 7_919 % ROWS)).await;
        assert!(ids.insert(one.contact.id));
        let acts: Vec<_> = one.consent_history.iter().map(|event| event.act).collect();
        let expected = if number % 7 == 3 { ConsentAct::Withdrawn } else { ConsentAct::Granted };
        assert_eq!(acts, [expected], "row {number}");
    }
    import(store, &later(40), vec![row(2, "", "after@example.cz", "X")]).await;
    assert!(ids.insert(detail(&home, "after@example.cz").await.contact.id), "no number is given twice");
}
