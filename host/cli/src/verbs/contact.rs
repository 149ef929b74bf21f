//! `postroom contact`: one contact at a time.

use clap::Subcommand;
use postroom_domain::consent::ConsentEvent;
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{FieldValue, Fields};
use postroom_domain::history::{Author, ContactEvent, Happening};
use postroom_service::contacts::{AddContact, ContactPage, ContactWritten, EditContact};
use postroom_store::contacts::{Contact, ContactDetail, ContactQuery, Written};

use super::paging::{self, MAX_PAGE, PAGE};
use super::{consent, erasing};
use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::table::{self, facts, moment};

/// How a contact is named, for the help of every verb that takes one.
pub(crate) const WHO: &str = "The contact: its e-mail address, #NUMBER, its hash, or external:KEY";

/// What to do with contacts.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List contacts
    List {
        /// Only addresses that contain this
        #[arg(long, default_value = "")]
        search: String,
        /// At most so many
        #[arg(long, default_value_t = PAGE, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
        limit: u32,
        /// Only contacts with a number above this
        #[arg(long, value_name = "NUMBER")]
        after: Option<i64>,
        /// All of them
        #[arg(long, conflicts_with_all = ["limit", "after"])]
        all: bool,
    },
    /// Show a contact, its consent's history, its lists, and where providers have it
    Show {
        #[arg(help = WHO)]
        who: String,
    },
    /// Show what happened to a contact, when, and who did it, oldest first: its data, tags, lists and consent
    ///
    /// What an import did bears the name of its file. Not told are tags that were put on, and lists that were
    /// joined and left again, before any of this was kept, and what imports did to a list that is gone.
    History {
        #[arg(help = WHO)]
        who: String,
    },
    /// Add a contact, or update the one of this address
    Add {
        /// Its e-mail address
        email: String,
        /// A field and its value, as in firstname=Jana or address.city=Tartu; an empty value empties it
        #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = pair)]
        values: Vec<(String, String)>,
        /// Its key in the system that it comes from
        #[arg(long, value_name = "KEY")]
        external_id: Option<String>,
        /// A list to put it on
        #[arg(long = "list", value_name = "LIST")]
        lists: Vec<String>,
        /// A tag to put on it
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
    },
    /// Change a contact. A new address keeps its member at the provider, and its tags there
    Edit {
        #[arg(help = WHO)]
        who: String,
        /// Its new address
        #[arg(long)]
        email: Option<String>,
        /// A field and its value, as in firstname=Jana; an empty value empties it
        #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = pair)]
        values: Vec<(String, String)>,
        /// Its new key in the system that it comes from
        #[arg(long, value_name = "KEY")]
        external_id: Option<String>,
    },
    /// Join two contacts that are one person: the first stays, and what only the other had comes over
    Merge {
        #[arg(help = WHO)]
        kept: String,
        /// The one that goes, named in the same ways
        other: String,
    },
    /// Delete a contact. It stays at providers; its tags come off there at the next runs
    Remove {
        #[arg(help = WHO)]
        who: String,
    },
    /// Erase a person for good: here at once, and at every provider that has it. Nobody of its address is
    /// taken again, nor of one that it had before and nobody has now
    Erase {
        #[arg(help = WHO)]
        who: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// The erasures, and what providers still owe
    Erasures {
        /// Tell providers again what they still owe
        #[arg(long)]
        retry: bool,
        /// At most so many
        #[arg(long, default_value_t = PAGE, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
        limit: u32,
    },
    /// Put a tag on a contact
    Tag {
        #[arg(help = WHO)]
        who: String,
        /// The tag
        tag: String,
    },
    /// Take a tag off a contact
    Untag {
        #[arg(help = WHO)]
        who: String,
        /// The tag
        tag: String,
    },
}

