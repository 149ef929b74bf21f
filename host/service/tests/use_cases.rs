//! The use cases over a real store and the real bundled component, without a provider.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints spare test functions only; the house around them fails the same way"
)]

mod house;

use postroom_service::accounts::AddAccount;
use postroom_service::consent::StateConsent;
use postroom_service::contacts::AddContact;
use postroom_service::import::ImportProgress;
use postroom_service::plugins::{InstallPlugin, PluginOrigin, StatedSource};
use postroom_service::{ErrorKind, ServiceError};

use house::{House, component, file};
use postroom_domain::consent::{ConsentAct, ConsentSource, ConsentState};
use postroom_domain::narrowing::Scope;
use postroom_store::lists::{IMPORT_BATCH_ROWS, ImportMode};

#[tokio::test]
async fn d1_an_import_says_what_became_of_every_row() {
    let house = House::new();
    let rows = "id,E-mail,First name\n1,jana@example.com,Jana\n,,Nameless\n2,bert@example.com,Bert\n1,JANA@example.com,Again\n";
    let imported = house.import(rows, ImportMode::Add).await.unwrap();
    let counts = imported.counts;
    assert_eq!((counts.rows, counts.created, counts.duplicate, counts.invalid, counts.joined), (4, 2, 1, 1, 4));
    assert_eq!((imported.rejected, imported.rejects_file), (0, None));
    let again = house.import(rows, ImportMode::Replace).await.unwrap().counts;
    assert_eq!((again.created, again.updated, again.unchanged, again.joined, again.left), (0, 0, 2, 0, 0));
}

#[tokio::test]
async fn a_bad_row_is_written_to_the_rejects_file_and_the_others_go() {
    let house = House::new();
    let mut rows = String::from("id,E-mail\n");
    (0..40).for_each(|number| rows.push_str(&format!("{number},guest{number}@example.com\n")));
    rows.push_str("40,ragged@example.com,too,many\n");
    let imported = house.import(&rows, ImportMode::Add).await.unwrap();
    assert_eq!((imported.counts.created, imported.rejected), (40, 1));
    let rejects = std::fs::read_to_string(imported.rejects_file.unwrap()).unwrap();
    assert!(rejects.contains("42") && rejects.contains("ragged@example.com"), "{rejects}");
}

