//! `postroom demo`: all of it at work, with made-up people and a provider look-alike.
//!
//! The look-alike is a process of its own, the same program as `postroom simulate`. Every step is a
//! command line that is shown, parsed and carried out as if it had been typed, so that what a
//! newcomer reads is what really works. At the end the demo checks the reports against the list and
//! against the provider, and fails if they do not add up.
//!
//! * [`stage`]: the folder, the data and the look-alike.
//! * [`check`]: whether the reports add up.

mod check;
mod stage;

use std::path::PathBuf;

use clap::Parser as _;
use postroom_store::runs::Run;
use serde::Serialize;

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Audience, Output};
use crate::room::Context;
use crate::{shell, verbs};
use check::check;
use stage::Stage;

/// The list of the demo.
const LIST: &str = "Hotel guests";
/// Its sync.
const SYNC: &str = "guests";
/// A guest who unsubscribes at the provider and stays on the list: still updated, tag untouched (row A9).
const UNSUBSCRIBES_AND_STAYS: &str = "zofienovakova@mail.example.com";
/// A guest who unsubscribes at the provider and leaves the list: the tag stays owed (rows A8, A9).
const UNSUBSCRIBES_AND_LEAVES: &str = "sabine.kohler@post.example.org";

/// How the demo is seen.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Keep the store and the files in this new folder, to look around in
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Answer {
    store: Option<PathBuf>,
    runs: Vec<Run>,
    members_at_provider: u64,
}

pub(crate) async fn act(args: Args, context: &Context) -> Result<Exit> {
    let output = &context.output;
    let stage = Stage::set(args.keep.as_deref()).await?;
    let steps = Steps { stage: &stage, context: stage.context(quiet_for_programs(output)) };
    steps.say(&format!(
        "A hotel sends its guests to a Mailchimp look-alike on this machine. The lines behind $ are what you would\n\
         type; everything happens in {}.",
        stage.folder().display()
    ))?;
    steps.first_week().await?;
    let first = check(&stage, LIST).await?;
    steps.second_week().await?;
    let second = check(&stage, LIST).await?;
    check::both(&first, &second)?;
    let members_at_provider = second.members;
    steps.farewell(args.keep.is_some())?;
    let answer = Answer {
        store: args.keep.is_some().then(|| stage.store()),
        runs: vec![first.run, second.run],
        members_at_provider,
    };
    stage.strike().await?;
    if !output.is_for_people() {
        output.answer(&answer, |_| String::new())?;
    }
    Ok(Exit::Done)
}

/// With `--json` the demo has one answer of its own, and its steps have none.
fn quiet_for_programs(output: &Output) -> Output {
    if output.is_for_people() { output.clone() } else { Output::new(Audience::Nobody) }
}

/// The steps, as they are typed.
struct Steps<'a> {
    stage: &'a Stage,
    context: Context,
}

