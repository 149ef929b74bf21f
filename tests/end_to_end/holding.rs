//! A store that is a copy, or an older state of itself, sends nothing until somebody lets it go on; a store that was
//! moved is the same.

use std::path::Path;
use std::process::Stdio;

use postroom_domain::intent::IntentKind;
use serde_json::{Value, json};

use crate::house::{Answer, House, program};
use crate::ledger::{arm, granted, plan};

/// Copies the files of a store as a backup does that knows nothing of it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// A verb that reaches providers, over the store of a folder.
fn reaches(store: &Path) -> Answer {
    Answer::of(program(store).args(["contact", "erasures", "--retry"])).done()
}

/// What holds the store of a folder, by the verb that lifts it.
fn holding(store: &Path) -> Value {
    Answer::of(program(store).args(["resume", "--dry-run", "--json"])).done().json()
}

/// A house that has sent something: a message is armed, another one and a push wait.
async fn at_work() -> House {
    let house = House::open().await;
    reaches(&house.store());
    let jana = granted(&house, "jana@example.com");
    let ids = plan(&house, jana, &[IntentKind::TemplateSend, IntentKind::Push, IntentKind::TemplateSend]).await;
    arm(&house, &ids[..1]).await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_held_and_the_original_is_not() {
    let house = at_work().await;
    let (original, copied) = (house.store(), house.path("copied"));
    copy(&original, &copied);
    let said = reaches(&copied).stderr;
    assert!(said.contains("Everything is held") && said.contains("is a copy of the one in"), "{said}");
    let held = holding(&copied);
    assert_eq!((&held["suspicion"], &held["in_doubt"]), (&json!("copied"), &json!(1)), "{held}");
    assert_eq!(reaches(&original).stderr, "");
    assert!(holding(&original)["held"].is_null());

    // Whoever lets it go on has two stores, and neither is held any more.
    Answer::of(program(&copied).args(["resume", "--after-restore", "--yes"])).done();
    for store in [&copied, &original, &copied] {
        assert_eq!(reaches(store).stderr, "", "{}", store.display());
        assert!(holding(store)["held"].is_null(), "{}", store.display());
    }
    // What was armed stays in doubt, for a person to look at.
    let doubts = Answer::of(program(&copied).args(["indoubt", "list", "--json"])).done().json();
    assert_eq!(doubts["intents"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_that_is_put_back_is_held_until_somebody_says_yes() {
    let house = at_work().await;
    let (store, backup) = (house.store(), house.path("backup"));
    copy(&store, &backup);
    for _ in 0..2 {
        assert_eq!(reaches(&store).stderr, "");
    }
    for file in ["postroom.db", "postroom.db-wal"] {
        std::fs::remove_file(store.join(file)).ok();
    }
    copy(&backup, &store);
    assert!(reaches(&store).stderr.contains("put back from a backup"));
    // It stays so, whatever runs.
    assert!(reaches(&store).stderr.contains("put back from a backup"));
    let listed = house.postroom(&["account", "list"]).done().stdout;
    assert!(listed.contains("Everything is held"), "{listed}");
    house.postroom(&["resume", "--yes"]).refused(5, &["put back from a backup", "resume --after-restore"]);
    house.postroom(&["resume", "--after-restore"]).refused(5, &["nothing went on", "--yes", "template-send"]);
    let (code, shown) = house.at_terminal(&["resume", "--after-restore"], "no\n");
    assert_eq!(code, 5, "{shown}");
    let kinds: Vec<_> = holding(&store)["waiting"]
        .as_array()
        .unwrap()
        .iter()
        .map(|waiting| (waiting["kind"].clone(), waiting["intents"].clone(), waiting["account_name"].clone()))
        .collect();
    assert_eq!(
        kinds,
        [(json!("template-send"), json!(1), json!("mc")), (json!("push"), json!(1), json!("mc"))],
        "the messages first"
    );
    let (code, shown) = house.at_terminal(&["resume", "--after-restore"], "yes\n");
    assert_eq!(code, 0, "{shown}");
    assert_eq!(reaches(&store).stderr, "");
    assert!(holding(&store)["held"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_moved_is_the_same() {
    let house = at_work().await;
    let moved = house.path("moved");
    std::fs::rename(house.store(), &moved).unwrap();
    for _ in 0..2 {
        assert_eq!(reaches(&moved).stderr, "");
    }
    std::fs::rename(&moved, house.store()).unwrap();
    assert_eq!(reaches(&house.store()).stderr, "");
    assert!(holding(&house.store())["held"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_note_is_gone_is_held_only_if_it_has_sent_something() {
    let (new, used) = (House::open().await, at_work().await);
    for house in [&new, &used] {
        reaches(&house.store());
        std::fs::remove_dir_all(house.path("state")).unwrap();
    }
    assert_eq!(reaches(&new.store()).stderr, "");
    assert!(reaches(&used.store()).stderr.contains("the note that is kept of this store outside is gone"));
    used.postroom(&["resume", "--after-restore", "--yes"]).done();
    assert_eq!(reaches(&used.store()).stderr, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_other_settings_finds_the_note_where_it_lay() {
    let house = at_work().await;
    let elsewhere = house.path("elsewhere");
    let mut command = program(&house.store());
    command.args(["contact", "erasures", "--retry"]).env("POSTROOM_STATE", &elsewhere);
    assert_eq!(Answer::of(&mut command).done().stderr, "");
    assert!(!elsewhere.exists());
    assert_eq!(reaches(&house.store()).stderr, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_by_hand_is_shown_and_lifted() {
    let house = House::open().await;
    assert!(house.postroom(&["resume", "--yes"]).done().stdout.contains("Nothing is held"));
    house.postroom(&["hold", "--why", "the lists are being looked through"]).done();
    let shown = house.postroom(&["account", "show", "mc"]).done().stdout;
    assert!(shown.contains("Everything is held") && shown.contains("looked through"), "{shown}");
    let resumed = house.postroom(&["account", "resume", "mc"]).done().stdout;
    assert!(resumed.contains("Nothing stopped") && resumed.contains("Everything is held"), "{resumed}");
    house.postroom(&["resume"]).refused(5, &["--yes"]);
    let answer = house.postroom(&["resume", "--yes", "--json"]).done().json();
    assert_eq!(answer["lifted"]["why"], "the lists are being looked through");
    assert!(holding(&house.store())["held"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_says_that_its_store_is_held() {
    let house = at_work().await;
    let copied = house.path("copied");
    copy(&house.store(), &copied);
    let mut daemon = program(&copied).arg("daemon").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(daemon.stderr.take().unwrap()));
    let said = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("Everything is held")));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(said.is_some());
}
