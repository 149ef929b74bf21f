//! Why a column goes where it goes, and where else it could: for a person who maps an unknown file.

use postroom_domain::email::EmailAddress;
use postroom_domain::field::{AddressPart, FieldDefinition, FieldPath, FieldType};
use serde::Serialize;

use crate::cell;
use crate::mapping::{ALIKE, Column, Target, likeness};
use crate::recognise::Recognised;
use crate::values;
use crate::vocabulary::{is_email, plain};

/// How many other places are named: more than a few are no help.
const OTHERS: usize = 3;

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
    /// How sure that is. Only what is `certain` is done without a word of the operator, and what the cells
    /// say about the e-mail address.
    pub confidence: Confidence,
    /// Why: half a sentence.
    pub reason: String,
    /// Where else it could go, the likeliest first.
    pub others: Vec<Target>,
}

/// Suggests a place for each column. `rows` are some of the first rows.
pub(crate) fn suggestions(
    columns: &[Column],
    rows: &[Vec<String>],
    known: Option<Recognised>,
    definitions: &[FieldDefinition],
) -> Vec<Suggestion> {
    let taken: Vec<&Target> = columns.iter().filter_map(|column| column.target.as_ref()).collect();
    let open: Vec<(Target, String)> =
        places(definitions).into_iter().filter(|(place, _)| !taken.contains(&place)).collect();
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
        let (place, confidence, reason) = match (&column.target, column.suggested) {
            (Some(place), false) => (Some(place.clone()), Confidence::Certain, "the operator said so".to_owned()),
            (Some(place), true) => certain(column, place, known, &cells),
            (None, true) => (None, Confidence::Certain, "the file is known, and nothing here wants it".to_owned()),
            (None, false) => guess(&cells, &mut others),
        };
        Suggestion { column: column.name.clone(), place, confidence, reason, others }
    };
    columns.iter().enumerate().map(of).collect()
}

type Told = (Option<Target>, Confidence, String);

fn certain(column: &Column, place: &Target, known: Option<Recognised>, cells: &Cells) -> Told {
    let (confidence, reason) = match known {
        Some(known) if known.place(&plain(&column.name)).is_some() => {
            (Confidence::Certain, format!("the file is {}", known.title))
        }
        _ if *place == Target::Email && !is_email(&plain(&column.name)) => {
            (Confidence::Likely, format!("{} are e-mail addresses", cells.share(cells.emails)))
        }
        _ => (Confidence::Certain, "the name is known".to_owned()),
    };
    (Some(place.clone()), confidence, reason)
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
        let reason = if cells.most_are(cells.dates) {
            format!("{} are dates: make a field for it", cells.share(cells.dates))
        } else if cells.most_are(cells.numbers) {
            format!("{} are numbers: make a field for it", cells.share(cells.numbers))
        } else {
            "no field of the workspace is called so".to_owned()
        };
        return (None, Confidence::None, reason);
    }
    let place = others.remove(0);
    let reason = format!("its name resembles `{place}`");
    (Some(place), Confidence::Possible, reason)
}

/// What the filled cells of a column are.
#[derive(Default)]
struct Cells {
    filled: u32,
    emails: u32,
    dates: u32,
    numbers: u32,
}

impl Cells {
    fn of(rows: &[Vec<String>], index: usize) -> Self {
        let mut cells = Self::default();
        for cell in rows.iter().filter_map(|row| row.get(index)).map(|cell| cell::clean(cell)) {
            if cell.is_empty() {
                continue;
            }
            cells.filled += 1;
            cells.emails += u32::from(EmailAddress::parse(&cell).is_ok());
            cells.dates += u32::from(values::is_date(&cell));
            cells.numbers += u32::from(values::is_number(&cell));
        }
        cells
    }

    fn most_are(&self, count: u32) -> bool {
        self.filled > 0 && f64::from(count) >= MOST * f64::from(self.filled)
    }

    fn share(&self, count: u32) -> String {
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