/// A field and its value, as they are typed.
pub(super) fn pair(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.trim().is_empty() => Ok((field.trim().to_owned(), value.to_owned())),
        _ => Err("write the field, `=`, and the value, as in firstname=Jana".to_owned()),
    }
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List { search, limit, after, all } => {
            let page = list(context, search, limit, after, all).await?;
            output.answer(&page, contacts)?;
        }
        Verb::Show { who } => output.answer(&context.reading()?.contact(&who).await?, detail)?,
        Verb::History { who } => {
            output.answer(&context.reading()?.contact_history(&who).await?, |events| history(events))?;
        }
        Verb::Add { email, values, external_id, lists, tags } => {
            let request = AddContact { email, external_id, values, lists, tags };
            output.answer(&context.writing("contact add")?.add_contact(request).await?, written)?;
        }
        Verb::Edit { who, email, values, external_id } => {
            let request = EditContact { who, email, external_id, values };
            output.answer(&context.writing("contact edit")?.edit_contact(request).await?, written)?;
        }
        Verb::Merge { kept, other } => {
            let contact = context.writing("contact merge")?.merge_contacts(&kept, &other).await?;
            output.answer(&contact, |contact| {
                let kept = table::visible(contact.email.as_str());
                format!("{} is {kept} (#{}) now.", table::visible(&other), contact.id.0)
            })?;
        }
        Verb::Remove { who } => {
            let id = context.writing("contact remove")?.remove_contact(&who).await?;
            output.answer(&serde_json::json!({ "removed": id }), |_| {
                format!("Removed {}. Its tags come off at the next run of each sync.", table::visible(&who))
            })?;
        }
        Verb::Erase { who, yes } => return erasing::erase(context, &who, yes).await,
        Verb::Erasures { retry, limit } => return erasing::list(context, retry, limit).await,
        Verb::Tag { who, tag } => tag_contact(context, "contact tag", &who, &tag, true).await?,
        Verb::Untag { who, tag } => tag_contact(context, "contact untag", &who, &tag, false).await?,
    }
    Ok(Exit::Done)
}

fn history(events: &[ContactEvent]) -> String {
    let rows = events.iter().flat_map(|event| {
        let about = event.former.map(|former| format!(" (as #{})", former.0)).unwrap_or_default();
        happened(&event.what).into_iter().map(move |[what, before, after]| {
            [moment(event.at), who(&event.by), format!("{what}{about}"), before, after]
        })
    });
    table::table(["when", "who", "what", "before", "after"], rows)
}

fn who(by: &Author) -> String {
    match &by.file {
        Some(file) => format!("{} of {file}", by.source.as_str()),
        None => by.source.as_str().to_owned(),
    }
}

/// What happened in lines of what, before and after.
fn happened(what: &Happening) -> Vec<[String; 3]> {
    let shown = |value: &Option<FieldValue>| value.as_ref().map(FieldValue::as_line).unwrap_or_default();
    let none = String::new;
    match what {
        Happening::Created => vec![["created".to_owned(), none(), none()]],
        Happening::Changed { values } => {
            values.iter().map(|value| [value.place.clone(), shown(&value.before), shown(&value.after)]).collect()
        }
        Happening::Tagged { tag } => vec![["tag".to_owned(), none(), tag.clone()]],
        Happening::Untagged { tag } => vec![["tag".to_owned(), tag.clone(), none()]],
        Happening::Joined { list } => vec![["list".to_owned(), none(), list.clone()]],
        Happening::Left { list } => vec![["list".to_owned(), list.clone(), none()]],
        Happening::Consent { event } => vec![["consent".to_owned(), none(), in_short(event)]],
        Happening::Merged { contact, email } => {
            vec![["merged".to_owned(), format!("{email} (#{})", contact.0), none()]]
        }
    }
}

/// An event of a consent with what shows it, or else where it came from.
fn in_short(event: &ConsentEvent) -> String {
    match event.evidence.as_ref().or(event.provenance.origin.as_ref()) {
        Some(shown_by) => format!("{} ({shown_by})", event.act.as_str()),
        None => event.act.as_str().to_owned(),
    }
}

