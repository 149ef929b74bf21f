//! `postroom list`: lists and their entries.

use clap::{Subcommand, ValueEnum};
use postroom_domain::order::Place;
use postroom_service::lists::{CorrectEntry, EntryCorrected, ListPage, ListRenamed, OldTag, TakenOff};
use postroom_store::contacts::Written;
use postroom_store::lists::{Entry, EntryTrouble, List};

use super::contact::pair;
use super::paging::{self, MAX_PAGE, PAGE};
use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::shell;
use crate::table::{self, counted, grouped};

/// What to do with lists.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the lists, in their order
    List,
    /// Give a list another place among the lists
    Move {
        /// The list's name
        name: String,
        #[command(flatten)]
        to: To,
    },
    /// Show a list's entries in their order, the invalid and the duplicate ones too
    Show {
        /// The list's name
        name: String,
        /// At most so many
        #[arg(long, default_value_t = PAGE, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
        limit: u32,
        /// Only entries behind this position
        #[arg(long, value_name = "POSITION", default_value_t = 0)]
        after: u64,
        /// All of them
        #[arg(long, conflicts_with_all = ["limit", "after"])]
        all: bool,
        /// Only the entries with which this is wrong
        #[arg(long, value_enum)]
        only: Option<Trouble>,
    },
    /// Make an empty list
    Create {
        /// Its name: the tag that its contacts get at providers
        name: String,
    },
    /// Give a list another name
    Rename {
        /// The list's name
        name: String,
        /// Its new name
        to: String,
    },
    /// Delete a list and its entries; its contacts stay
    Remove {
        /// The list's name
        name: String,
    },
    /// Put a contact at the end of a list
    PutOn {
        /// The list's name
        name: String,
        /// The contact: its e-mail address, #NUMBER, its hash, or external:KEY
        who: String,
    },
    /// Take a contact, or one entry, off a list. At the next run its tag comes off at the provider
    TakeOff {
        /// The list's name
        name: String,
        /// The contact: its e-mail address, #NUMBER, its hash, or external:KEY
        #[arg(required_unless_present = "position")]
        who: Option<String>,
        /// The one entry at this position
        #[arg(long, conflicts_with = "who")]
        position: Option<u64>,
    },
    /// Give an invalid entry its address: its contact is found or made, and the entry stays where it is
    Correct {
        /// The list's name
        name: String,
        /// The entry's position
        position: u64,
        /// The address
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// A field of the contact and its value, as in firstname=Jana; may be given several times
        #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = pair)]
        values: Vec<(String, String)>,
    },
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Trouble {
    /// It has no usable address
    Invalid,
    /// An earlier entry has its contact
    Duplicate,
}

impl Trouble {
    fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Duplicate => "duplicate",
        }
    }
}

impl From<Trouble> for EntryTrouble {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Invalid => Self::Invalid,
            Trouble::Duplicate => Self::Duplicate,
        }
    }
}

/// Where a list is to stand.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct To {
    /// Right before this list
    #[arg(long, value_name = "LIST")]
    before: Option<String>,
    /// Before all others
    #[arg(long)]
    first: bool,
    /// Behind all others
    #[arg(long)]
    last: bool,
}

impl From<To> for Place<String> {
    fn from(to: To) -> Self {
        match to.before {
            Some(other) => Self::Before(other),
            None if to.first => Self::First,
            None => Self::Last,
        }
    }
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List => output.answer(&context.reading()?.lists().await?, |lists| overview(lists))?,
        Verb::Move { name, to } => {
            let lists = context.writing("list move")?.move_list(&name, &to.into()).await?;
            output.answer(&lists, |lists| overview(lists))?;
        }
        Verb::Show { name, limit, after, all, only } => {
            let shown = show(context, &name, (limit, after, all), only).await?;
            output.answer(&shown, |shown| page(shown, only))?;
        }
        Verb::Create { name } => {
            let list = context.writing("list create")?.create_list(&name).await?;
            output.answer(&list, |list| format!("Made the list {}.", table::visible(&list.name)))?;
        }
        Verb::Rename { name, to } => {
            output.answer(&context.writing("list rename")?.rename_list(&name, &to).await?, renamed)?;
        }
        Verb::Remove { name } => {
            context.writing("list remove")?.remove_list(&name).await?;
            output.answer(&serde_json::json!({ "removed": name }), |_| {
                format!("Removed the list {}. Its contacts stay.", table::visible(&name))
            })?;
        }
        Verb::PutOn { name, who } => {
            let joined = context.writing("list put-on")?.put_on_list(&name, &who).await?;
            output.answer(&serde_json::json!({ "list": name, "joined": joined }), |_| {
                let (who, name) = (table::visible(&who), table::visible(&name));
                if joined { format!("{who} is on {name} now.") } else { format!("{who} was on {name} already.") }
            })?;
        }
        Verb::TakeOff { name, who, position } => {
            let service = context.writing("list take-off")?;
            let taken = match (who, position) {
                (_, Some(position)) => service.take_off_entry(&name, position).await?,
                (who, None) => service.take_off_list(&name, &who.unwrap_or_default()).await?,
            };
            output.answer(&taken, taken_off)?;
        }
        Verb::Correct { name, position, email, values } => {
            let request = CorrectEntry { list: name, position, email, values };
            output.answer(&context.writing("list correct")?.correct_entry(request).await?, corrected)?;
        }
    }
    Ok(Exit::Done)
}

