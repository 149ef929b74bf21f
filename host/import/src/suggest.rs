//! Why a column goes where it goes, and where else it could: for a person who maps an unknown file.

use std::borrow::Cow;

use postroom_domain::email::EmailAddress;
use postroom_domain::field::{AddressPart, FieldDefinition, FieldName, FieldPath, FieldType};
use serde::Serialize;

use crate::cell;
use crate::claim::{self, ConsentRole};
use crate::mapping::{ALIKE, Column, Target, ToldBy, likeness};
use crate::profile::ImportProfile;
use crate::recognise::Recognised;
use crate::values;
use crate::vocabulary::{is_about_consent, is_about_withdrawal, plain};

/// How many other places are named: more than a few are no help.
const OTHERS: usize = 3;

/// How many values of a column are shown, and how much of each: enough to recognise what it holds.
const SAMPLES: usize = 2;
const SAMPLE_CHARS: usize = 40;

/// The shortest name that a new field gets from that of its column: what is left of a name in other letters
/// means nothing.
const NAME_CHARS: usize = 2;

/// The types that a new field may have, the narrowest first: the first that the cells are. A country and a
/// language are told apart by their own rule, and a text is what is left.
const NARROW: [FieldType; 8] = [
    FieldType::Number,
    FieldType::Decimal,
    FieldType::Boolean,
    FieldType::Date,
    FieldType::DateTime,
    FieldType::Url,
    FieldType::Phone,
    FieldType::TimeZone,
];

/// From this share of its filled cells on a column is taken for what they are.
const MOST: f64 = 0.9;

/// How sure a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// There is none.
    None,
    /// The name resembles that of a place. Nothing is taken without being asked for.
    Possible,
    /// The cells say so.
    Likely,
    /// The name or the file is known, or the operator said so.
    Certain,
}

/// A column, the place that it goes to, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// The name of the column.
    pub column: String,
    /// Where it goes, or could; none where nothing is known.
    pub place: Option<Target>,
    /// What settled that; by nobody, it goes nowhere.
    pub told_by: ToldBy,
    /// How sure that is. Only what is `certain` is done without a word of the operator, and what the cells
    /// say about the e-mail address.
    pub confidence: Confidence,
    /// Why: half a sentence.
    pub reason: String,
    /// Where else it could go, the likeliest first.
    pub others: Vec<Target>,
    /// The first of its values, cut short.
    pub samples: Vec<String>,
    /// The mapping rule that sends it to where it could go.
    pub rule: Option<String>,
    /// Whether most of its cells are yes and no.
    pub is_yes_or_no: bool,
    /// Whether by name and cells it seems to tell who agreed or left, and unasked goes nowhere or to a field.
    pub speaks_of_consent: bool,
    /// A field that would take it, where it goes nowhere and there is none.
    pub new_field: Option<NewField>,
}

/// A field that a workspace has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewField {
    /// Its name; none where the column's has too few plain letters, or a field has it.
    pub name: Option<FieldName>,
    /// What its cells are.
    #[serde(rename = "type")]
    pub kind: FieldType,
}

