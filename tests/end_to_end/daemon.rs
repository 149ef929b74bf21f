//! The daemon: other commands are served by it as if it were not there, syncs run by themselves, and it stops in
//! good order.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::house::{Answer, House, adds_up, program};

/// How long a daemon may take to do what it should have done at once: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon at work.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts it, and waits until it says to its service manager that it is ready.
    pub(crate) fn start(house: &House) -> Self {
        let socket = house.path("notify");
        std::fs::remove_file(&socket).ok();
        let manager = UnixDatagram::bind(&socket).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = program(&house.store());
        command.arg("daemon").env("NOTIFY_SOCKET", &socket).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let mut said = [0; 256];
        let length = manager.recv(&mut said).unwrap();
        assert!(String::from_utf8_lossy(&said[..length]).contains("READY=1"));
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Asks it to stop, and answers with its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.0.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().unwrap();
    }
}

/// Asks the provider until it shows something.
async fn until<T>(house: &House, found: impl Fn(&[Value]) -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = found(&house.members().await) {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "the provider shows {:?}", house.members().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_say_the_same_with_a_daemon_as_without() {
    let (alone, served) = (House::open().await, House::open().await);
    let daemon = Daemon::start(&served);
    for house in [&alone, &served] {
        house.file("guests.csv", "email,firstname\njana@example.com,Jana\nno address,Petr\n");
    }
    for words in [
        &["list", "create", "Guests"][..],
        &["list", "create", "Guests"],
        &["contact", "add", "petr@example.com", "--set", "firstname=Petr", "--list", "Guests"],
        &["contact", "add", "petr@example.com"],
        &["import", "guests.csv", "--list", "Guests"],
        &["import", "guests.csv", "--list", "Guests", "--json"],
        &["import", "nowhere.csv", "--list", "Guests"],
        &["list", "show", "Guests"],
        &["list", "remove", "Nobody", "--json"],
        &["contact", "remove", "petr@example.com"],
        &["sync", "schedule", "nothing", "every hour"],
        &["contact", "erase", "jana@example.com"],
        &["list", "list"],
    ] {
        let answers = [&alone, &served].map(|house| {
            let answer = Answer::of(program(&house.store()).args(words).current_dir(house.path("")));
            let own = house.path("").to_str().unwrap().to_owned();
            (answer.code, answer.stdout.replace(&own, "FOLDER/"), answer.stderr.replace(&own, "FOLDER/"))
        });
        let [alone, served] = answers;
        assert_eq!((alone.0, &alone.1), (served.0, &served.1), "{words:?}: {}{}", alone.2, served.2);
        // A path that was not found is told as the daemon sees it.
        assert_eq!(alone.2, served.2.replace("FOLDER/", ""), "{words:?}");
    }
    assert_eq!(daemon.stop(), Some(0));
    served.postroom(&["list", "rename", "Guests", "Visitors"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_at_the_terminal_of_whoever_typed() {
    let house = House::open().await;
    let _daemon = Daemon::start(&house);
    house.postroom(&["contact", "add", "jana@example.com"]).done();
    let (code, shown) = house.at_terminal(&["contact", "erase", "jana@example.com"], "no\n");
    assert_eq!(code, 5, "{shown}");
    assert!(shown.contains("Erase this person for good?"), "{shown}");
    let (code, shown) = house.at_terminal(&["contact", "erase", "jana@example.com"], "yes\n");
    assert_eq!(code, 0, "{shown}");
    let (code, shown) = house.at_terminal(&["account", "edit", "mc", "--secret", "api-key"], "a-new-key-us1\n");
    assert!(shown.contains("api-key: ") && shown.matches("a-new-key-us1").count() <= 1, "{code}: {shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_store_has_one_daemon_and_a_dead_one_is_followed_by_the_next() {
    let house = House::open().await;
    let first = Daemon::start(&house);
    house.postroom(&["daemon"]).refused(6, &["postroom daemon"]);
    first.signal(Signal::KILL);
    drop(first);
    // What it left lies there still, and misleads nobody.
    assert!(house.store().join("daemon.sock").exists());
    house.postroom(&["list", "create", "Guests"]).done();
    let _second = Daemon::start(&house);
    house.postroom(&["list", "create", "Staff"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_runs_by_itself_after_changes_and_not_while_it_is_paused() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "id,email\n1,jana@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    let daemon = Daemon::start(&house);
    let said = house.postroom(&["sync", "schedule", "Guests", "--on-change"]).done();
    assert!(said.stdout.contains("after changes"), "{}", said.stdout);
    house.import("Guests", Some("form"), "id,email\n1,jana@example.com\n2,petr@example.com\n");
    until(&house, |members| (members.len() == 2).then_some(())).await;
    house.postroom(&["consent", "set", "petr@example.com", "withdrawn", "--by", "contact"]).done();
    until(&house, |members| members.iter().find(|member| member["status"] == "unsubscribed").map(|_| ())).await;
    // Nothing that it needs is sent twice, and what it wrote itself is no change.
    house.postroom(&["sync", "pause", "Guests"]).done();
    house.clear_book().await;
    house.postroom(&["contact", "edit", "jana@example.com", "--set", "firstname=Jana"]).done();
    let paused = house.postroom(&["sync", "schedules", "--json"]).done().json();
    assert!(paused[0]["paused_at"].is_string(), "{paused}");
    house.postroom(&["sync", "resume", "Guests"]).done();
    until(&house, |members| members.iter().find(|member| member["merge_fields"]["FNAME"] == "Jana").map(|_| ())).await;
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(house.run("Guests")["counts"]["updated"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_asked_to_stop_lets_a_run_end_in_good_order() {
    let house = House::open().await;
    let rows: String = (0..6_000).map(|n| format!("{n},guest{n}@example.com\n")).collect();
    house.import("Guests", Some("form"), &format!("id,email\n{rows}"));
    house.tie("Guests", "skip");
    let daemon = Daemon::start(&house);
    // Slow enough that the signal comes while most of the list is still to be sent, on a busy machine too.
    house.faults(json!([{"fault": "hold_ms", "ms": 500, "times": 1_000}])).await;
    let mut command = program(&house.store());
    let running = command.args(["sync", "run", "Guests", "--yes", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    until(&house, |members| (!members.is_empty()).then_some(())).await;
    assert_eq!(daemon.stop(), Some(0));
    let answer = running.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&answer.stdout).unwrap();
    adds_up(&report);
    assert_eq!((answer.status.code(), &report["stopped"]["code"]), (Some(9), &json!("stopped")), "{report}");
    assert!(report["counts"]["pending"].as_u64() > Some(0), "{report}");
    house.faults(json!([])).await;
    house.run("Guests");
    assert_eq!(house.members().await.len(), 6_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_takes_its_run_with_it() {
    let house = House::open().await;
    let rows: String = (0..3_000).map(|n| format!("{n},guest{n}@example.com\n")).collect();
    house.import("Guests", Some("form"), &format!("id,email\n{rows}"));
    house.tie("Guests", "skip");
    let daemon = Daemon::start(&house);
    house.faults(json!([{"fault": "hold_ms", "ms": 200, "times": 1_000}])).await;
    let mut client = Command::new(program(&house.store()).get_program());
    client.env_clear().env("POSTROOM_STORE", house.store()).args(["sync", "run", "Guests", "--yes"]);
    let mut client = client.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(&house, |members| (!members.is_empty()).then_some(())).await;
    client.kill().unwrap();
    client.wait().unwrap();
    house.faults(json!([])).await;
    // The turn at the account is free again, and the next run takes up what the one before left.
    assert_eq!(house.run("Guests")["counts"]["entries"], 3_000);
    assert_eq!(house.members().await.len(), 3_000);
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_a_no_reaches_the_provider_at_once_though_no_sync_runs_and_all_is_held() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "id,email\n1,jana@example.com\n2,petr@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    let daemon = Daemon::start(&house);
    house.postroom(&["hold", "--why", "somebody looks into it"]).done();
    house.postroom(&["account", "pause", "mc", "--why", "the same"]).done();
    house.postroom(&["consent", "set", "petr@example.com", "withdrawn", "--by", "contact"]).done();
    until(&house, |members| members.iter().find(|member| member["status"] == "unsubscribed").map(|_| ())).await;
    let told = house.postroom(&["intent", "list", "--state", "done", "--json"]).done().json();
    let told: Vec<&Value> =
        told["intents"].as_array().unwrap().iter().filter(|it| it["kind"] == "unsubscribe").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(daemon.stop(), Some(0));

    // A run under the hold sends nothing, and says why.
    house.import("Guests", Some("form"), "id,email\n1,jana@example.com\n2,petr@example.com\n3,eva@example.com\n");
    let report = house.postroom(&["sync", "run", "Guests", "--yes", "--json"]).json();
    assert_eq!((&report["counts"]["added"], &report["counts"]["pending"]), (&json!(0), &json!(1)), "{report}");
    assert!(report["stopped"]["message"].as_str().unwrap().contains("somebody looks into it"), "{report}");
    assert_eq!(house.members().await.len(), 2);
}
