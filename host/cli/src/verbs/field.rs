//! `postroom field`: the fields that contacts have.

use clap::Subcommand;
use postroom_domain::field::{Choice, FieldChange, FieldDefinition};
use postroom_service::workspace::{AddField, ChoiceFollowed};

use crate::exit::Exit;
use crate::failure::Result;
use crate::progress::Bar;
use crate::room::Context;
use crate::table::{self, counted};

/// What to do with fields.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the fields
    List,
    /// Add a field. Its name and type never change
    Add {
        /// Its name: a-z only
        name: String,
        /// text, long-text, number, decimal, date, date-time, boolean, single-choice, multiple-choice, url,
        /// phone, country, language, time-zone or address
        #[arg(long = "type", value_name = "TYPE", default_value = "text")]
        kind: String,
        /// What people read
        #[arg(long)]
        label: Option<String>,
        /// One of its choices; may be given several times
        #[arg(long = "choice", value_name = "CHOICE")]
        choices: Vec<String>,
    },
    /// Change what people read
    Label {
        /// The field
        name: String,
        /// The words
        label: String,
    },
    /// Show a field where contacts are listed
    Show {
        /// The field
        name: String,
    },
    /// Hide a field where contacts are listed
    Hide {
        /// The field
        name: String,
    },
    /// Make a field quick to ask for in segments, or ordinary again. Segments answer alike either way
    Filter {
        /// The field
        name: String,
        #[command(flatten)]
        wanted: Switch,
        /// All other writes may wait until the index is built: over a million contacts that takes seconds
        #[arg(long, conflicts_with = "off")]
        may_block: bool,
    },
    /// Put fields in an order: those that are named come first
    Order {
        /// The fields
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// The choices of a field
    #[command(subcommand)]
    Choice(ChoiceVerb),
}

/// Whether a field is indexed.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Switch {
    /// Index it: segments find contacts by it without looking through all of them
    #[arg(long)]
    on: bool,
    /// Drop its index: each one costs every write of a contact
    #[arg(long)]
    off: bool,
}

/// What to do with the choices of a field.
#[derive(Debug, Subcommand)]
pub(crate) enum ChoiceVerb {
    /// List the choices of a field
    List {
        /// The field
        name: String,
    },
    /// Add a choice, or bring back one that was removed
    Add {
        /// The field
        name: String,
        /// The choice
        choice: String,
    },
    /// Remove a choice. Contacts that have it keep it, and nobody gets it any more
    Remove {
        /// The field
        name: String,
        /// The choice
        choice: String,
    },
    /// Give a choice another value. Contacts and segments follow, and files with the old value mean the new one
    Rename {
        /// The field
        name: String,
        /// The choice
        choice: String,
        /// Its value to be
        to: String,
    },
    /// Change what people read for a choice
    Label {
        /// The field
        name: String,
        /// The choice
        choice: String,
        /// The words
        label: String,
        /// The language of these words, such as de; without it, they are for everybody else
        #[arg(long)]
        language: Option<String>,
    },
    /// Put the choices in an order: those that are named come first
    Order {
        /// The field
        name: String,
        /// The choices
        #[arg(required = true)]
        choices: Vec<String>,
    },
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    match verb {
        Verb::List => context.output.answer(&context.reading()?.fields().await?, |fields| page(fields))?,
        Verb::Add { name, kind, label, choices } => {
            let field = context.writing("field add")?.add_field(AddField { name, kind, label, choices }).await?;
            context.output.answer(&field, |field| format!("Added the field {} ({}).", field.name, field.kind))?;
        }
        Verb::Label { name, label } => change(context, "field label", &name, FieldChange::Label(label)).await?,
        Verb::Show { name } => change(context, "field show", &name, FieldChange::Visible(true)).await?,
        Verb::Hide { name } => change(context, "field hide", &name, FieldChange::Visible(false)).await?,
        Verb::Filter { name, wanted, may_block } => {
            let is_filterable = wanted.on && !wanted.off;
            let field = context.writing("field filter")?.set_filterable(&name, is_filterable, may_block).await?;
            context.output.answer(&field, |field| page(std::slice::from_ref(field)))?;
        }
        Verb::Order { names } => {
            let fields = context.writing("field order")?.order_fields(&names).await?;
            context.output.answer(&fields, |fields| page(fields))?;
        }
        Verb::Choice(verb) => act_on_choices(verb, context).await?,
    }
    Ok(Exit::Done)
}