/// Suggests a place for each column. `rows` are some of the first rows, and `by` what else may have settled
/// where it goes.
pub(crate) fn suggestions(
    columns: &[Column],
    rows: &[Vec<String>],
    by: (Option<Recognised>, Option<&ImportProfile>),
    definitions: &[FieldDefinition],
) -> Vec<Suggestion> {
    let taken: Vec<&Target> = columns.iter().filter_map(|column| column.target.as_ref()).collect();
    let open: Vec<(Target, String)> =
        places(definitions).into_iter().filter(|(place, _)| !taken.contains(&place)).collect();
    let mut names: Vec<String> = definitions.iter().map(|definition| definition.name.to_string()).collect();
    let of = |(index, column): (usize, &Column)| {
        let mut others: Vec<(f64, &Target)> = open
            .iter()
            .map(|(place, called)| {
                (likeness(&column.name, called).max(likeness(&column.name, &place.to_string())), place)
            })
            .filter(|(alike, _)| *alike >= ALIKE)
            .collect();
        others.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let mut others: Vec<Target> = others.into_iter().map(|(_, place)| place.clone()).take(OTHERS).collect();
        let cells = Cells::of(rows, index);
        // A field that is called like a consent takes its column unasked: that says nothing of who agreed.
        let is_unasked = match column.told_by {
            ToldBy::Nobody => true,
            // In an export of Postroom, fields stand under their names.
            ToldBy::Name | ToldBy::Cells => !by.0.is_some_and(|known| known.is_own()),
            ToldBy::Operator | ToldBy::Profile | ToldBy::KnownFile => false,
        };
        let is_heard = matches!(column.target, Some(Target::Consent(_)));
        let role = consent_role(&column.name, &cells).filter(|_| is_unasked && !is_heard);
        let (place, confidence, reason) = match column.told_by {
            ToldBy::Nobody => match role {
                Some(role) => about_consent(role, &taken),
                None => guess(&cells, &mut others),
            },
            told_by => (column.target.clone(), sureness(told_by), reason(column, by, &cells)),
        };
        let is_open = column.told_by == ToldBy::Nobody;
        let rule = place.as_ref().filter(|_| is_open).map(|place| format!("{}={place}", column.name));
        let is_homeless =
            is_open && place.is_none() && role.is_none() && cells.filled > 0 && !cells.most_are(cells.emails);
        let new_field = is_homeless.then(|| {
            let name = field_name(&column.name).filter(|name| !names.contains(&name.to_string()));
            names.extend(name.as_ref().map(FieldName::to_string));
            NewField { name, kind: cells.kind() }
        });
        let is_yes_or_no = cells.are_yes_or_no();
        let speaks_of_consent = role.is_some();
        let (samples, told_by, column) = (cells.samples(), column.told_by, column.name.clone());
        Suggestion {
            column,
            place,
            told_by,
            confidence,
            reason,
            others,
            samples,
            rule,
            is_yes_or_no,
            speaks_of_consent,
            new_field,
        }
    };
    columns.iter().enumerate().map(of).collect()
}

type Told = (Option<Target>, Confidence, String);

/// How sure a place is that somebody or something settled.
fn sureness(told_by: ToldBy) -> Confidence {
    if told_by == ToldBy::Cells { Confidence::Likely } else { Confidence::Certain }
}

/// What settled the place of a column, in words.
fn reason(column: &Column, by: (Option<Recognised>, Option<&ImportProfile>), cells: &Cells) -> String {
    match (column.told_by, by) {
        (ToldBy::Operator, _) => "the operator said so".to_owned(),
        (ToldBy::Profile, (_, Some(profile))) => format!("the import profile `{}` says so", profile.name),
        (ToldBy::KnownFile, _) if column.target.is_none() => "the file is known, and nothing here wants it".to_owned(),
        (ToldBy::KnownFile, (Some(known), _)) => format!("the file is {}", known.title),
        (ToldBy::Cells, _) => format!("{} are e-mail addresses", cells.share(cells.emails)),
        _ => "the name is known".to_owned(),
    }
}

/// The name of a field for a column: the plain letters of its name.
fn field_name(column: &str) -> Option<FieldName> {
    let plain = plain(column);
    let is_foreign = plain.chars().any(|letter| letter.is_alphabetic() && !letter.is_ascii());
    let letters: String = plain.chars().filter(char::is_ascii_lowercase).collect();
    letters.parse().ok().filter(|_| !is_foreign && letters.len() >= NAME_CHARS)
}

/// What a column seems to tell about consent, by its name and its cells: yes and no, words of a status, a cross, moments, or
/// nothing yet.
fn consent_role(column: &str, cells: &Cells) -> Option<ConsentRole> {
    let plain = plain(column);
    let is_withdrawal = is_about_withdrawal(&plain);
    if !is_withdrawal && !is_about_consent(&plain) {
        return None;
    }
    if cells.filled > 0 && (cells.most_fit(FieldType::Date) || cells.most_fit(FieldType::DateTime)) {
        return Some(if is_withdrawal { ConsentRole::WithdrawnAt } else { ConsentRole::OptedInAt });
    }
    let is_flag = |cell: &&Cow<'_, str>| values::fits(FieldType::Boolean, cell) || claim::is_status_word(cell);
    let are_flags = cells.filled == 0 || cells.most_are(cells.cells.iter().filter(is_flag).count());
    are_flags.then_some(if is_withdrawal { ConsentRole::Withdrawn } else { ConsentRole::Status })
}