async fn show(
    context: &Context,
    name: &str,
    (limit, after, all): (u32, u64, bool),
    only: Option<Trouble>,
) -> Result<ListPage> {
    let service = context.reading()?;
    let limit = if all { MAX_PAGE } else { limit };
    let read = async |after| match only {
        Some(trouble) => service.list_in_trouble(name, trouble.into(), after, limit).await,
        None => service.list(name, after, limit).await,
    };
    let mut page = read(after).await?;
    while let Some(after) = page.next.filter(|_| all) {
        let next = read(after).await?;
        page.entries.extend(next.entries);
        page.next = next.next;
    }
    Ok(page)
}

fn overview(lists: &[List]) -> String {
    if lists.is_empty() {
        return "There is no list yet: `postroom import FILE --list NAME` makes one.".to_owned();
    }
    let rows = lists
        .iter()
        .map(|list| [list.name.clone(), grouped(list.entries), grouped(list.contacts), list.syncs.join(", ")]);
    table::table(["list", "entries", "contacts", "syncs"], rows)
}

fn page(page: &ListPage, only: Option<Trouble>) -> String {
    let list = &page.list;
    let rows = page.entries.iter().map(|entry| {
        let email = entry.email.clone().unwrap_or_else(|| entry.raw.join(" | "));
        [entry.position.to_string(), email, remark(entry)]
    });
    let mut text = format!(
        "{}: {}, {}\n\n",
        table::visible(&list.name),
        counted(list.entries, "entry", "entries"),
        counted(list.contacts, "contact", "contacts")
    );
    text.push_str(&table::table(["position", "e-mail", "remark"], rows));
    let mut command = vec!["postroom", "list", "show", list.name.as_str()];
    command.extend(only.map(|only| ["--only", only.word()]).into_iter().flatten());
    text.push_str(&paging::more(page.next, &shell::line(command)));
    if let Some(only) = only.filter(|_| !page.entries.is_empty()) {
        text.push_str(&mends(only, &list.name));
    }
    text
}

/// What to type for entries that are at fault.
fn mends(trouble: Trouble, list: &str) -> String {
    let take_off = shell::line(["postroom", "list", "take-off", list, "--position"]);
    let take_off = format!("`{take_off} POSITION` takes one off");
    match trouble {
        Trouble::Invalid => {
            let correct = shell::line(["postroom", "list", "correct", list]);
            format!("\n`{correct} POSITION --email ADDRESS` gives one its address; {take_off}.\n")
        }
        Trouble::Duplicate => format!("\nOnly the first entry of a contact is sent. {take_off}.\n"),
    }
}

fn corrected(answer: &EntryCorrected) -> String {
    let (list, email) = (table::visible(&answer.list), table::visible(answer.contact.email.as_str()));
    let became = match answer.outcome {
        Written::Created => "is a new contact",
        Written::Updated => "is a contact that was changed",
        Written::Unchanged => "is a contact that was there",
    };
    let mut text = format!("The entry {} of {list} is {email}, who {became}.\n", answer.position);
    if let Some(first) = answer.duplicate_of {
        text.push_str(&format!(
            "The entry {first} is the same contact's, so this one is a duplicate and is not sent.\n"
        ));
    }
    text
}

fn remark(entry: &Entry) -> String {
    match (&entry.fault, entry.duplicate_of) {
        (Some(fault), _) => format!("invalid: {fault}"),
        (None, Some(first)) => format!("duplicate of {first}"),
        (None, None) => String::new(),
    }
}

fn renamed(answer: &ListRenamed) -> String {
    format!("The list is called {} now.\n{}", table::visible(&answer.list.name), old_tags(&answer.old_tags))
}

/// What to type for syncs that still use an old name as their tag.
pub(super) fn old_tags(old_tags: &[OldTag]) -> String {
    let mut text = String::new();
    for old in old_tags {
        let line = shell::line(["postroom", "sync", "edit", old.sync.as_str(), "--tag-from-list"]);
        text.push_str(&format!(
            "The sync {} still puts the tag {} on its members: `{line}` renames it with the next run.\n",
            table::visible(&old.sync),
            table::visible(&old.tag)
        ));
    }
    text
}

fn taken_off(answer: &TakenOff) -> String {
    let entries = counted(answer.entries, "entry", "entries");
    format!("Took {entries} off {}. At the next run the tag comes off at the provider.", table::visible(&answer.list))
}