async fn list(context: &Context, search: String, limit: u32, after: Option<i64>, all: bool) -> Result<ContactPage> {
    let service = context.reading()?;
    let limit = if all { MAX_PAGE } else { limit };
    let mut query = ContactQuery { search, after: after.map(ContactId), limit };
    let mut page = service.contacts(&query).await?;
    while all && page.next.is_some() {
        query.after = page.next;
        let next = service.contacts(&query).await?;
        page.contacts.extend(next.contacts);
        page.next = next.next;
    }
    Ok(page)
}

async fn tag_contact(context: &Context, verb: &str, who: &str, tag: &str, present: bool) -> Result<()> {
    let tagged = context.writing(verb)?.tag_contact(who, tag, present).await?;
    context.output.answer(&tagged, |tagged| {
        let who = table::visible(who);
        let tag = table::visible(&tagged.tag);
        match (tagged.present, tagged.changed) {
            (true, true) => format!("{who} has the tag {tag} now."),
            (true, false) => format!("{who} had the tag {tag} already."),
            (false, true) => format!("{who} no longer has the tag {tag}."),
            (false, false) => format!("{who} did not have the tag {tag}."),
        }
    })
}

fn contacts(page: &ContactPage) -> String {
    let mut text = people(&page.contacts);
    text.push_str(&paging::footer(page.contacts.len(), "contact", "contacts"));
    text.push_str(&paging::more(page.next.map(|id| id.0), "postroom contact list"));
    text
}

/// Contacts in short, one to a line.
pub(super) fn people(contacts: &[Contact]) -> String {
    let rows = contacts.iter().map(|contact| {
        [contact.id.0.to_string(), contact.email.to_string(), contact.consent.to_string(), name(contact)]
    });
    table::table(["number", "e-mail", "consent", "name"], rows)
}

fn name(contact: &Contact) -> String {
    let part = |wanted: &str| {
        contact.fields.iter().find(|(name, _)| name.as_str() == wanted).map(|(_, value)| value.as_line())
    };
    [part("firstname"), part("lastname")].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn fields(fields: &Fields) -> impl Iterator<Item = (&str, String)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_line()))
}

fn written(answer: &ContactWritten) -> String {
    let what = match answer.outcome {
        Written::Created => "Added",
        Written::Updated => "Updated",
        Written::Unchanged => "Nothing changed for",
    };
    let joined: String = answer.joined.iter().map(|list| format!("It is on {} now.\n", table::visible(list))).collect();
    format!("{what} {} (#{}).\n{joined}", table::visible(answer.contact.email.as_str()), answer.contact.id.0)
}

fn detail(detail: &ContactDetail) -> String {
    let contact = &detail.contact;
    let mut rows = vec![
        ("e-mail", contact.email.to_string()),
        ("number", format!("#{}", contact.id.0)),
        ("hash", contact.hash.clone()),
        ("consent", contact.consent.to_string()),
    ];
    if !detail.aliases.is_empty() {
        let aliases: Vec<&str> = detail.aliases.iter().map(EmailAddress::as_str).collect();
        rows.push(("also found by", aliases.join(", ")));
    }
    rows.extend(consent::narrowed(&detail.unsubscribed, &detail.purposes));
    rows.extend(contact.external_id.clone().map(|key| ("external id", key)));
    rows.extend(fields(&contact.fields));
    if !contact.tags.is_empty() {
        rows.push(("tags", contact.tags.join(", ")));
    }
    if !detail.lists.is_empty() {
        rows.push(("lists", detail.lists.join(", ")));
    }
    rows.push(("created", moment(contact.created_at)));
    rows.push(("changed", moment(contact.updated_at)));
    let mut text = facts(rows);
    if !detail.consent_history.is_empty() {
        text.push_str("\nConsent, oldest first:\n");
        text.push_str(&consent::history(&detail.consent_history));
    }
    if !detail.members.is_empty() {
        let members = detail.members.iter().map(|member| {
            [
                member.account.clone(),
                member.audience.clone(),
                member.status.clone().unwrap_or_default(),
                moment(member.confirmed_at),
            ]
        });
        text.push_str("\nAt providers:\n");
        text.push_str(&table::table(["account", "audience", "status", "confirmed"], members));
    }
    text
}
