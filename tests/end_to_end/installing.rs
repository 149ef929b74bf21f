//! Row P3: nothing of a plugin is taken for granted. What it asks for is shown before it comes in,
//! what is new is asked about, and a bad update is taken back.

use serde_json::{Value, json};

use crate::components::variant;
use crate::house::{Answer, House, counted};

/// Installs what these lines say, without a yes.
fn offer(house: &House, file: &str, lines: &[&str], flags: &[&str]) -> Answer {
    let file = house.file(file, variant(lines));
    house.postroom(&[&["plugin", "install", &file], flags].concat())
}

/// Installs what these lines say, with a yes.
#[track_caller]
fn install(house: &House, file: &str, lines: &[&str]) {
    install_from(house, file, lines, &[]);
}

/// The same with more words.
#[track_caller]
fn install_from(house: &House, file: &str, lines: &[&str], flags: &[&str]) {
    let digest = digest(house, file, lines);
    offer(house, file, lines, &[&["--approve", &digest], flags].concat()).done();
}

fn digest(house: &House, file: &str, lines: &[&str]) -> String {
    let file = house.file(file, variant(lines));
    let seen = house.postroom(&["plugin", "inspect", &file, "--json"]).done().json();
    seen["digest"].as_str().unwrap().to_owned()
}

fn listed(house: &House, id: &str) -> Option<Value> {
    let plugins = house.postroom(&["plugin", "list", "--json"]).done().json();
    plugins.as_array().unwrap().iter().find(|plugin| plugin["id"] == id).cloned()
}

