//! A house for one test: a store in a folder, a simulator, and the program between them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postroom_simulators::mailchimp::{Config, Running, start};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The audience that every simulator begins with.
pub(crate) const AUDIENCE: &str = "ab12cd34ef";

/// What the program answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// Runs a program to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The answer, when it must be a success.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// The answer, when it must end with this code and say these words on standard error.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in: {}", self.stderr);
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

/// A store with an account at a simulator.
pub(crate) struct House {
    folder: TempDir,
    simulator: Running,
    http: reqwest::Client,
}

impl House {
    /// An empty store with the account `mc`.
    pub(crate) async fn open() -> Self {
        let house = Self::bare().await;
        house.connect("mc", &house.simulator.api_key).done();
        house
    }

    /// An empty store and a simulator that know nothing of each other.
    pub(crate) async fn bare() -> Self {
        // Another test of the same process may have been first; either way there is one provider.
        rustls::crypto::ring::default_provider().install_default().ok();
        let house = Self {
            folder: TempDir::new().unwrap(),
            simulator: start(Config::default()).await.unwrap(),
            http: reqwest::Client::new(),
        };
        house.postroom(&["init"]).done();
        house
    }

    pub(crate) fn api_key(&self) -> &str {
        &self.simulator.api_key
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program.
    pub(crate) fn postroom(&self, arguments: &[&str]) -> Answer {
        self.postroom_with(arguments, "")
    }

    /// Runs the program with something on its standard input.
    pub(crate) fn postroom_with(&self, arguments: &[&str], input: &str) -> Answer {
        let input_file = self.path("stdin");
        std::fs::write(&input_file, input).unwrap();
        let input = Stdio::from(std::fs::File::open(input_file).unwrap());
        Answer::of(program(&self.store()).args(arguments).stdin(input))
    }

    /// Runs the program at a terminal at which this is typed, and answers with its exit code and
    /// all that the terminal showed.
    pub(crate) fn at_terminal(&self, arguments: &[&str], typed: &str) -> (i32, String) {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use std::fs::File;
        use std::io::{Read as _, Write as _};

        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        let end = File::options().read(true).write(true).open(name).unwrap();
        let mut terminal = File::from(terminal);
        // The terminal keeps the line until somebody reads it.
        terminal.write_all(typed.as_bytes()).unwrap();
        let mut command = program(&self.store());
        command.args(arguments).stdin(end.try_clone().unwrap()).stdout(end.try_clone().unwrap()).stderr(end);
        let mut running = command.spawn().unwrap();
        // The last of this process's own ends.
        drop(command);
        let (mut shown, mut part) = (Vec::new(), [0; 4096]);
        // Once the program has ended there is nothing to read from: Linux calls that an error.
        while let Ok(length @ 1..) = terminal.read(&mut part) {
            shown.extend_from_slice(&part[..length]);
        }
        (running.wait().unwrap().code().unwrap_or(-1), String::from_utf8(shown).unwrap())
    }

    /// Connects an account to the simulator; the key comes over standard input.
    pub(crate) fn connect(&self, name: &str, key: &str) -> Answer {
        let origin = format!("api={}", self.simulator.base_url);
        let arguments = ["account", "add", name, "--plugin", "mailchimp", "--origin", &origin, "--insecure-origin"];
        self.postroom_with(&[arguments.as_slice(), &["--secret", "api-key=-"]].concat(), key)
    }

    /// Writes a file beside the store.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Imports rows under a header, in the place of the list, with or without a stated consent.
    #[track_caller]
    pub(crate) fn import(&self, list: &str, consent: Option<&str>, rows: &str) -> Value {
        let file = self.file("import.csv", rows);
        let mut arguments = vec!["import", &file, "--list", list, "--mode", "replace", "--allow-empty", "--json"];
        if rows.starts_with("id,") {
            arguments.extend(["--key", "id"]);
        }
        if let Some(evidence) = consent {
            arguments.extend(["--consent", "granted", "--evidence", evidence]);
        }
        self.postroom(&arguments).done().json()
    }

    /// Ties a list to the audience, with the sync named like the list.
    #[track_caller]
    pub(crate) fn tie(&self, list: &str, newcomers: &str) {
        self.tie_source("--list", list, newcomers);
    }

    /// Ties a segment to the audience, with the sync named like the segment.
    #[track_caller]
    pub(crate) fn tie_segment(&self, segment: &str, newcomers: &str) {
        self.tie_source("--segment", segment, newcomers);
    }

    #[track_caller]
    fn tie_source(&self, kind: &str, name: &str, newcomers: &str) {
        self.postroom(&[
            "sync",
            "add",
            name,
            kind,
            name,
            "--account",
            "mc",
            "--audience",
            AUDIENCE,
            "--map",
            "firstname=FNAME",
            "--map",
            "lastname=LNAME",
            "--map",
            "address=ADDRESS",
            "--map",
            "phone=PHONE",
            "--newcomers",
            newcomers,
        ])
        .done();
    }

    /// Runs a sync that was approved, whatever its exit code, and answers with its report.
    #[track_caller]
    pub(crate) fn run(&self, sync: &str) -> Value {
        self.run_with(sync, &[]).json()
    }

    /// The same with further flags, and with the exit code.
    pub(crate) fn run_with(&self, sync: &str, flags: &[&str]) -> Answer {
        let answer = self.postroom(&[&["sync", "run", sync, "--yes", "--json"], flags].concat());
        if answer.code == 0 || answer.code == 4 || answer.code == 9 {
            adds_up(&answer.json());
        }
        answer
    }

    /// What one number of a report opens to.
    #[track_caller]
    pub(crate) fn opened(&self, run: &Value, of: &str) -> Vec<Value> {
        let number = run["run"].to_string();
        let answer = self.postroom(&["run", "show", &number, "--of", of, "--json"]).done().json();
        answer["outcomes"].as_array().unwrap().clone()
    }

    /// What the simulator's control port shows under a path.
    pub(crate) async fn control(&self, path: &str) -> Value {
        let url = format!("{}/{path}", self.simulator.control_url);
        let text = self.http.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Tells the simulator's control port something.
    pub(crate) async fn tell(&self, method: reqwest::Method, path: &str, body: &Value) {
        let url = format!("{}/{path}", self.simulator.control_url);
        let request = self.http.request(method, url).header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{status}: {}", response.text().await.unwrap());
    }

    /// All members of the audience, in alphabetical order of their addresses.
    pub(crate) async fn members(&self) -> Vec<Value> {
        let state = self.control(&format!("state?audience={AUDIENCE}")).await;
        let mut members = state["audiences"][0]["members"].as_array().unwrap().clone();
        members.sort_by_key(|member| member["email"].as_str().unwrap().to_lowercase());
        members
    }

    /// One member of the audience.
    pub(crate) async fn member(&self, email: &str) -> Value {
        let found = self.members().await;
        let is_it = |member: &Value| member["email"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(email));
        found.into_iter().find(is_it).unwrap_or_else(|| panic!("{email} is no member"))
    }

    /// The requests that could have changed something since the book was last cleared.
    pub(crate) async fn writes(&self) -> Vec<Value> {
        self.control("requests?writes=true").await["requests"].as_array().unwrap().clone()
    }

    /// All requests since the book was last cleared.
    pub(crate) async fn requests(&self) -> Vec<Value> {
        self.control("requests").await["requests"].as_array().unwrap().clone()
    }

    /// Starts a new page of the book.
    pub(crate) async fn clear_book(&self) {
        self.tell(reqwest::Method::DELETE, "book", &json!({})).await;
    }

    /// Lets a contact or an operator act at the provider.
    pub(crate) async fn act(&self, act: &str, particulars: Value) {
        let mut body = json!({"act": act, "audience": AUDIENCE});
        body.as_object_mut().unwrap().extend(particulars.as_object().unwrap().clone());
        self.tell(reqwest::Method::POST, "act", &body).await;
    }

    /// Puts members into the audience, as another hand would have done.
    pub(crate) async fn seed(&self, members: Value) {
        let body = json!({"audiences": [{"id": AUDIENCE, "members": members}]});
        self.tell(reqwest::Method::POST, "seed", &body).await;
    }

    /// Lets the operator act at the provider on the account as a whole.
    pub(crate) async fn act_on_account(&self, act: &str) {
        self.tell(reqwest::Method::POST, "act", &json!({"act": act})).await;
    }

    /// Erases a member at the provider for good, as its own pages do.
    pub(crate) async fn forget(&self, email: &str) {
        self.seed(json!([{"email": email, "status": "subscribed"}])).await;
        let path = format!("3.0/lists/{AUDIENCE}/members/{email}/actions/delete-permanent");
        let request = self.http.post(format!("{}/{path}", self.simulator.base_url));
        let response = request.basic_auth("any", Some(self.api_key())).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 204);
    }

    /// Sets what goes wrong at the provider.
    pub(crate) async fn faults(&self, rules: Value) {
        self.tell(reqwest::Method::PUT, "faults", &rules).await;
    }
}

/// The program, with nothing of this process's environment but what it needs to start.
pub(crate) fn program(store: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postroom"));
    // Compiled plugins are shared by all tests, and lie where everything lies that is built.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    command.env_clear().env("POSTROOM_STORE", store).env("XDG_CACHE_HOME", cache);
    // The note of a store lies outside of it, and of no use to anybody after the test.
    command.env("POSTROOM_STATE", store.with_file_name("state"));
    command
}

/// Row A3: entries are the sum of the other ten counts.
#[track_caller]
pub(crate) fn adds_up(report: &Value) {
    let counts = report["counts"].as_object().unwrap();
    let sum: u64 = counts.iter().filter(|(name, _)| *name != "entries").map(|(_, count)| count.as_u64().unwrap()).sum();
    assert_eq!(counts.len(), 11);
    assert_eq!(Some(sum), counts["entries"].as_u64(), "{report}");
}

/// No request changed this member's status, nor tried to: the only ones that may name a status are
/// those that create members and leave existing ones alone, so the provider refuses it there.
#[track_caller]
pub(crate) fn status_was_left_alone(member: &Value) {
    for sent in member["status_sent"].as_array().unwrap() {
        assert_eq!((&sent["outcome"], &sent["via"]), (&json!("refused"), &json!("bulk")), "{member}");
    }
}

/// The counts that are not zero, `entries` left out, as `added=2 invalid=1`.
pub(crate) fn counted(report: &Value) -> String {
    let names =
        ["added", "updated", "written", "unchanged", "duplicate", "invalid", "blocked", "skipped", "pending", "failed"];
    let seen = names.iter().filter(|name| report["counts"][**name] != 0);
    seen.map(|name| format!("{name}={}", report["counts"][*name])).collect::<Vec<_>>().join(" ")
}