impl Steps<'_> {
    async fn first_week(&self) -> Result<()> {
        self.say("\n── The first week ──")?;
        self.step(&["init", "--name", "Demo hotel"]).await?;
        self.say("\nThe guests who asked for news, with what shows their consent:")?;
        self.step(&[
            "import",
            "newsletter.csv",
            "--key",
            "Guest ID",
            "--map",
            "Consent date=consent.opted-in-at",
            "--consent",
            "granted",
            "--evidence",
            "box ticked at check-in",
        ])
        .await?;
        self.say("\nAll guests, as the hotel's own system exports them; three in ten have not asked for news:")?;
        self.step(&["import", "guests.csv", "--list", LIST, "--key", "Guest ID"]).await?;
        self.say("\nThe account. Its key goes in from a file, and never comes out again:")?;
        self.step(&[
            "account",
            "add",
            "main",
            "--plugin",
            "mailchimp",
            "--origin",
            &format!("api={}", self.stage.base_url()),
            "--insecure-origin",
            "--secret-file",
            "api-key=key.txt",
        ])
        .await?;
        self.step(&["audience", "list", "main"]).await?;
        self.say(
            "\nThe list is tied to the audience. Guests without a consent go as unsubscribed, never as subscribed:",
        )?;
        self.step(&[
            "sync",
            "add",
            SYNC,
            "--list",
            LIST,
            "--account",
            "main",
            "--audience",
            LIST,
            "--newcomers",
            "unsubscribed",
            "--map",
            "firstname=FNAME",
            "--map",
            "lastname=LNAME",
            "--map",
            "phone=PHONE",
            "--map",
            "birthday=BIRTHDAY",
            "--map",
            "language=LANG",
            "--map",
            "address=ADDRESS",
        ])
        .await?;
        self.step(&["sync", "plan", SYNC]).await?;
        self.say("\nA first run asks, so it gets its yes:")?;
        self.step(&["sync", "run", SYNC, "--yes"]).await?;
        self.say("\nEvery number opens down to the entry and the reason:")?;
        self.step(&["run", "show", "1", "--of", "duplicate", "--limit", "5"]).await?;
        self.step(&["run", "show", "1", "--of", "invalid", "--limit", "5"]).await?;
        self.step(&["run", "show", "1", "--of", "address-omitted", "--limit", "5"]).await
    }

    async fn second_week(&self) -> Result<()> {
        self.say("\n── A week later ──")?;
        for email in [UNSUBSCRIBES_AND_STAYS, UNSUBSCRIBES_AND_LEAVES] {
            self.stage.unsubscribe(email).await?;
            self.say(&format!("{email} clicks unsubscribe in a campaign, at the provider."))?;
        }
        self.say("\nThe hotel exports again; some left, some are new, some have a new address:")?;
        self.step(&["import", "guests-later.csv", "--list", LIST, "--mode", "replace", "--key", "Guest ID"]).await?;
        self.step(&["sync", "run", SYNC]).await?;
        self.step(&["run", "show", "2", "--of", "updated", "--limit", "5"]).await?;
        self.step(&["run", "show", "2", "--of", "tags-refused", "--limit", "5"]).await?;
        self.step(&["run", "show", "2", "--of", "tags-removed", "--limit", "5"]).await?;
        self.step(&["contact", "show", UNSUBSCRIBES_AND_STAYS]).await
    }

    fn farewell(&self, kept: bool) -> Result<()> {
        let next = if kept {
            format!(
                "Look around:\n\
                 \x20 export POSTROOM_STORE={}\n\
                 \x20 postroom run list\n\
                 \x20 postroom list show 'Hotel guests'\n\
                 \x20 postroom contact list\n\
                 The look-alike has ended with the demo; what was sent to it is gone.",
                shell::word(&self.stage.store().display().to_string())
            )
        } else {
            "`postroom demo --keep DIR` leaves all of it for you to look around in.".to_owned()
        };
        self.say(&format!(
            "\n── Done ──\n\
             Both reports add up: every entry ends in exactly one count, and the provider has the members that were\n\
             reported. {next}\n\
             Your own: `postroom init`, then `postroom --help`."
        ))
    }

    fn say(&self, text: &str) -> Result<()> {
        self.context.output.say(text)
    }

    /// Shows a command line and carries it out.
    async fn step(&self, words: &[&str]) -> Result<()> {
        let line = || std::iter::once("postroom").chain(words.iter().copied());
        self.say(&format!("\n$ {}", shell::line(line())))?;
        let cli = Cli::try_parse_from(line())
            .map_err(|error| Failure::internal(format!("the demo's own command line is not understood: {error}")))?;
        match Box::pin(verbs::act(cli.verb, &self.context)).await? {
            Exit::Done => Ok(()),
            exit => Err(Failure::internal(format!(
                "`{}` ended with {exit:?}, and the demo expected it to be done",
                shell::line(line())
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_people_of_the_second_week_are_in_the_data() {
        let later = String::from_utf8(stage::GUESTS_LATER.to_vec()).unwrap();
        let guests = String::from_utf8(stage::GUESTS.to_vec()).unwrap();
        assert!(guests.contains(UNSUBSCRIBES_AND_STAYS) && later.contains(UNSUBSCRIBES_AND_STAYS));
        assert!(guests.contains(UNSUBSCRIBES_AND_LEAVES) && !later.contains(UNSUBSCRIBES_AND_LEAVES));
    }
}
