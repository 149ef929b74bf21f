//! What the benchmarks share: the program in a process of its own, a provider in another, a list
//! between them, and the kernel's word on what each took.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde_json::Value;
use tempfile::TempDir;

/// The audience that every look-alike begins with.
pub(crate) const AUDIENCE: &str = "ab12cd34ef";
/// The name of the list, of its sync and of its tag.
pub(crate) const LIST: &str = "guests";
/// How many companies guests are from, unless a benchmark says otherwise.
pub(crate) const COMPANIES: u64 = 5_000;
/// How often it is looked whether a daemon takes commands.
const LOOK: Duration = Duration::from_millis(2);
/// How often a process's memory is looked at: the kernel keeps its high-water mark, and to ask more often would slow the
/// process down.
const MEMORY_LOOK: Duration = Duration::from_millis(20);
/// Clock ticks of the kernel's per-process times.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the program was asked and what it took.
pub(crate) struct Ran {
    /// From start to end of the process.
    pub(crate) wall: Duration,
    /// Processor seconds of all its threads, in user and kernel mode.
    pub(crate) cpu: f64,
    /// The most memory that it had resident, in MiB.
    pub(crate) peak: u64,
    /// What it printed.
    pub(crate) answer: Value,
}

impl Ran {
    /// Wall, processor and memory in one line.
    pub(crate) fn line(&self) -> String {
        format!("{:7.3} s wall, {:6.2} s cpu, {:4} MiB", self.wall.as_secs_f64(), self.cpu, self.peak)
    }
}

/// A number among the arguments, by its place.
pub(crate) fn argument(place: usize, default: u64) -> u64 {
    std::env::args().filter_map(|argument| argument.parse().ok()).nth(place).unwrap_or(default)
}

/// A folder with a store and a home, cleared when it is dropped.
pub(crate) struct House {
    folder: TempDir,
    /// How many companies its guests are from.
    companies: u64,
}

impl House {
    /// A house with an empty store.
    pub(crate) fn open() -> Self {
        Self::of_companies(COMPANIES)
    }

    /// The same with guests from so many companies.
    pub(crate) fn of_companies(companies: u64) -> Self {
        let house = Self { folder: TempDir::new().unwrap(), companies };
        house.postroom(&["init"]);
        house
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Where its commands keep compiled plugins.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.path("home/.cache/postroom/compiled")
    }

    /// A file for guests.
    pub(crate) fn guests_file(&self) -> PathBuf {
        self.path("guests.csv")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A second house with the same store, and the same home, so that compiled plugins are there.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self { folder: TempDir::new().unwrap(), companies: self.companies };
        copy_folder(self.folder.path(), copy.folder.path());
        // A copy is held until somebody says that it may go on.
        copy.postroom(&["resume", "--after-restore", "--yes"]);
        copy
    }

    /// Runs the program, which must succeed.
    pub(crate) fn postroom(&self, arguments: &[&str]) -> Ran {
        self.postroom_with(arguments, "")
    }

    /// The same beside other commands: its answer goes to a file of this name.
    pub(crate) fn postroom_at(&self, arguments: &[&str], name: &str) -> Value {
        self.postroom_through(arguments, "", name).answer
    }

    fn postroom_with(&self, arguments: &[&str], input: &str) -> Ran {
        self.postroom_through(arguments, input, "command")
    }

    fn postroom_through(&self, arguments: &[&str], input: &str, name: &str) -> Ran {
        let (stdin, stdout) = (self.path(&format!("{name}.stdin")), self.path(&format!("{name}.stdout")));
        fs::write(&stdin, input).unwrap();
        let mut command = program();
        command
            .env("POSTROOM_STORE", self.store())
            .env("HOME", self.path("home"))
            .args(arguments)
            .arg("--json")
            .stdin(fs::File::open(stdin).unwrap())
            .stdout(fs::File::create(&stdout).unwrap());
        let began = Instant::now();
        let (ended, cpu, peak) = watch(command.spawn().unwrap());
        let wall = ended - began;
        let answer = serde_json::from_slice(&fs::read(&stdout).unwrap()).unwrap_or_default();
        fs::remove_file(stdout).unwrap();
        Ran { wall, cpu, peak, answer }
    }