/// The place of such a column, unless another has it.
fn about_consent(role: ConsentRole, taken: &[&Target]) -> Told {
    let place = Target::Consent(role);
    if taken.contains(&&place) {
        let reason = format!("its name speaks of consent, and another column goes to `{place}`");
        return (None, Confidence::Possible, reason);
    }
    (Some(place), Confidence::Possible, "its name speaks of consent".to_owned())
}

/// What the cells or the likeness of names suggest.
fn guess(cells: &Cells, others: &mut Vec<Target>) -> Told {
    if cells.filled == 0 && others.is_empty() {
        return (None, Confidence::None, "neither its name nor its cells tell anything".to_owned());
    }
    if cells.most_are(cells.emails) {
        let reason = format!("{} are e-mail addresses, and another column is the address", cells.share(cells.emails));
        return (None, Confidence::Likely, reason);
    }
    if others.is_empty() {
        let reason = match cells.kind() {
            FieldType::Text => "no field of the workspace is called so".to_owned(),
            kind => format!("most of its cells are of the type {kind}, and no field of the workspace is called so"),
        };
        return (None, Confidence::None, reason);
    }
    let place = others.remove(0);
    let reason = format!("its name resembles `{place}`");
    (Some(place), Confidence::Possible, reason)
}

/// The filled cells of a column, cleaned.
struct Cells<'a> {
    cells: Vec<Cow<'a, str>>,
    filled: usize,
    emails: usize,
}

impl<'a> Cells<'a> {
    fn of(rows: &'a [Vec<String>], index: usize) -> Self {
        let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell::clean(cell));
        let cells: Vec<Cow<'a, str>> = cells.filter(|cell| !cell.is_empty()).collect();
        let emails = cells.iter().filter(|cell| EmailAddress::parse(cell).is_ok()).count();
        Self { filled: cells.len(), emails, cells }
    }

    #[allow(clippy::cast_precision_loss, reason = "a sample has some hundred cells")]
    fn most_are(&self, count: usize) -> bool {
        self.filled > 0 && count as f64 >= MOST * self.filled as f64
    }

    fn most_fit(&self, kind: FieldType) -> bool {
        self.most_are(self.cells.iter().filter(|cell| values::fits(kind, cell)).count())
    }

    /// What kind of value they are: the narrowest type that takes most of them, as the fields of that type
    /// read them.
    fn kind(&self) -> FieldType {
        if let Some(kind) = NARROW.into_iter().find(|kind| self.most_fit(*kind)) {
            return kind;
        }
        // Codes of two letters are often both.
        match (self.most_fit(FieldType::Country), self.most_fit(FieldType::Language)) {
            (true, false) => FieldType::Country,
            (false, true) => FieldType::Language,
            _ if !self.most_fit(FieldType::Text) => FieldType::LongText,
            _ => FieldType::Text,
        }
    }

    /// Whether they are yes and no, in words: zeros and ones count something, for all that is known.
    fn are_yes_or_no(&self) -> bool {
        self.filled > 0 && self.most_fit(FieldType::Boolean) && !self.most_fit(FieldType::Number)
    }

    /// The first that differ, cut short.
    fn samples(&self) -> Vec<String> {
        let mut samples: Vec<String> = Vec::new();
        for cell in &self.cells {
            let mut sample: String = cell.chars().take(SAMPLE_CHARS).collect();
            if cell.chars().nth(SAMPLE_CHARS).is_some() {
                sample.push('…');
            }
            if samples.len() < SAMPLES && !samples.contains(&sample) {
                samples.push(sample);
            }
        }
        samples
    }

    fn share(&self, count: usize) -> String {
        format!("{count} of the first {} filled cells", self.filled)
    }
}

/// Every place, and what people call it.
fn places(definitions: &[FieldDefinition]) -> Vec<(Target, String)> {
    let mut places = vec![(Target::ExternalId, "customer number".to_owned()), (Target::Tags, "tag".to_owned())];
    for definition in definitions {
        let path = |part| Target::Field(FieldPath { field: definition.name.clone(), part });
        if definition.kind == FieldType::Address {
            places.extend(AddressPart::ALL.map(|part| (path(Some(part)), part.to_string())));
        } else {
            places.push((path(None), definition.label.clone()));
        }
    }
    places
}