async fn act_on_choices(verb: ChoiceVerb, context: &Context) -> Result<()> {
    let (name, change) = match verb {
        ChoiceVerb::List { name } => {
            let field = context.reading()?.field(&name).await?;
            return context.output.answer(&field.choices, |choices| choices_page(choices));
        }
        ChoiceVerb::Rename { name, choice, to } => return rename(context, &name, &choice, &to).await,
        ChoiceVerb::Add { name, choice } => (name, FieldChange::AddChoice(choice)),
        ChoiceVerb::Remove { name, choice } => (name, FieldChange::RemoveChoice(choice)),
        ChoiceVerb::Label { name, choice, label, language } => {
            (name, FieldChange::LabelChoice { value: choice, language, label })
        }
        ChoiceVerb::Order { name, choices } => (name, FieldChange::OrderChoices(choices)),
    };
    let field = context.writing("field choice")?.change_field(&name, &change).await?;
    context.output.answer(&field, |field| choices_page(&field.choices))
}

async fn rename(context: &Context, name: &str, choice: &str, to: &str) -> Result<()> {
    let service = context.writing("field choice rename")?;
    let bar = Bar::new(&context.output, "contacts");
    let followed = service.rename_choice(name, choice, to, &|done, of| bar.at(done, of)).await?;
    drop(bar);
    context.output.answer(&followed, renamed)
}

fn renamed(answer: &ChoiceFollowed) -> String {
    let mut text = choices_page(&answer.renamed.field.choices);
    text.push_str(&format!("\n{} followed.\n", counted(answer.contacts, "contact", "contacts")));
    if !answer.renamed.segments.is_empty() {
        let names = table::visible(&answer.renamed.segments.join(", "));
        text.push_str(&format!("These segments name the new value now: {names}.\n"));
    }
    if !answer.renamed.look_at.is_empty() {
        let names = table::visible(&answer.renamed.look_at.join(", "));
        text.push_str(&format!("These ask for a part of the text and stay as they are: look at {names}.\n"));
    }
    text
}

async fn change(context: &Context, verb: &'static str, name: &str, change: FieldChange) -> Result<()> {
    let field = context.writing(verb)?.change_field(name, &change).await?;
    context.output.answer(&field, |field| page(std::slice::from_ref(field)))
}

fn page(fields: &[FieldDefinition]) -> String {
    table::table(
        ["name", "type", "label", "shown", "filterable", "choices"],
        fields.iter().map(|field| {
            let choices: Vec<&str> =
                field.choices.iter().filter(|choice| !choice.is_removed).map(|choice| choice.value.as_str()).collect();
            [
                field.name.to_string(),
                field.kind.to_string(),
                field.label.clone(),
                yes_or_no(field.is_visible),
                yes_or_no(field.is_filterable),
                choices.join(", "),
            ]
        }),
    )
}

fn yes_or_no(answer: bool) -> String {
    if answer { "yes" } else { "no" }.to_owned()
}

fn choices_page(choices: &[Choice]) -> String {
    table::table(
        ["choice", "label", "translations", "before", ""],
        choices.iter().map(|choice| {
            let translations: Vec<String> =
                choice.translations.iter().map(|(language, words)| format!("{language}: {words}")).collect();
            [
                choice.value.clone(),
                choice.words(None).to_owned(),
                translations.join(", "),
                choice.former.join(", "),
                if choice.is_removed { "removed" } else { "" }.to_owned(),
            ]
        }),
    )
}
