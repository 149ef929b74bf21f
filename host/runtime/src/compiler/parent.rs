//! The parent's half: it starts the child, feeds it, waits no longer than its limit, and makes a
//! sentence of however the child ends.

use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::CompilerProgram;
use super::child::{COMPILED, MEMORY_SPENT, REFUSED};
use crate::error::{CompileLimit, LoadError};
use crate::limits::{CompileLimits, MAX_TEXT_BYTES};
use crate::text::escaped;

/// The most of the child's last words that is kept: a line or two, or a panic with its place.
const MAX_COMPLAINT_BYTES: u64 = 16 << 10;

/// How Rust's own last words begin where an allocation was refused: the standard library prints
/// them and aborts.
const NO_MEMORY: &str = "memory allocation of ";

/// Has a component compiled, and answers with sealed code that nobody has looked at yet.
pub(super) async fn compile(program: &CompilerProgram, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let limits = &program.limits;
    let mut child = start(program).map_err(|error| LoadError::Host {
        reason: format!(
            "the process that compiles it ({}) could not be started: {error}. If the program was replaced while it \
             ran, start it again",
            program.program.display()
        ),
    })?;
    let talk = async {
        let (answer, complaint) = converse(&mut child, bytes, limits).await?;
        let status = child.wait().await.map_err(unheard)?;
        verdict(status, answer, &complaint, limits)
    };
    let outcome = match tokio::time::timeout(limits.wall, talk).await {
        Ok(outcome) => outcome,
        Err(_) => Err(limit(CompileLimit::Wall, format!("{} s", limits.wall.as_secs_f64()))),
    };
    if outcome.is_err() {
        // It may be at work still. Whether it ended by itself meanwhile makes no difference.
        let _ended = child.kill().await;
    }
    outcome
}

fn start(program: &CompilerProgram) -> std::io::Result<Child> {
    let limits = program.limits.child;
    Command::new(&program.program)
        .args(&program.arguments)
        .args(limits.to_arguments())
        // It needs nothing of this process, least of all what an operator keeps in variables.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// Hands the component over while listening, and answers with what came over both outputs.
async fn converse(child: &mut Child, bytes: &[u8], limits: &CompileLimits) -> Result<(Vec<u8>, String), LoadError> {
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(LoadError::Host { reason: "the process that compiles it has no pipes".to_owned() });
    };
    let feed = async move {
        // A child that ended before it read everything tells by its end why.
        let _told_by_its_end = stdin.write_all(bytes).await;
        Ok(())
    };
    let most = limits.code_bytes as u64;
    let listen = async move {
        let answer = read(stdout, most.saturating_add(1)).await?;
        match u64::try_from(answer.len()) {
            Ok(length) if length <= most => Ok(answer),
            _ => Err(limit(CompileLimit::Code, mebibytes(most))),
        }
    };
    let complaint = read(stderr, MAX_COMPLAINT_BYTES);
    let ((), answer, complaint) = tokio::try_join!(feed, listen, complaint)?;
    Ok((answer, String::from_utf8_lossy(&complaint).into_owned()))
}

async fn read(stream: impl AsyncRead + Unpin, most: u64) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    stream.take(most).read_to_end(&mut bytes).await.map_err(unheard)?;
    Ok(bytes)
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err as it is")]
fn unheard(error: std::io::Error) -> LoadError {
    LoadError::Host { reason: format!("the process that compiles it could not be heard: {error}") }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

fn limit(limit: CompileLimit, most: String) -> LoadError {
    LoadError::CompileLimit { limit, most }
}

/// What a child's end means.
fn verdict(
    status: ExitStatus,
    mut answer: Vec<u8>,
    complaint: &str,
    limits: &CompileLimits,
) -> Result<Vec<u8>, LoadError> {
    if status.success() {
        return match answer.first().copied() {
            Some(COMPILED) => {
                answer.remove(0);
                Ok(answer)
            }
            Some(REFUSED) => {
                let reason = String::from_utf8_lossy(answer.get(1..).unwrap_or_default());
                Err(LoadError::Compile { reason: escaped(&reason, MAX_TEXT_BYTES) })
            }
            Some(MEMORY_SPENT) => Err(limit(CompileLimit::Memory, mebibytes(limits.child.address_space))),
            _ => Err(LoadError::CompilerCrashed { how: "it ended without a verdict".to_owned() }),
        };
    }
    let ending = Ending::of(status);
    let lines = complaint.lines().map(str::trim);
    let last_words: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with("note:")).collect();
    if ending == Ending::CpuLimit {
        return Err(limit(CompileLimit::Cpu, format!("{} s", limits.child.cpu_seconds)));
    }
    if complaint.contains(NO_MEMORY) {
        return Err(limit(CompileLimit::Memory, mebibytes(limits.child.address_space)));
    }
    let how = match ending {
        Ending::Signal(number) => format!("it was ended by signal {number}"),
        Ending::CpuLimit | Ending::Other => format!("it ended with {status}"),
    };
    let how = if last_words.is_empty() { how } else { format!("{how}: {}", last_words.join(" ")) };
    Err(LoadError::CompilerCrashed { how: escaped(&how, MAX_TEXT_BYTES) })
}

/// How a process ended that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// By the kernel, at its limit of CPU time.
    CpuLimit,
    /// By another signal.
    Signal(i32),
    /// By itself.
    Other,
}

impl Ending {
    #[cfg(unix)]
    fn of(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        match status.signal() {
            Some(number) if number == rustix::process::Signal::XCPU.as_raw() => Self::CpuLimit,
            Some(number) => Self::Signal(number),
            None => Self::Other,
        }
    }

    #[cfg(not(unix))]
    fn of(_: ExitStatus) -> Self {
        Self::Other
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn ended(raw: i32, answer: &[u8], complaint: &str) -> Result<Vec<u8>, LoadError> {
        verdict(ExitStatus::from_raw(raw), answer.to_vec(), complaint, &CompileLimits::default())
    }

    #[test]
    fn every_end_of_the_child_is_told_apart() {
        const EXIT_1: i32 = 1 << 8;
        const ABORT: i32 = 6;
        const SEGMENTATION: i32 = 11;
        let xcpu = rustix::process::Signal::XCPU.as_raw();

        assert_eq!(ended(0, b"ccode", "").unwrap(), b"code");
        let refused = ended(0, b"rno component\n", "").unwrap_err();
        assert_eq!(refused, LoadError::Compile { reason: "no component\\n".to_owned() });
        assert!(matches!(ended(0, b"", ""), Err(LoadError::CompilerCrashed { .. })));
        let limit_of = |end: Result<Vec<u8>, LoadError>| match end {
            Err(LoadError::CompileLimit { limit, .. }) => limit,
            other => panic!("{other:?}"),
        };
        assert_eq!(limit_of(ended(0, b"m", "")), CompileLimit::Memory);
        assert_eq!(limit_of(ended(xcpu, b"", "")), CompileLimit::Cpu);
        assert_eq!(limit_of(ended(ABORT, b"", "memory allocation of 8 bytes failed\n")), CompileLimit::Memory);
        for (raw, complaint, words) in [
            (SEGMENTATION, "", "signal 11"),
            (ABORT, "\nthread 'main' has overflowed its stack\n", "overflowed its stack"),
            (EXIT_1, "The limits could not be set.", "limits could not be set"),
        ] {
            match ended(raw, b"c", complaint) {
                Err(LoadError::CompilerCrashed { how }) => assert!(how.contains(words), "{how}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
