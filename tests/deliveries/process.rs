//! The child as its parent sees it: lines in, lines out, and signals.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command as Program, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::words::{BEGINNING, Beginning, Command, Done, Word};

/// How long a child may take for an answer on a machine that has too much to do. One that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at a child.
const GLANCE: Duration = Duration::from_millis(2);
/// The variable of the fault points.
const FAULT_POINT: &str = "POSTROOM_FAULT_POINT";
/// Lets a write beyond the limit of a file's size be an error, which a program can see, and not its end.
const SHELL: &str = r#"trap "" XFSZ; exec "$0" "$@""#;

/// What became of a command.
#[derive(Debug, Clone)]
pub(crate) enum Heard {
    Done(Done),
    Refused(String),
    /// The child is dead. Whether it did it, nobody knows.
    Gone,
}

pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    words: Receiver<Word>,
    /// Where it ends itself, if it was told to.
    pub(crate) fault: Option<String>,
}

impl Process {
    /// Starts a child, which ends itself where `fault` says, and answers with what holds everything.
    pub(crate) fn start(beginning: &Beginning, fault: Option<&str>, log: &Path) -> (Self, Option<String>) {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut program = Program::new("sh");
        program.args(["-c", SHELL]).arg(std::env::current_exe().unwrap());
        program.args(["--exact", "child::child", "--ignored"]);
        program.env(BEGINNING, serde_json::to_string(beginning).unwrap()).env_remove(FAULT_POINT);
        program.envs(fault.map(|fault| (FAULT_POINT, fault)));
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, words) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                // The last line of a child that was ended may be half of one.
                let Ok(word) = serde_json::from_str(&line) else { continue };
                if sender.send(word).is_err() {
                    return;
                }
            }
        });
        let process = Self { child, input, words, fault: fault.map(str::to_owned) };
        match process.next() {
            Some(Word::Ready { held }) => (process, held),
            other => panic!("the child did not begin: {other:?}"),
        }
    }

    /// Tells it something, and does not wait for an answer.
    pub(crate) fn tell(&mut self, command: &Command) {
        let line = serde_json::to_string(command).unwrap();
        // A child that is dead has no ears, and shows when it is listened to.
        drop(writeln!(self.input, "{line}").and_then(|()| self.input.flush()));
    }

    /// Waits for what became of the last command.
    pub(crate) fn hear(&self) -> Heard {
        match self.next() {
            Some(Word::Done(done)) => Heard::Done(done),
            Some(Word::Refused { why }) => Heard::Refused(why),
            Some(Word::Ready { .. }) => panic!("a child begins once"),
            None => Heard::Gone,
        }
    }

    fn next(&self) -> Option<Word> {
        match self.words.recv_timeout(PATIENCE) {
            Ok(word) => Some(word),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the child says nothing"),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Whether it stands still.
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The state stands behind the program's name in brackets.
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills it, unless it has ended.
    pub(crate) fn kill(mut self) -> ExitStatus {
        self.child.kill().unwrap();
        self.child.wait().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "the child does not end");
            std::thread::sleep(GLANCE);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error says that it has ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether a child ended itself at a fault point.
pub(crate) fn is_aborted(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::SIGABRT as i32)
}
