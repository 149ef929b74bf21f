//! The folder, the data and the provider look-alike of the demo.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::room::Context;

/// The data, so that the installed program needs no files beside it.
pub(super) const GUESTS: &[u8] = include_bytes!("../../../../examples/demo/guests.csv");
pub(super) const GUESTS_LATER: &[u8] = include_bytes!("../../../../examples/demo/guests-later.csv");
const NEWSLETTER: &[u8] = include_bytes!("../../../../examples/demo/newsletter.csv");

/// The audience that every look-alike starts with.
const AUDIENCE: &str = "ab12cd34ef";
/// How long the look-alike may take to begin: it opens two ports.
const START: Duration = Duration::from_secs(20);
/// How long it may take to end by itself, after which it is ended.
const END: Duration = Duration::from_secs(5);
/// How long a call to its control address may take.
const CONTROL: Duration = Duration::from_secs(10);

/// Everything that the demo works with. Dropping it ends the look-alike and clears the folder.
pub(super) struct Stage {
    folder: PathBuf,
    /// Cleared when dropped; none when the folder is kept.
    _temporary: Option<TempDir>,
    look_alike: Child,
    announcement: postroom_simulators::Announcement,
}

impl Stage {
    /// Makes the folder, puts the data into it, and starts the look-alike.
    pub(super) async fn set(keep: Option<&Path>) -> Result<Self> {
        let (folder, temporary) = folder(keep)?;
        let (look_alike, announcement) = start().await?;
        let stage = Self { folder, _temporary: temporary, look_alike, announcement };
        for (name, bytes) in [
            ("guests.csv", GUESTS),
            ("guests-later.csv", GUESTS_LATER),
            ("newsletter.csv", NEWSLETTER),
            ("key.txt", stage.announcement.api_key.as_bytes()),
        ] {
            std::fs::write(stage.folder.join(name), bytes)
                .map_err(|error| Failure::io("write the demo's data", &error))?;
        }
        // The command lines that are shown name files without a folder.
        std::env::set_current_dir(&stage.folder).map_err(|error| Failure::io("enter the demo's folder", &error))?;
        Ok(stage)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    pub(super) fn context(&self, output: Output) -> Context {
        Context { output, store: Some(self.store()), state: Some(self.folder.join("state")), house: None }
    }

    pub(super) fn base_url(&self) -> &str {
        &self.announcement.base_url
    }

    /// A contact unsubscribes at the provider.
    pub(super) async fn unsubscribe(&self, email: &str) -> Result<()> {
        let act = json!({ "act": "unsubscribe", "audience": AUDIENCE, "email": email });
        let url = format!("{}/act", self.announcement.control_url);
        control(move |agent| agent.post(url).send_json(act)?.body_mut().read_json::<Value>()).await?;
        Ok(())
    }

    /// How many members the audience has, whatever their status.
    pub(super) async fn members(&self) -> Result<u64> {
        let url = format!("{}/state?audience={AUDIENCE}", self.announcement.control_url);
        let state = control(move |agent| agent.get(url).call()?.body_mut().read_json::<Value>()).await?;
        let members = state.pointer("/audiences/0/members").and_then(Value::as_array);
        members
            .and_then(|members| u64::try_from(members.len()).ok())
            .ok_or_else(|| Failure::internal("the look-alike did not say who its members are"))
    }

    /// Ends the look-alike by closing its standard input, as it was told to watch.
    pub(super) async fn strike(mut self) -> Result<()> {
        drop(self.look_alike.stdin.take());
        match tokio::time::timeout(END, self.look_alike.wait()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::io("wait for the look-alike to end", &error)),
            Err(_) => self.look_alike.kill().await.map_err(|error| Failure::io("end the look-alike", &error)),
        }
    }
}

/// The folder: a new one that stays, or one that goes with the demo.
fn folder(keep: Option<&Path>) -> Result<(PathBuf, Option<TempDir>)> {
    let Some(keep) = keep else {
        let temporary = tempfile::Builder::new().prefix("postroom-demo-").tempdir();
        let temporary = temporary.map_err(|error| Failure::io("make a folder for the demo", &error))?;
        return Ok((temporary.path().to_owned(), Some(temporary)));
    };
    if keep.exists() {
        return Err(Failure::bad_input(format!("{} is there already: name a new folder", keep.display())));
    }
    std::fs::create_dir_all(keep)
        .and_then(|()| keep.canonicalize())
        .map(|folder| (folder, None))
        .map_err(|error| Failure::bad_input(format!("the folder {} cannot be made: {error}", keep.display())))
}

/// Starts the look-alike and reads where it is.
async fn start() -> Result<(Child, postroom_simulators::Announcement)> {
    let failed = |error: std::io::Error| Failure::io("start the provider look-alike", &error);
    let program = std::env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
        .args(["simulate", "mailchimp", "--json", "--until-stdin-closes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout);
        let read = tokio::time::timeout(START, lines.read_line(&mut line)).await;
        read.map_err(|_| Failure::internal("the provider look-alike did not begin in time"))?.map_err(failed)?;
    }
    let announcement = serde_json::from_str(&line)
        .map_err(|error| Failure::internal(format!("the provider look-alike did not say where it is: {error}")))?;
    Ok((child, announcement))
}

/// Calls the look-alike's control address, on a thread for blocking work.
async fn control(
    call: impl FnOnce(ureq::Agent) -> std::result::Result<Value, ureq::Error> + Send + 'static,
) -> Result<Value> {
    let called = tokio::task::spawn_blocking(move || {
        let config = ureq::Agent::config_builder().timeout_global(Some(CONTROL)).build();
        call(config.into())
    });
    let answered = called.await.map_err(|error| Failure::internal(error.to_string()))?;
    answered.map_err(|error| Failure::internal(format!("the look-alike's control address failed: {error}")))
}