#[tokio::test]
async fn an_import_that_was_cut_short_goes_on_and_rejects_what_it_had_rejected() {
    let house = House::new();
    // The third line is refused by the store, the fourth cannot be read; both come before the cut.
    let mut rows = String::from("id,E-mail\n0,first@example.com\n0,second@example.com\n1,ragged@example.com,more\n");
    (2..IMPORT_BATCH_ROWS + 10).for_each(|number| rows.push_str(&format!("{number},guest{number}@example.com\n")));
    let cut = tokio::sync::Notify::new();
    let watch = |progress: ImportProgress| {
        if progress.done > 0 {
            cut.notify_one();
        }
    };
    let request = file(&house, &rows, ImportMode::Replace);
    tokio::select! {
        biased;
        () = cut.notified() => {}
        ended = house.service.import(request.clone(), &watch) => {
            panic!("it ended before it was cut: {ended:?}");
        }
    }
    let house = house.reopened();
    house.tick();
    assert!(house.service.lists().await.unwrap().is_empty());
    let imported = house.service.import(request.clone(), &|_| {}).await.unwrap();
    let batch = IMPORT_BATCH_ROWS as u64;
    // The ragged row never comes to the store. The rows behind the first batch may have been on their way to
    // the writer when the import was cut.
    assert!([batch - 1, batch + 10].contains(&imported.taken_up), "{} rows were done", imported.taken_up);
    assert_eq!((imported.counts.created, imported.counts.joined, imported.rejected), (batch + 9, batch + 9, 2));
    let rejects = std::fs::read_to_string(imported.rejects_file.unwrap()).unwrap();
    let lines: Vec<_> = rejects.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(lines, ["3", "4"], "{rejects}");
    let again = house.service.import(request, &|_| {}).await.unwrap();
    assert_eq!((again.taken_up, again.counts.unchanged, again.rejected), (0, batch + 9, 2));
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_knows_who_would_leave() {
    let house = House::new();
    house
        .import("id,E-mail\n1,old@example.com\n2,gone@example.com\n3,stays@example.com\n", ImportMode::Add)
        .await
        .unwrap();
    let before = house.service.workspace().await.unwrap();
    // The first has a new address and the same number: it stays.
    let rows = "id,E-mail,Phone\n1,new@example.com,\n3,STAYS@example.com,1\n4,fresh@example.com,\n,,\n";
    let preview = house.preview(rows, ImportMode::Replace).await.unwrap();
    assert_eq!((preview.rows, preview.contacts, preview.leaving), (3, 3, 1));
    assert_eq!(preview.leavers, ["gone@example.com"]);
    assert_eq!(house.service.workspace().await.unwrap(), before);
}

#[tokio::test]
async fn a6_a_dry_run_counts_by_key_and_by_address_as_the_import_does() {
    let house = House::new();
    house.import("id,E-mail\n1,old@example.com\n2,other@example.com\n", ImportMode::Add).await.unwrap();
    // A new address of 1; the same key once more; an address of another key; a new one, twice; nobody.
    let rows = "id,E-mail,Phone\n1,new@example.com,\n1,NEW@example.com,\n9,other@example.com,\n\
                3,fresh@example.com,\n3,fresh@example.com,\n4,,1\n";
    let preview = house.preview(rows, ImportMode::Add).await.unwrap();
    let imported = house.import(rows, ImportMode::Add).await.unwrap();
    let counts = imported.counts;
    assert_eq!(
        (preview.rows, preview.created, preview.contacts, preview.duplicate, preview.invalid, preview.rejected),
        (
            counts.rows,
            counts.created,
            counts.created + counts.updated + counts.unchanged,
            counts.duplicate,
            counts.invalid,
            imported.rejected
        )
    );
    assert_eq!(
        (preview.created, preview.contacts, preview.duplicate, preview.invalid, preview.rejected),
        (1, 2, 2, 1, 1)
    );
    assert!(preview.rejects[0].line == 4 && preview.rejects[0].reason.contains("another key"), "{:?}", preview.rejects);
}

#[tokio::test]
async fn what_can_not_be_imported_is_refused_before_anything_is_written() {
    let house = House::new();
    let mut nameless = file(&house, "E-mail\njana@example.com\n", ImportMode::Replace);
    nameless.list = None;
    let error = house.service.import(nameless, &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadInput);
    let mut unproven = file(&house, "E-mail\njana@example.com\n", ImportMode::Add);
    unproven.consent_evidence = Some("  ".to_owned());
    let error = house.service.import(unproven, &|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("evidence"), "{error}");
    let error = house.import("name\nJana\n", ImportMode::Add).await.unwrap_err();
    assert!(matches!(error, ServiceError::Import(_)), "{error}");
    assert!(house.service.lists().await.unwrap().is_empty());
}

#[tokio::test]
async fn d3_only_the_contacts_own_opt_in_lifts_its_withdrawal() {
    let house = House::new();
    let request = AddContact { email: "jana@example.com".into(), ..AddContact::default() };
    house.service.add_contact(request).await.unwrap();
    let state = |act, source, evidence: Option<&str>| {
        house.service.state_consent(StateConsent {
            who: "jana@example.com".into(),
            act,
            scope: Scope::Whole,
            source,
            evidence: evidence.map(str::to_owned),
            origin: None,
            wording: None,
            ip: None,
            at: None,
        })
    };
    let error = state(ConsentAct::Granted, ConsentSource::Operator, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadInput);
    state(ConsentAct::Withdrawn, ConsentSource::Operator, None).await.unwrap();
    let error = state(ConsentAct::Granted, ConsentSource::Operator, Some("says so")).await.unwrap_err();
    assert!(matches!(error, ServiceError::ConsentStands { state: ConsentState::Withdrawn, .. }), "{error}");
    house.tick();
    let lifted = state(ConsentAct::Granted, ConsentSource::Contact, Some("form of 2 May")).await.unwrap();
    assert_eq!(lifted.consent, ConsentState::Granted);
    // What is said now is the latest word, whatever the clock shows.
    house.set_back();
    let withdrawn = state(ConsentAct::Withdrawn, ConsentSource::Operator, None).await.unwrap();
    assert_eq!(withdrawn.consent, ConsentState::Withdrawn);
}

#[tokio::test]
async fn p3_an_installed_plugin_gets_what_was_approved_and_nothing_unasked() {
    let house = House::new();
    let listed = house.service.plugins().await.unwrap();
    assert_eq!((listed[0].id.as_str(), listed[0].origin), ("mailchimp", PluginOrigin::Bundled));
    let request = |source: &str, approve: Option<&str>| InstallPlugin {
        component: component().to_vec(),
        source: StatedSource::Word(source.to_owned()),
        approve: approve.map(str::to_owned),
    };
    let error = house.service.install_plugin(request("vendor", None)).await.unwrap_err();
    let ServiceError::PluginNeedsApproval(asked) = error else { panic!("{error}") };
    assert!(asked.difference.added.iter().any(|right| right.to_string().contains("api.mailchimp.com")), "{asked:?}");
    assert!(house.service.plugins().await.unwrap().iter().all(|plugin| plugin.origin == PluginOrigin::Bundled));

    let other = format!("sha256:{}", "0".repeat(64));
    let error = house.service.install_plugin(request("vendor", Some(&other))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadInput);

    let installed = house.service.install_plugin(request("vendor", Some(&asked.digest))).await.unwrap();
    assert!(!installed.inherited_approval && installed.replaced.is_none());
    let again = house.service.install_plugin(request("vendor", None)).await.unwrap();
    assert!(again.inherited_approval && again.replaced.is_some());
    let elsewhere = house.service.install_plugin(request("somewhere else", None)).await.unwrap_err();
    assert_eq!(elsewhere.kind(), ErrorKind::NeedsApproval);

    house.service.remove_plugin("mailchimp").await.unwrap();
    assert_eq!(house.service.plugins().await.unwrap()[0].origin, PluginOrigin::Bundled);
    let error = house.service.remove_plugin("mailchimp").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn c1_everything_that_is_wrong_with_an_account_is_said_at_once() {
    let house = House::new();
    let request = AddAccount {
        name: "main".into(),
        plugin: "mailchimp".into(),
        settings: [("colour".to_owned(), "red".to_owned())].into(),
        origins: [("web".to_owned(), "https://example.com".to_owned())].into(),
        check: true,
        ..AddAccount::default()
    };
    let error = house.service.add_account(request).await.unwrap_err();
    let ServiceError::Account { faults, .. } = &error else { panic!("{error}") };
    assert_eq!(faults.len(), 3, "{error}");
    let unknown = AddAccount { name: "main".into(), plugin: "nobody".into(), ..AddAccount::default() };
    let error = house.service.add_account(unknown).await.unwrap_err();
    assert!(error.kind() == ErrorKind::NotFound && error.to_string().contains("mailchimp"), "{error}");
}
