//! The command line, as it is typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::verbs::{
    account, audience, completions, consent, contact, export, field, holding, import, import_profile, indoubt, init,
    intent, internal_compile, list, plugin, purpose, run, segment, sync,
};

/// Where the options stand that every verb takes.
const GLOBAL: &str = "Options of every verb";

/// Keeps a company's contacts, lists and consent, and serves every e-mail-marketing provider from them.
#[derive(Debug, Parser)]
#[command(name = "postroom", version, after_help = Exit::help(), propagate_version = true, infer_long_args = true)]
pub(crate) struct Cli {
    /// The store's folder; without it, the one that the system gives for data
    #[arg(long, global = true, env = "POSTROOM_STORE", value_name = "DIR", help_heading = GLOBAL)]
    pub(crate) store: Option<PathBuf>,
    /// The folder where the note of the store lies by which a copy is told; without it, the one that the system gives for
    /// the state of programs
    #[arg(long, global = true, env = "POSTROOM_STATE", value_name = "DIR", help_heading = GLOBAL)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Print one JSON value: the answer on standard output, or {"error":…} on standard error
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,
    /// Tell on standard error what happens; twice tells more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GLOBAL)]
    pub(crate) verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a store
    Init(init::Args),
    /// Import a file of contacts (CSV, TSV or JSON Lines), and fill a list with it
    Import(Box<import::Args>),
    /// Import profiles: how files of one system are read, saved by an import
    #[command(subcommand)]
    ImportProfile(import_profile::Verb),
    /// Write contacts to a file that can be imported again: CSV, TSV or JSON Lines
    Export(Box<export::Args>),
    /// Contacts: found, written, tagged, merged, erased, and their history
    #[command(subcommand)]
    Contact(contact::Verb),
    /// What is known of a contact's consent, and the proof of it
    #[command(subcommand)]
    Consent(consent::Verb),
    /// Purposes: what contacts are written to for, and on what legal basis
    #[command(subcommand)]
    Purpose(purpose::Verb),
    /// The fields that contacts have
    #[command(subcommand)]
    Field(field::Verb),
    /// Lists and their entries
    #[command(subcommand)]
    List(list::Verb),
    /// Segments: saved filters over contacts. --help shows how they are written
    #[command(subcommand, after_long_help = segment::language())]
    Segment(segment::Verb),
    /// Accounts at providers
    #[command(subcommand)]
    Account(account::Verb),
    /// The audiences of an account, and their fields
    #[command(subcommand)]
    Audience(audience::Verb),
    /// Syncs: a list or a segment tied to an audience. Plan and run them
    #[command(subcommand)]
    Sync(sync::Verb),
    /// Hold the store open, run syncs as their schedules say, and serve other `postroom` commands
    Daemon(crate::daemon::Args),
    /// Runs and their reports: every number opens
    #[command(subcommand)]
    Run(run::Verb),
    /// Intents: what is to happen at providers, and how far it got
    #[command(subcommand)]
    Intent(intent::Verb),
    /// Intents in doubt: what may have happened, and nobody knows yet. Resolve them
    #[command(subcommand)]
    Indoubt(indoubt::Verb),
    /// Hold all intents, opt-outs apart, until somebody resumes them
    Hold(holding::HoldArgs),
    /// Show what is held and would go out, and let it go on: after a restore, a copy or `postroom hold`
    Resume(holding::ResumeArgs),
    /// Plugins: look at them, install them, remove them
    #[command(subcommand)]
    Plugin(plugin::Verb),
    /// Start a server that behaves like a provider, on this machine only
    #[cfg(feature = "simulators")]
    #[command(subcommand)]
    Simulate(crate::verbs::simulate::Verb),
    /// See it all work: no account, no network, nothing kept
    #[cfg(feature = "simulators")]
    Demo(crate::demo::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Compile a component for the process that started this one
    #[command(name = internal_compile::WORD, hide = true)]
    InternalCompile(internal_compile::Args),
}

impl Verb {
    /// Whether a daemon carries it out for others: what needs a store that is there, and nothing else.
    pub(crate) fn is_served(&self) -> bool {
        match self {
            Self::Init(_) | Self::Daemon(_) | Self::Completions(_) | Self::InternalCompile(_) => false,
            #[cfg(feature = "simulators")]
            Self::Simulate(_) | Self::Demo(_) => false,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    fn parses(line: &str) -> bool {
        let words = shlex::split(&format!("postroom {line}")).unwrap();
        Cli::try_parse_from(words).is_ok()
    }

    #[test]
    fn what_the_documentation_shows_is_understood() {
        for line in [
            "init --name 'Demo hotel' --if-missing",
            "import guests.csv --list Guests --mode replace --key 'Guest ID' --map 'Given name=firstname' --map Notes=-",
            "import guests.csv --consent granted --evidence 'box ticked' --delimiter semicolon --dry-run --json",
            "import guests.csv --list Guests --consent from-file",
            "import guests.csv --dates month-first --save-profile hotel",
            "import guests.csv --profile hotel --map 'Family=lastname' --dry-run",
            "import-profile list",
            "import-profile show hotel",
            "import-profile remove hotel",
            "list show Guests --only invalid --limit 5 --after 3",
            "list show Guests --only duplicate --all",
            "list correct Guests 3 --email jana@example.com --set firstname=Jana",
            "contact list --search jana --limit 10 --after 5",
            "contact add jana@example.com --set firstname=Jana --set address.city= --list Guests --tag vip",
            "contact edit '#12' --email jana@example.org --external-id G-7",
            "consent set jana@example.com granted --by contact --evidence 'form of 2 May' --ip 2001:db8::7",
            "consent set jana@example.com withdrawn --by contact --list Guests",
            "consent set jana@example.com granted --purpose newsletter --evidence 'form of 2 May'",
            "purpose add newsletter --label 'The newsletter' --basis consent --wording 'v2 of May'",
            "purpose edit newsletter --basis legitimate-interest --wording ''",
            "import guests.csv --consent granted --evidence form --purpose newsletter --purpose partner-offers",
            "sync add g --list G --account main --audience A --newcomers skip --purpose newsletter",
            "sync edit g --no-purpose",
            "sync show g",
            "field add nickname --type text --label Nickname",
            "export guests.csv --list Guests --delimiter semicolon --bom",
            "export - --format jsonl --where 'consent = granted'",
            "list take-off Guests jana@example.com",
            "list take-off Guests --position 3",
            r#"segment save regulars 'language = "de" and not on("Staff")'"#,
            "segment list --json",
            "segment show regulars",
            "segment preview regulars --limit 5 --time-zone Europe/Prague",
            "segment members --where 'phone is set' --after 5",
            "segment members regulars --all",
            "segment explain jana@example.com regulars",
            "segment explain '#12' --where 'phone is set'",
            "segment rename regulars guests",
            "segment remove guests",
            "field filter language --on --may-block",
            "field filter language --off",
            "account add main --plugin mailchimp --secret api-key=- --origin api=http://127.0.0.1:1 --insecure-origin",
            "account edit main --secret api-key --insecure-origin false --unset page-size",
            "audience fields main 'Hotel guests'",
            "sync add g --list G --account main --audience A --newcomers double-opt-in --map address=ADDRESS --ask-above 5",
            "sync add g --segment new-7-days --account main --audience A --newcomers skip",
            "sync edit g --tag-from-list",
            "sync run g --first 10 --json -vv",
            "run show 3 --of tags-refused --all",
            "plugin install p.wasm --approve sha256:00 --source vendor",
            "plugin rollback mailchimp --yes",
            "account edit main --plugin-source vendor.wasm",
            "account pause main --why 'the provider moves house'",
            "account resume main",
            "account show main --json",
            "intent list --account main --state in-doubt --contact '#12' --limit 5 --after 3",
            "intent show 7",
            "intent figures --account main",
            "indoubt list --account main --all",
            "indoubt show 7",
            "indoubt resolve 7 --found --evidence 'message 17 in the log of the provider' --by Jana",
            "hold --why 'the lists are being looked through'",
            "resume --dry-run --json",
            "resume --after-restore --yes --state-dir /var/lib/postroom-state",
            "internal-compile 1073741824 60",
            "completions bash",
        ] {
            assert!(parses(line), "{line}");
        }
    }

    #[test]
    fn what_would_be_misunderstood_is_refused() {
        for line in [
            "import guests.csv --consent granted",
            "import guests.csv --evidence form",
            "consent set jana@example.com perhaps",
            "import guests.csv --dates year-first",
            "list show Guests --only rejected",
            "list correct Guests 3",
            "list correct Guests --email jana@example.com",
            "consent set jana@example.com withdrawn --list Guests --purpose newsletter",
            "import guests.csv --purpose newsletter",
            "purpose add newsletter --label N --basis habit",
            "purpose add 'News letter' --label N --basis consent",
            "list take-off Guests",
            "list take-off Guests jana@example.com --position 3",
            "account add main --plugin mailchimp --secret api-key=open-sesame",
            "segment preview",
            "segment preview regulars --where everyone",
            "segment explain jana@example.com",
            "segment members regulars --all --limit 5",
            "field filter language",
            "field filter language --on --off",
            "field filter language --off --may-block",
            "sync add g --account main --audience A --newcomers skip",
            "sync add g --list G --segment S --account main --audience A --newcomers skip",
            "sync add g --list G --account main --audience A",
            "sync add g --list G --account main --audience A --newcomers subscribe",
            "sync edit g --tag T --tag-from-list",
            "sync run g --first 0",
            "sync run g --dry-run --yes",
            "run show 3 --of entries",
            "run show 3 --all",
            "hold",
            "resume --dry-run --yes",
            "account pause main",
            "intent list --state sent",
            "indoubt resolve 7 --evidence seen",
            "indoubt resolve 7 --sent",
            "indoubt resolve 7 --sent --drop --evidence seen",
        ] {
            assert!(!parses(line), "{line}");
        }
    }

    #[test]
    fn the_help_tells_the_exit_codes() {
        let help = Cli::command().render_help().to_string();
        for (_, number, meaning) in Exit::TABLE {
            assert!(help.contains(&number.to_string()) && help.contains(meaning), "{meaning}");
        }
    }
}
