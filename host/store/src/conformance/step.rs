//! The random steps: what a caller may ask of a store, in few words, so that names collide often.

use postroom_domain::consent::{ConsentAct, ConsentSource};
use postroom_domain::contact::{EntryFault, FieldPatch, ImportedRow};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{Choice, FieldDefinition, FieldType, FieldValue};
use postroom_domain::order::Place;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Addresses. Some are one person's in two spellings.
pub const ADDRESSES: [&str; 9] = [
    "ana@example.cz",
    "ANA@Example.CZ",
    "bob@example.cz",
    "Bob@example.cz",
    "cyril@example.cz",
    "info@xn--bcher-kva.example",
    "info@Bücher.example",
    "dan@example.cz",
    "eva@example.cz",
];
/// What stands in a cell for an address and is none.
const NO_ADDRESSES: [&str; 2] = ["", "not an address"];
/// Keys of the system that contacts come from.
const KEYS: [&str; 4] = ["1", "2", "3", "4"];
/// Names of lists.
const LISTS: [&str; 3] = ["guests", "staff", "winter"];
/// The same as somebody types them; the last is none.
const TYPED_LISTS: [&str; 5] = ["guests", "staff", "winter", " guests ", "  "];
/// Names of purposes.
const PURPOSES: [&str; 2] = ["newsletter", "offers"];
/// Tags, some in two spellings.
const TAGS: [&str; 4] = ["VIP", "vip", "Autumn", " Autumn "];
/// Places of fields that take text.
const PLACES: [&str; 4] = ["firstname", "lastname", "address.city", "address.zip"];
/// Values. None empties the place.
const VALUES: [Option<&str>; 3] = [Some("Ana"), Some("Brno"), None];
/// Rows of one import at most: enough for a contact to come several times.
const ROWS: usize = 6;
/// Rows that are handed over at a time, at most.
const CHUNK: usize = 3;
/// So many seconds before or after its step a consent event may have happened, so that news come late.
const DELAY: i64 = 40;

/// The field whose choices change, which the suite adds to the store.
pub const GRADE: &str = "grade";
/// Its choices at the beginning.
const GRADES: [&str; 3] = ["guest", "gold", "staff"];
/// Choices as somebody types them: there, there in capitals, not there yet, and none that can be.
const TYPED_GRADES: [&str; 6] = ["guest", "Gold", "staff", "silver", "bronze", "a;b"];