    /// Writes a file of so many guests and imports it in the place of the list.
    pub(crate) fn import(&self, guests: u64) -> Ran {
        let file = self.path("guests.csv");
        if !file.exists() {
            write_guests(&file, 0..guests, "Name", self.companies);
        }
        self.import_file(&file, LIST)
    }

    /// The same of other guests into another list.
    pub(crate) fn import_into(&self, list: &str, guests: Range<u64>) -> Ran {
        self.import_named(list, guests, "Name")
    }

    /// The same of guests whose names begin so.
    pub(crate) fn import_named(&self, list: &str, guests: Range<u64>, name: &str) -> Ran {
        let file = self.path(&format!("{list}.csv"));
        write_guests(&file, guests, name, self.companies);
        self.import_file(&file, list)
    }

    fn import_file(&self, file: &Path, list: &str) -> Ran {
        self.postroom(&[
            "import",
            file.to_str().unwrap(),
            "--list",
            list,
            "--mode",
            "replace",
            "--consent",
            "granted",
            "--evidence",
            "bench",
        ])
    }

    /// How long the file of guests is, in MB.
    pub(crate) fn file_size(&self) -> f64 {
        megabytes(&self.path("guests.csv"))
    }

    /// How large the database is, in MB.
    pub(crate) fn database_size(&self) -> f64 {
        megabytes(&self.store().join("postroom.db"))
    }

    /// Ties the list to the provider's audience.
    pub(crate) fn tie(&self, provider: &Provider) {
        self.add_account("mc", provider);
        self.add_sync(LIST, "mc");
    }

    /// Adds an account of a provider.
    pub(crate) fn add_account(&self, name: &str, provider: &Provider) {
        let origin = format!("api={}", provider.base_url);
        let account = ["account", "add", name, "--plugin", "mailchimp", "--origin", &origin, "--insecure-origin"];
        self.postroom_with(&[account.as_slice(), &["--secret", "api-key=-"]].concat(), &provider.api_key);
    }

    /// Adds a sync of a list to an account; both have one name.
    pub(crate) fn add_sync(&self, list: &str, account: &str) {
        let sync = ["sync", "add", list, "--list", list, "--account", account, "--audience", AUDIENCE];
        let rules =
            ["--map", "firstname=FNAME", "--map", "lastname=LNAME", "--map", "language=LANG", "--newcomers", "skip"];
        self.postroom(&[sync.as_slice(), &rules].concat());
    }

    /// Runs the sync.
    pub(crate) fn run(&self) -> Ran {
        self.postroom(&["sync", "run", LIST, "--yes"])
    }

    /// Starts the daemon, and answers once it takes commands.
    pub(crate) fn daemon(&self) -> Daemon {
        let mut command = program();
        command.env("POSTROOM_STORE", self.store()).env("HOME", self.path("home")).arg("daemon");
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let daemon = Daemon(child);
        while !self.store().join("daemon.sock").exists() {
            sleep(LOOK);
        }
        daemon
    }
}

/// The daemon at work; it is asked to stop when this is dropped.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Its resident memory now and at its highest, in MiB, and its processor seconds.
    pub(crate) fn takes(&self) -> (u64, u64, f64) {
        let id = self.0.id();
        let of = |line| in_status(id, line).unwrap_or_default();
        (of("VmRSS:"), of("VmHWM:"), times(id).unwrap().1)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(asked.success());
        self.0.wait().unwrap();
    }
}

/// The program, with nothing of this process's environment.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postroom"));
    command.env_clear();
    command
}

/// A provider look-alike in a process of its own.
pub(crate) struct Provider {
    child: Child,
    pub(crate) base_url: String,
    pub(crate) api_key: String,
    control_url: String,
}