/// The lines that say `new`, `gone` or `same`, without that word.
fn marked<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(&format!("  {mark}: "))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_a_newcomer_is_told_who_comes_what_it_can_do_and_what_to_type() {
    let house = House::bare().await;
    let lines = ["id=acme", "name=Acme Mail", "vendor=Acme Ltd", "version=1.4.0", "also=https://files.acme.example"];
    let digest = digest(&house, "acme mail.wasm", &lines);
    let refused = offer(&house, "acme mail.wasm", &lines, &[]).refused(
        5,
        &[
            "Acme Mail 1.4.0 wants to be installed. Nothing has changed yet.",
            "Acme Ltd (its own word: nobody vouches for it, and no signature is checked)",
            "acme mail.wasm",
            &digest,
            "write contacts into the audiences",
            "the e-mail address and the fields that you map, nothing else",
            "https://api.example.com",
            "https://files.acme.example",
            "More of everything.",
            "nowhere else",
            "API key (`api-key`): sent only to https://api.example.com, as",
            "the plugin itself never sees them",
        ],
    );
    assert_eq!(refused.stdout, "");
    assert_eq!(listed(&house, "acme"), None);
    assert!(!house.store().join("plugins").exists());

    // The last line has the command, word by word.
    let line = refused.stderr.lines().find_map(|line| line.split('`').find(|part| part.contains("--approve"))).unwrap();
    let words = shlex::split(line).unwrap();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(words[..3], ["postroom", "plugin", "install"]);
    house.postroom(&words[1..]).done();
    assert_eq!(listed(&house, "acme").unwrap()["source"], json!({"installed": "acme mail.wasm"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_at_a_terminal_only_a_typed_yes_installs() {
    let house = House::bare().await;
    let file = house.file("acme.wasm", variant(&["id=acme"]));
    for typed in ["no\n", "y\n", "\n"] {
        let (code, shown) = house.at_terminal(&["plugin", "install", &file], typed);
        assert_eq!(code, 5, "{shown}");
        assert!(shown.contains("nowhere else") && shown.contains("Type yes to go on"), "{shown}");
        assert_eq!(listed(&house, "acme"), None);
    }
    let (code, shown) = house.at_terminal(&["plugin", "install", &file], "yes\n");
    assert_eq!(code, 0, "{shown}");
    assert!(listed(&house, "acme").is_some());

    // What no plugin gets is red there.
    let file = house.file("files.wasm", crate::building::guest("filesystem"));
    let (_, shown) = house.at_terminal(&["plugin", "inspect", &file], "");
    assert!(shown.contains("\u{1b}[31mwasi:filesystem/types@"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_json_gives_the_same_facts_as_the_screen() {
    let house = House::bare().await;
    let refused = offer(&house, "acme.wasm", &["id=acme", "vendor=Acme Ltd", "secret=token"], &["--json"]);
    let error: Value = serde_json::from_str(&refused.refused(5, &[]).stderr).unwrap();
    let (error, asks) = (&error["error"], &error["error"]["asks"]);
    assert_eq!((&error["kind"], &asks["step"]), (&json!("needs-approval"), &json!("install")));
    assert_eq!((&asks["vendor"], &asks["vouched_for"]), (&json!("Acme Ltd"), &json!(false)));
    assert_eq!(asks["source"], json!({"installed": "acme.wasm"}));
    assert_eq!(asks["permissions"]["origins"][0]["template"], "https://api.example.com");
    assert_eq!(asks["permissions"]["secrets"][1]["sent_as"], "the header x-more");
    assert_eq!(asks["difference"]["added"].as_array().unwrap().len(), 3);
    assert!(!asks["can"].as_array().unwrap().is_empty() && !asks["sees"].as_array().unwrap().is_empty());
    let mend = error["mend"].as_str().unwrap();
    assert!(mend.contains(&format!("--approve {}", asks["digest"].as_str().unwrap())), "{mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_the_same_or_less_comes_in_unasked_and_more_shows_the_difference() {
    let house = House::bare().await;
    let first = ["id=acme", "version=1.0.0", "also=https://files.acme.example", "secret=token"];
    let said = ["--source", "acme.example/downloads"];
    install_from(&house, "acme.wasm", &first, &said);

    let less = offer(&house, "acme-1.1.wasm", &["id=acme", "version=1.1.0", "secret=token"], &said).done();
    assert!(less.stdout.contains("inherits its approval"), "{}", less.stdout);
    assert_eq!(marked(&less.stdout, "gone"), ["reach https://files.acme.example"]);

    // What was given up is not approved any more.
    let more = ["id=acme", "version=1.2.0", "also=https://files.acme.example"];
    let refused = offer(&house, "acme.wasm", &more, &said).refused(5, &["against version 1.1.0 that is there now"]);
    assert_eq!(marked(&refused.stderr, "new"), ["reach https://files.acme.example"]);
    let given_up = marked(&refused.stderr, "gone");
    assert!(given_up.len() == 1 && given_up[0].contains("`token`"), "{given_up:?}");
    assert_eq!(marked(&refused.stderr, "same").len(), 2);
    assert_eq!(listed(&house, "acme").unwrap()["version"], "1.1.0");

    install_from(&house, "acme.wasm", &more, &said);
    assert_eq!(listed(&house, "acme").unwrap()["version"], "1.2.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_a_files_name_another_vendor_or_an_earlier_version_lets_nothing_in_unasked() {
    let house = House::bare().await;
    let said = ["--source", "acme.example/downloads"];
    install(&house, "acme.wasm", &["id=acme", "version=2.0.0", "vendor=Acme Ltd"]);
    // The very same file changes nothing; another one of that name is another one.
    offer(&house, "acme.wasm", &["id=acme", "version=2.0.0", "vendor=Acme Ltd"], &[]).done();
    let later = ["id=acme", "version=2.1.0", "vendor=Acme Ltd"];
    offer(&house, "acme.wasm", &later, &[]).refused(5, &["wants to be installed", "Acme Ltd"]);
    assert_eq!(listed(&house, "acme").unwrap()["version"], "2.0.0");

    install_from(&house, "acme.wasm", &later, &said);
    for (lines, words) in [
        (["id=acme", "version=2.2.0", "vendor=Evil Inc."], ["whose vendor is", "Acme Ltd"]),
        (["id=acme", "version=2.0.9", "vendor=Acme Ltd"], ["version 2.1.0 from acme.example/downloads", "2.0.9"]),
    ] {
        offer(&house, "acme.wasm", &lines, &said).refused(5, &words);
    }
    offer(&house, "acme.wasm", &["id=acme", "version=2.2.0", "vendor=Acme Ltd"], &said).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_what_is_no_plugin_is_refused_in_words_for_whoever_was_sent_it() {
    let house = House::bare().await;
    for (content, words) in [
        (b"".as_slice(), "it is empty"),
        (b"Dear customer, please find attached", "does not begin as WebAssembly does"),
        (b"\0asm\x01\0\0\0", "a WebAssembly module, not a component"),
        (b"\0asm\x0d\0\x01\0\x07", "cut off on its way"),
    ] {
        let file = house.file("attached.wasm", content);
        house.postroom(&["plugin", "install", &file]).refused(3, &["attached.wasm", words, "sk whoever sent it"]);
        house.postroom(&["plugin", "inspect", &file]).refused(3, &[words]);
    }
    house.postroom(&["plugin", "install", "/dev/zero"]).refused(3, &["it is not a file"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_an_approval_is_for_one_digest_and_one_source() {
    let house = House::bare().await;
    install(&house, "acme.wasm", &["id=acme"]);
    let other = digest(&house, "acme.wasm", &["id=acme", "vendor=Another"]);
    offer(&house, "acme.wasm", &["id=acme"], &["--approve", &other]).refused(3, &[&other]);

    let bare = digest(&house, "acme.wasm", &["id=acme"]).trim_start_matches("sha256:").to_uppercase();
    offer(&house, "acme.wasm", &["id=acme"], &["--approve", &bare]).done();

    let words = ["comes from elsewhere", "`--source acme.wasm`", "version 1.0.0 from acme.wasm"];
    offer(&house, "look-alike.wasm", &["id=acme"], &[]).refused(5, &words);
    offer(&house, "look-alike.wasm", &["id=acme"], &["--source", "acme.wasm"]).done();
    offer(&house, "acme.wasm", &["id=acme"], &["--source", "bundled"]).refused(3, &["name another source"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_look_alike_of_a_bundled_plugin_gets_no_secret_until_the_operator_says_so() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email,firstname\njana@example.com,Jana\n");
    house.tie("Guests", "skip");
    let look_alike = ["id=mailchimp", "name=Mailchimp", "version=9.0.0"];
    let words = [
        "this is not the plugin `mailchimp` that ships",
        "gave their secrets to another one: mc",
        "--plugin-source look-alike.wasm",
    ];
    offer(&house, "look-alike.wasm", &look_alike, &[]).refused(5, &words);
    install(&house, "look-alike.wasm", &look_alike);

    house.clear_book().await;
    for verb in [
        ["account", "check", "mc"].as_slice(),
        &["account", "edit", "mc", "--rename", "mail"],
        &["audience", "list", "mc"],
        &["sync", "run", "Guests", "--yes"],
    ] {
        house.postroom(verb).refused(5, &["another source is another plugin", "--plugin-source look-alike.wasm"]);
    }
    let accounts = house.postroom(&["account", "list"]).done().stdout;
    assert!(accounts.contains("stopped: its plugin is another one now"), "{accounts}");
    assert_eq!(house.requests().await, [] as [Value; 0], "nothing went out");
    house.postroom(&["account", "edit", "mc", "--plugin-source", "elsewhere"]).refused(3, &["look-alike.wasm"]);

    // With a yes it is the account's plugin like any other.
    house.postroom(&["account", "edit", "mc", "--plugin-source", "look-alike.wasm"]).done();
    assert_eq!(house.requests().await.len(), 1);
    let shown = house.postroom(&["account", "check", "mc"]).done().stdout;
    assert!(shown.contains("mailchimp from look-alike.wasm"), "{shown}");

    // The one that ships takes its place again, and is from elsewhere in turn.
    house.postroom(&["plugin", "remove", "mailchimp"]).done();
    house.postroom(&["account", "check", "mc"]).refused(5, &["--plugin-source bundled"]);
    house.postroom(&["account", "edit", "mc", "--plugin-source", "bundled"]).done();
    assert_eq!(counted(&house.run("Guests")), "added=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_a_bad_update_is_taken_back_with_the_approval_that_there_was() {
    let house = House::bare().await;
    let first = ["id=acme", "version=1.0.0", "also=https://files.acme.example"];
    let second = ["id=acme", "version=2.0.0", "secret=token"];
    install(&house, "acme.wasm", &first);
    house.postroom(&["plugin", "rollback", "acme"]).refused(3, &["no earlier version"]);
    install(&house, "acme.wasm", &second);
    assert_eq!(listed(&house, "acme").unwrap()["earlier"][0]["version"], "1.0.0");
    let seen = house.postroom(&["plugin", "inspect", "acme"]).done().stdout;
    assert!(seen.contains("1.0.0 sha256:") && seen.contains("`postroom plugin rollback acme`"), "{seen}");

    let words = ["would go back from 2.0.0 to 1.0.0", "postroom plugin rollback acme --yes"];
    let asked = house.postroom(&["plugin", "rollback", "acme"]).refused(5, &words);
    assert_eq!(marked(&asked.stderr, "new"), ["reach https://files.acme.example"]);
    assert_eq!(listed(&house, "acme").unwrap()["version"], "2.0.0");

    house.postroom(&["plugin", "rollback", "acme", "--yes"]).done();
    let back = listed(&house, "acme").unwrap();
    assert_eq!((&back["version"], &back["earlier"]), (&json!("1.0.0"), &json!([])));
    assert_eq!(back["refusal"], Value::Null, "its approval came back with it");
    // What was left asks anew.
    offer(&house, "acme.wasm", &second, &[]).refused(5, &["token"]);
    house.postroom(&["plugin", "rollback", "mailchimp"]).refused(3, &["nothing to go back to"]);
    house.postroom(&["plugin", "rollback", "nobody"]).refused(3, &["no plugin `nobody`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_going_back_to_another_source_stops_the_accounts_of_this_one() {
    let house = House::open().await;
    for (file, version) in [("one.wasm", "version=1.0.0"), ("two.wasm", "version=2.0.0")] {
        install(&house, file, &["id=mailchimp", version]);
        house.postroom(&["account", "edit", "mc", "--plugin-source", file]).done();
    }
    house.postroom(&["plugin", "rollback", "mailchimp"]).refused(5, &["gave their secrets to another one: mc"]);
    house.postroom(&["plugin", "rollback", "mailchimp", "--yes"]).done();
    house.clear_book().await;
    house.postroom(&["account", "check", "mc"]).refused(5, &["--plugin-source one.wasm"]);
    assert_eq!(house.requests().await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_an_inspection_shows_imports_limits_sizes_and_digests() {
    let house = House::bare().await;
    let file = house.file("files.wasm", crate::building::guest("filesystem"));
    let seen = house.postroom(&["plugin", "inspect", &file]);
    assert_eq!(seen.code, 3, "what does not load is no answer to build on");
    let seen = seen.stdout;
    let forbidden: Vec<&str> = seen.lines().filter(|line| line.ends_with("(not allowed)")).collect();
    assert!(!forbidden.is_empty() && forbidden.iter().all(|line| line.contains("wasi:filesystem/")), "{seen}");
    assert!(seen.contains("It does not load: "), "{seen}");
    house.postroom(&["plugin", "install", &file]).refused(3, &["files.wasm", "wasi:filesystem/"]);

    let seen = house.postroom(&["plugin", "inspect", "mailchimp"]).done().stdout;
    for words in [
        "postroom:provider/http@0.1.0",
        "up to 500 contacts in one call",
        "up to 8 requests at a time",
        "10 s of processor time",
        "64 MiB of memory",
        "2,000 requests",
        "where {dc} is what stands behind the last `-` of your Mailchimp API key; it always ends in .api.mailchimp.com",
        "blake3:",
    ] {
        assert!(seen.contains(words), "`{words}` is not in: {seen}");
    }
    let seen = house.postroom(&["plugin", "inspect", "mailchimp", "--json"]).done().json();
    assert!(seen["code"]["size"].as_u64() > seen["size"].as_u64(), "{}", seen["code"]);
    assert_eq!(seen["budgets"]["memory_bytes"], 64 << 20);
    assert_eq!(seen["source"], "bundled");
}
