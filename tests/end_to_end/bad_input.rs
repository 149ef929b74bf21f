//! Wrong input: one sentence with what, where and the mend, the documented exit code, nothing
//! half-applied (invariant 10).

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::house::{House, program};

/// Nothing was imported.
fn untouched(house: &House) {
    assert_eq!(house.postroom(&["list", "list", "--json"]).done().json().as_array().map(Vec::len), Some(0));
    assert_eq!(
        house.postroom(&["contact", "list", "--json"]).done().json()["contacts"].as_array().map(Vec::len),
        Some(0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_taken_leave_no_trace() {
    let house = House::bare().await;
    let import = |file: &str, further: &[&str]| {
        house.postroom(&[&["import", file, "--list", "Guests", "--mode", "add"], further].concat())
    };
    import("/no/such/file.csv", &[]).refused(3, &["/no/such/file.csv"]);
    let ragged = format!("email,firstname\n{}", "a@example.com,A,too,many\n".repeat(50));
    import(&house.file("ragged.csv", ragged), &[]).refused(3, &["ragged.csv", "2"]);
    import(&house.file("binary.csv", b"PK\x03\x04\0\0\0\0xlsx".as_slice()), &[]).refused(3, &["binary.csv", "CSV"]);
    import(&house.file("nomail.csv", "name,town\nJana,Brno\n"), &[]).refused(3, &["nomail.csv", "e-mail"]);
    let good = house.file("good.csv", "email,firstname\njana@example.com,Jana\n");
    import(&good, &["--map", "Vorname=firstname"]).refused(3, &["Vorname", "firstname"]);
    import(&good, &["--map", "firstname=nickname"]).refused(3, &["nickname"]);
    let latin = house.file("latin.csv", b"email,firstname\njana@example.com,Ji\xf8\xed\n".as_slice());
    import(&latin, &["--encoding", "utf-8"]).refused(3, &["latin.csv", "UTF-8"]);
    untouched(&house);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_held_names_its_holder() {
    let house = House::bare().await;
    let mut holder = program(&house.store())
        .args(["account", "add", "mc", "--plugin", "mailchimp", "--secret", "api-key=-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The holder waits for its secret; it holds the store as soon as the lock names it.
    let lock = house.store().join("lock");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let pid = holder.id().to_string();
    while !std::fs::read_to_string(&lock).unwrap_or_default().contains(&pid) {
        assert!(std::time::Instant::now() < deadline, "the holder never took the lock");
        std::thread::yield_now();
    }
    let file = house.file("guests.csv", "email\njana@example.com\n");
    house.postroom(&["import", &file, "--list", "Guests", "--mode", "add"]).refused(6, &[&pid, "account add"]);
    house.postroom(&["list", "list"]).done();
    drop(holder.stdin.take());
    let mut stderr = BufReader::new(holder.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(!holder.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_its_key_says_what_to_restore() {
    let house = House::open().await;
    let key = house.store().join("secret.key");
    let bytes = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    house.postroom(&["account", "list"]).refused(7, &["secret.key"]);
    std::fs::write(&key, [7_u8; 32]).unwrap();
    house.postroom(&["account", "list"]).refused(7, &["secret.key"]);
    std::fs::write(&key, bytes).unwrap();
    house.postroom(&["account", "list"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_store_and_unknown_names_say_what_to_do() {
    let house = House::bare().await;
    let nowhere = house.path("nowhere");
    let output = program(&nowhere).args(["list", "list"]).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(String::from_utf8(output.stderr).unwrap().contains("postroom init"));
    house.postroom(&["sync", "run", "nothing"]).refused(3, &["nothing"]);
    house.postroom(&["list", "show", "nothing"]).refused(3, &["nothing"]);
    let json = house.postroom(&["list", "show", "nothing", "--json"]).refused(3, &[]);
    let error: serde_json::Value = serde_json::from_str(&json.stderr).unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("nothing"));
}