impl Provider {
    /// Starts one on a port of its own choice.
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0", 0)
    }

    /// The same with requests that take so many milliseconds.
    pub(crate) fn slow(latency_ms: u64) -> Self {
        Self::start_at("127.0.0.1:0", latency_ms)
    }

    /// Ends it and starts an empty one at the same address, which accounts know.
    pub(crate) fn afresh(self) -> Self {
        let address = self.base_url.trim_start_matches("http://").to_owned();
        drop(self);
        Self::start_at(&address, 0)
    }

    fn start_at(address: &str, latency_ms: u64) -> Self {
        let latency = latency_ms.to_string();
        let arguments = ["simulate", "mailchimp", "--json", "--until-stdin-closes", "--listen", address];
        let arguments = [arguments.as_slice(), &["--latency-ms", &latency]].concat();
        let mut child = program().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let announcement: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| announcement[name].as_str().unwrap().to_owned();
        Self { child, base_url: text("base_url"), api_key: text("api_key"), control_url: text("control_url") }
    }

    /// Every write that arrived, in order, with its path, query and body.
    pub(crate) async fn writes(&self) -> Vec<Value> {
        self.writes_after(0).await
    }

    /// The same of those after one by its number.
    pub(crate) async fn writes_after(&self, seq: u64) -> Vec<Value> {
        let url = format!("{}/requests?writes=true&after={seq}", self.control_url);
        let book = reqwest::get(url).await.unwrap().bytes().await.unwrap();
        let book: Value = serde_json::from_slice(&book).unwrap();
        book["requests"].as_array().unwrap().clone()
    }

    /// Processor seconds that it has used.
    pub(crate) fn cpu(&self) -> f64 {
        times(self.child.id()).unwrap().1
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// Processor seconds that this process has used.
pub(crate) fn own_cpu() -> f64 {
    times(std::process::id()).unwrap().1
}

/// Resident memory of this process now and at its highest, in MiB.
pub(crate) fn own_memory() -> (u64, u64) {
    let of = |line| in_status(std::process::id(), line).unwrap_or_default();
    (of("VmRSS:"), of("VmHWM:"))
}

/// Waits for a process, which must succeed: when it ended, its processor seconds and its peak memory in MiB.
fn watch(mut child: Child) -> (Instant, f64, u64) {
    let (process, has_ended) = (child.id(), AtomicBool::new(false));
    let (ended, peak) = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut peak = 0;
            while !has_ended.load(Ordering::Relaxed) {
                peak = high_water(process).unwrap_or(peak);
                sleep(MEMORY_LOOK);
            }
            peak
        });
        // It is left where it is, so that its times can still be read.
        let pid = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        let ended = Instant::now();
        has_ended.store(true, Ordering::Relaxed);
        (ended, looking.join().unwrap())
    });
    let (_, cpu) = times(process).unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "the program ended with {status}");
    (ended, cpu, peak)
}

/// The kernel's high-water mark of a process's resident memory, in MiB.
fn high_water(process: u32) -> Option<u64> {
    in_status(process, "VmHWM:")
}

/// A line of what the kernel says of a process's memory, in MiB.
fn in_status(process: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

/// The state of a process, and the processor seconds of all its threads.
fn times(process: u32) -> Option<(char, f64)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((fields.first()?.chars().next()?, (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND))
}

/// Guests whose addresses lie anywhere in the order of addresses, with four text fields: the
/// companies have so many names, also anywhere.
pub(crate) fn write_guests(file: &Path, guests: Range<u64>, name: &str, companies: u64) {
    let mut file = std::io::BufWriter::new(fs::File::create(file).unwrap());
    writeln!(file, "email,firstname,lastname,language,company").unwrap();
    for number in guests {
        let (address, company) = (address(number), spread(number) % companies);
        writeln!(file, "{address},{name}{number},Guest,cs,Company {company}").unwrap();
    }
    file.flush().unwrap();
}

/// The address of a guest, by its number.
pub(crate) fn address(guest: u64) -> String {
    format!("guest{:016x}@example.com", spread(guest))
}

/// A number that lies anywhere, by its place.
fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn megabytes(file: &Path) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a file's size in MB, for people")]
    let bytes = fs::metadata(file).unwrap().len() as f64;
    bytes / 1e6
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