/// How a step names a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// By an address.
    Address(&'static str),
    /// By the number of the n-th contact that there ever was, counted round; it may be gone.
    Number(usize),
    /// By the hash of the same.
    Hash(usize),
    /// By an external key.
    Key(&'static str),
}

/// What a consent event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Everything.
    Whole,
    /// A list.
    List(&'static str),
    /// A purpose.
    Purpose(&'static str),
}

/// A row of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The cell of the external key.
    pub key: Option<&'static str>,
    /// The cell of the address.
    pub address: &'static str,
    /// The cell of the first name; none empties it.
    pub name: Option<&'static str>,
}

/// One thing that is asked of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Creates or updates a contact.
    Upsert {
        /// Whom, where that is not the contact of the address.
        who: Option<Who>,
        /// Its address.
        address: Option<&'static str>,
        /// Its key.
        key: Option<&'static str>,
        /// What becomes of its fields.
        patch: Vec<(&'static str, Option<&'static str>)>,
    },
    /// Writes one of the field's choices.
    Choose {
        /// Whose.
        who: Who,
        /// The choice.
        value: &'static str,
    },
    /// Adds a choice.
    AddChoice(&'static str),
    /// Removes a choice.
    RemoveChoice(&'static str),
    /// Gives a choice another value, and lets contacts follow.
    RenameChoice {
        /// The choice.
        value: &'static str,
        /// Its value to be.
        to: &'static str,
    },
    /// Joins two contacts.
    Merge {
        /// The one that stays.
        kept: Who,
        /// The one that goes.
        other: Who,
    },
    /// Deletes a contact.
    Delete(Who),
    /// Erases a contact.
    Erase(Who),
    /// Puts a tag on a contact or takes it off.
    Tag {
        /// Whom.
        who: Who,
        /// The tag.
        tag: &'static str,
        /// Whether it is put on.
        present: bool,
    },
    /// Defines a purpose.
    AddPurpose(&'static str),
    /// Removes a purpose.
    RemovePurpose(&'static str),
    /// Records a consent event.
    Consent {
        /// Whose.
        who: Who,
        /// What it is about.
        about: About,
        /// What happened.
        act: ConsentAct,
        /// Who says so.
        source: ConsentSource,
        /// What shows it.
        evidence: Option<&'static str>,
        /// How many seconds after the step it happened; below zero, before it.
        delay: i64,
    },
    /// Makes a list.
    CreateList(&'static str),
    /// Gives a list another name.
    RenameList {
        /// Its name.
        name: &'static str,
        /// Its name to be.
        to: &'static str,
    },
    /// Deletes a list.
    DeleteList(&'static str),
    /// Gives a list another place.
    MoveList {
        /// The list.
        name: &'static str,
        /// Where it is to stand.
        to: Place<&'static str>,
    },
    /// Puts a contact at the end of a list.
    Join {
        /// The list.
        list: &'static str,
        /// Whom.
        who: Who,
    },
    /// Takes a contact off a list.
    Leave {
        /// The list.
        list: &'static str,
        /// Whom.
        who: Who,
    },
    /// Takes the n-th entry off a list; there may be none.
    RemoveEntry {
        /// The list.
        list: &'static str,
        /// Which entry, counting from 0.
        nth: usize,
    },
    /// A whole import.
    Import(Import),
}

/// A whole import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The list that it fills.
    pub list: Option<&'static str>,
    /// Whether the file is the list, or joins it.
    pub replaces: bool,
    /// Whether the operator states a consent.
    pub states_consent: bool,
    /// The purposes that it is stated for too.
    pub purposes: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// How many of them are handed over at a time.
    pub chunk: usize,
    /// Whether it is finished, or given up at the end.
    pub finishes: bool,
}

impl Row {
    /// The row as an import reads it.
    ///
    /// # Errors
    ///
    /// When this suite itself is wrong about the name of a field.
    pub fn read(&self, line: u64) -> Result<ImportedRow, String> {
        let name = self.name.unwrap_or_default();
        Ok(ImportedRow {
            line,
            raw: [self.key.unwrap_or_default(), self.address, name].map(str::to_owned).to_vec(),
            address: EmailAddress::parse(self.address).map_err(EntryFault::from),
            external_id: self.key.map(str::to_owned),
            patch: patch(&[("firstname", self.name)])?,
            left_out: Vec::new(),
            claim: None,
            tags: Vec::new(),
        })
    }
}

/// A patch from places and values.
///
/// # Errors
///
/// When this suite itself is wrong about the name of a field.
pub fn patch(changes: &[(&str, Option<&str>)]) -> Result<FieldPatch, String> {
    let changes = changes.iter().map(|(place, value)| {
        let path = place.parse().map_err(|fault| format!("`{place}` is no place of a field: {fault}"))?;
        Ok((path, value.map(|value| FieldValue::Text(value.to_owned()))))
    });
    Ok(FieldPatch { changes: changes.collect::<Result<_, String>>()? })
}

/// The field whose choices change.
///
/// # Errors
///
/// When this suite itself is wrong about the name of a field.
pub fn grade() -> Result<FieldDefinition, String> {
    let name = GRADE.parse().map_err(|fault| format!("`{GRADE}` is no field: {fault}"))?;
    let mut grade = FieldDefinition::new(name, FieldType::SingleChoice, GRADE.to_owned());
    grade.choices = GRADES.map(|value| Choice::new(value, value)).to_vec();
    Ok(grade)
}

/// Sequences of steps, of `longest` at most.
pub fn sequences(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..=longest)
}

/// One step. What makes contacts comes often, and what makes them go seldom.
pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => upsert(),
        5 => import().prop_map(Step::Import),
        3 => (who(), grade_typed()).prop_map(|(who, value)| Step::Choose { who, value }),
        1 => grade_typed().prop_map(Step::AddChoice),
        1 => grade_typed().prop_map(Step::RemoveChoice),
        1 => (grade_typed(), grade_typed()).prop_map(|(value, to)| Step::RenameChoice { value, to }),
        2 => (who(), who()).prop_map(|(kept, other)| Step::Merge { kept, other }),
        1 => who().prop_map(Step::Delete),
        1 => who().prop_map(Step::Erase),
        2 => (who(), select(&TAGS[..]), any::<bool>()).prop_map(|(who, tag, present)| Step::Tag { who, tag, present }),
        6 => consent(),
        2 => select(&PURPOSES[..]).prop_map(Step::AddPurpose),
        1 => select(&PURPOSES[..]).prop_map(Step::RemovePurpose),
        2 => select(&TYPED_LISTS[..]).prop_map(Step::CreateList),
        1 => (list(), list()).prop_map(|(name, to)| Step::RenameList { name, to }),
        1 => list().prop_map(Step::DeleteList),
        1 => (list(), place()).prop_map(|(name, to)| Step::MoveList { name, to }),
        3 => (list(), who()).prop_map(|(list, who)| Step::Join { list, who }),
        1 => (list(), who()).prop_map(|(list, who)| Step::Leave { list, who }),
        1 => (list(), 0..ROWS).prop_map(|(list, nth)| Step::RemoveEntry { list, nth }),
    ]
}

fn list() -> impl Strategy<Value = &'static str> {
    select(&LISTS[..])
}

fn grade_typed() -> impl Strategy<Value = &'static str> {
    select(&TYPED_GRADES[..])
}

fn place() -> impl Strategy<Value = Place<&'static str>> {
    prop_oneof![Just(Place::First), Just(Place::Last), list().prop_map(Place::Before)]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        5 => select(&ADDRESSES[..]).prop_map(Who::Address),
        1 => (0..ROWS).prop_map(Who::Number),
        1 => (0..ROWS).prop_map(Who::Hash),
        1 => select(&KEYS[..]).prop_map(Who::Key),
    ]
}

fn upsert() -> impl Strategy<Value = Step> {
    let change = (select(&PLACES[..]), select(&VALUES[..]));
    (
        option::weighted(0.4, who()),
        option::weighted(0.8, select(&ADDRESSES[..])),
        option::weighted(0.3, select(&KEYS[..])),
        vec(change, 0..3),
    )
        .prop_map(|(who, address, key, patch)| Step::Upsert { who, address, key, patch })
}

fn consent() -> impl Strategy<Value = Step> {
    use ConsentAct::{Asked, Bounced, Granted, Withdrawn};
    use ConsentSource::{Contact, Operator, Provider};
    let act = select(vec![Withdrawn, Granted, Asked, Bounced]);
    let source = select(vec![Contact, Operator, Provider]);
    let evidence = select(vec![Some("form"), None, Some("  ")]);
    (who(), about(), act, source, evidence, -DELAY..=DELAY).prop_map(|(who, about, act, source, evidence, delay)| {
        Step::Consent { who, about, act, source, evidence, delay }
    })
}

fn about() -> impl Strategy<Value = About> {
    prop_oneof![
        3 => Just(About::Whole),
        3 => list().prop_map(About::List),
        3 => select(&PURPOSES[..]).prop_map(About::Purpose),
    ]
}

fn import() -> impl Strategy<Value = Import> {
    (
        option::weighted(0.9, list()),
        any::<bool>(),
        any::<bool>(),
        subsequence(PURPOSES.to_vec(), 0..=PURPOSES.len()),
        vec(row(), 0..=ROWS),
        1..=CHUNK,
        prop::bool::weighted(0.9),
    )
        .prop_map(|(list, replaces, states_consent, purposes, rows, chunk, finishes)| Import {
            list,
            replaces,
            states_consent,
            purposes,
            rows,
            chunk,
            finishes,
        })
}

fn row() -> impl Strategy<Value = Row> {
    let address = prop_oneof![5 => select(&ADDRESSES[..]), 1 => select(&NO_ADDRESSES[..])];
    (option::weighted(0.4, select(&KEYS[..])), address, select(&VALUES[..])).prop_map(|(key, address, name)| Row {
        key,
        address,
        name,
    })
}
