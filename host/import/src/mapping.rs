//! Where each column goes: what the operator says first, then what the names suggest.

use std::fmt;
use std::path::Path;

use postroom_domain::field::{AddressPart, FieldDefinition, FieldName, FieldPath, FieldType};
use serde::{Serialize, Serializer};

use crate::claim::ConsentRole;
use crate::examine::Options;
use crate::fault::{ImportFault, at};
use crate::layout;
use crate::profile::{ImportProfile, NOWHERE};
use crate::recognise::Recognised;
use crate::rejects::{OWN_COLUMNS, is_to_mend};
use crate::vocabulary;

/// How alike two names must be for one to be offered in the place of the other.
pub(crate) const ALIKE: f64 = 0.5;

/// The short word of the tags as a place, and the beginning of those that tell about consent.
const TAGS: &str = "tags";
const CONSENT: &str = "consent.";

/// What stands for all parts of an address.
const WHOLE: &str = "*";

/// Where a column goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The e-mail address. As a word: `email`.
    Email,
    /// The contact's number in the system that the file comes from. As a word: `external-id`.
    ExternalId,
    /// A field, or a part of an address. As a word: `firstname`, `address.city`.
    Field(FieldPath),
    /// An address in one cell, its parts two spaces apart. As a word: `address.*`.
    WholeAddress(FieldName),
    /// The tags, as a list. As a word: `contact-tags`, or `tags` where no field has that name.
    Tags,
    /// Something that tells about consent. As a word: `consent.status`, `consent.opted-in-at`.
    Consent(ConsentRole),
}

impl Target {
    /// Whether it takes dates or moments.
    pub(crate) fn is_date(&self, definitions: &[FieldDefinition]) -> bool {
        match self {
            Self::Field(path) => definition(path, definitions)
                .is_some_and(|definition| matches!(definition.kind, FieldType::Date | FieldType::DateTime)),
            Self::Consent(role) => role.is_moment(),
            Self::Email | Self::ExternalId | Self::WholeAddress(_) | Self::Tags => false,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email => f.write_str("email"),
            Self::ExternalId => f.write_str("external-id"),
            Self::Field(path) => path.fmt(f),
            Self::WholeAddress(field) => write!(f, "{field}.{WHOLE}"),
            Self::Tags => f.write_str(layout::TAGS),
            Self::Consent(role) => write!(f, "{CONSENT}{role}"),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What settled where a column goes, the one that wins first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToldBy {
    /// What the operator said about this file.
    Operator,
    /// The saved profile that the operator named.
    Profile,
    /// The known export that the file is.
    KnownFile,
    /// Its name.
    Name,
    /// Its name, and that its cells are what such a name may mean.
    Cells,
    /// Nothing: it goes nowhere.
    Nobody,
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name in the header, trimmed.
    pub name: String,
    /// Where it goes; none where it is kept with the raw row only.
    pub target: Option<Target>,
    /// What settled that.
    pub told_by: ToldBy,
}

/// The header of a file, and some of its first rows to look at.
pub(crate) struct Head<'a> {
    pub(crate) path: &'a Path,
    pub(crate) line: u64,
    pub(crate) names: Vec<String>,
    pub(crate) rows: &'a [Vec<String>],
    pub(crate) known: Option<Recognised>,
}

/// Gives each column its target: what the operator says, then the profile that was named, then what is known
/// of the file, then what the names suggest.
pub(crate) fn columns(
    head: Head<'_>,
    options: &Options,
    definitions: &[FieldDefinition],
) -> Result<Vec<Column>, ImportFault> {
    let Head { path, line, names, rows, known } = head;
    let header = Header {
        place: at(path, line),
        plain: names.iter().map(|name| vocabulary::plain(name)).collect(),
        names: &names,
    };
    let mut targets: Vec<Option<Told>> = names.iter().map(|_| None).collect();
    for (name, place) in &options.map {
        let index = header.find("--map", name)?;
        tell(&mut targets, &names, index, read_place(name, place, definitions)?)?;
    }
    for (option, name, target) in
        [("--key", &options.key, Target::ExternalId), ("--email", &options.email, Target::Email)]
    {
        if let Some(name) = name {
            let index = header.find(option, name)?;
            tell(&mut targets, &names, index, Some(target))?;
        }
    }
    if let Some(profile) = &options.profile {
        follow(profile, &header, &mut targets, definitions)?;
    }
    if let Some(known) = known {
        for (index, plain) in header.plain.iter().enumerate() {
            let name = names.get(index).map_or("", String::as_str);
            let Some(Ok(target)) = known.place(plain).map(|place| read_place(name, place, definitions)) else {
                continue;
            };
            suggest(&mut targets, index, target, ToldBy::KnownFile);
        }
    }
    // What this program wrote of a file to be mended: the line and the reason are about the row.
    if is_to_mend(names.iter().map(String::as_str)) {
        (0..OWN_COLUMNS.len()).for_each(|index| suggest(&mut targets, index, None, ToldBy::KnownFile));
    }
    if !targets.iter().flatten().any(|told| told.target == Some(Target::Email)) {
        let (index, told_by) = header.email(&targets, rows)?;
        if let Some(told) = targets.get_mut(index) {
            *told = Some(Told { target: Some(Target::Email), told_by });
        }
    }
    for (index, plain) in header.plain.iter().enumerate() {
        let name = names.get(index).map_or("", String::as_str);
        if let Some(path) = suggestion(name, plain, definitions) {
            suggest(&mut targets, index, Some(Target::Field(path)), ToldBy::Name);
        } else if vocabulary::is_consent(plain) {
            suggest(&mut targets, index, Some(Target::Consent(ConsentRole::Status)), ToldBy::Name);
        }
    }
    Ok(names
        .into_iter()
        .zip(targets)
        .map(|(name, told)| {
            let told = told.unwrap_or(Told { target: None, told_by: ToldBy::Nobody });
            Column { name, target: told.target, told_by: told.told_by }
        })
        .collect())
}

/// What is settled about a column: its target, or that it has none.
struct Told {
    target: Option<Target>,
    told_by: ToldBy,
}

/// Settles what the operator said about a column.
fn tell(
    targets: &mut [Option<Told>],
    names: &[String],
    index: usize,
    target: Option<Target>,
) -> Result<(), ImportFault> {
    let name = |index: usize| names.get(index).cloned().unwrap_or_default();
    let word = |target: &Option<Target>| target.as_ref().map_or("nowhere (-)".to_owned(), Target::to_string);
    if let Some(Some(earlier)) = targets.get(index)
        && earlier.target != target
    {
        return Err(ImportFault::TwoPlaces {
            column: name(index),
            first: word(&earlier.target),
            second: word(&target),
        });
    }
    let same = |told: &Option<Told>| target.is_some() && told.as_ref().is_some_and(|told| told.target == target);
    if let Some(earlier) = targets.iter().position(same).filter(|earlier| *earlier != index) {
        return Err(ImportFault::SamePlace { place: word(&target), first: name(earlier), second: name(index) });
    }
    if let Some(told) = targets.get_mut(index) {
        *told = Some(Told { target, told_by: ToldBy::Operator });
    }
    Ok(())
}

/// Settles what somebody else says about a column, if that is open and nothing else goes there.
fn suggest(targets: &mut [Option<Told>], index: usize, target: Option<Target>, told_by: ToldBy) {
    let is_free = !is_taken(targets, target.as_ref());
    if let Some(told) = targets.get_mut(index).filter(|told| told.is_none() && is_free) {
        *told = Some(Told { target, told_by });
    }
}

/// Whether a column goes to this place already. Nowhere is never taken.
fn is_taken(targets: &[Option<Told>], target: Option<&Target>) -> bool {
    target.is_some() && targets.iter().flatten().any(|told| told.target.as_ref() == target)
}

/// Settles what a profile says, behind what the operator said. Whatever it sends somewhere must be there,
/// unless the operator named another column for that place.
fn follow(
    profile: &ImportProfile,
    header: &Header<'_>,
    targets: &mut [Option<Told>],
    definitions: &[FieldDefinition],
) -> Result<(), ImportFault> {
    let mut missing = Vec::new();
    for (column, place) in profile.rules() {
        let index = column_named(header.names, column);
        if index.and_then(|index| targets.get(index)).is_some_and(Option::is_some) {
            continue;
        }
        let target = read_place(column, &place, definitions).map_err(|fault| profile.at_fault(fault))?;
        match index {
            Some(index) => suggest(targets, index, target, ToldBy::Profile),
            None if target.is_some() && !is_taken(targets, target.as_ref()) => missing.push((column, place)),
            None => {}
        }
    }
    let Some((_, example)) = missing.first() else { return Ok(()) };
    let columns: Vec<String> = missing.iter().map(|(column, place)| format!("`{column}` ({place})")).collect();
    Err(ImportFault::ProfileLacks {
        at: header.place.clone(),
        profile: profile.name.clone(),
        columns: columns.join(", "),
        example: example.clone(),
    })
}

/// The column of this name: written the same, or the only one that is the same when compared plainly.
pub(crate) fn column_named(names: &[String], name: &str) -> Option<usize> {
    let exact = names.iter().position(|candidate| candidate == name.trim());
    exact.or_else(|| {
        let wanted = vocabulary::plain(name);
        let mut alike = names.iter().enumerate().filter(|(_, candidate)| vocabulary::plain(candidate) == wanted);
        let (index, _) = alike.next()?;
        alike.next().is_none().then_some(index)
    })
}

/// The header, to look names up in.
struct Header<'a> {
    place: String,
    names: &'a [String],
    plain: Vec<String>,
}

impl Header<'_> {
    /// The column that an option names.
    fn find(&self, option: &'static str, name: &str) -> Result<usize, ImportFault> {
        column_named(self.names, name).ok_or_else(|| ImportFault::UnknownColumn {
            at: self.place.clone(),
            option,
            name: name.to_owned(),
            mend: offer(name, self.names.iter().map(|name| (name.as_str(), name.clone()))),
        })
    }

    /// The column that holds the e-mail addresses, by its name or by its cells.
    fn email(&self, targets: &[Option<Told>], rows: &[Vec<String>]) -> Result<(usize, ToldBy), ImportFault> {
        let open = |index: &usize| targets.get(*index).is_some_and(Option::is_none);
        let by_name = |known: fn(&str) -> bool| {
            let indices = self.plain.iter().enumerate().filter(move |(_, plain)| known(plain)).map(|(index, _)| index);
            indices.filter(open).collect::<Vec<usize>>()
        };
        let holds = |index: &usize| holds_addresses(rows, *index);
        let known = by_name(vocabulary::is_email);
        let (found, told_by) = if known.is_empty() {
            (by_name(vocabulary::may_be_email).into_iter().filter(holds).collect(), ToldBy::Cells)
        } else {
            (known, ToldBy::Name)
        };
        let name = |index: usize| self.names.get(index).cloned().unwrap_or_default();
        match found.as_slice() {
            [one] => Ok((*one, told_by)),
            [first, second, ..] => {
                Err(ImportFault::TwoEmailColumns { at: self.place.clone(), first: name(*first), second: name(*second) })
            }
            [] => {
                let mend = match (0..self.names.len()).filter(open).find(holds) {
                    Some(index) => format!("`{0}` looks like it, so say `--email \"{0}\"`", name(index)),
                    None => {
                        "name it with `--email COLUMN`, or check the delimiter and that the first line is the header"
                            .to_owned()
                    }
                };
                Err(ImportFault::NoEmailColumn { at: self.place.clone(), columns: self.names.join(", "), mend })
            }
        }
    }
}

/// Whether most of the filled cells of a column have an `@` in them.
pub(crate) fn holds_addresses(rows: &[Vec<String>], index: usize) -> bool {
    let filled = rows.iter().filter_map(|row| row.get(index)).filter(|cell| !cell.trim().is_empty());
    let (mut with, mut without) = (0, 0);
    for cell in filled {
        *(if cell.contains('@') { &mut with } else { &mut without }) += 1;
    }
    with > without
}

/// Reads the right side of a mapping rule; none for `-`.
pub(crate) fn read_place(
    column: &str,
    place: &str,
    definitions: &[FieldDefinition],
) -> Result<Option<Target>, ImportFault> {
    let place = place.trim();
    match place {
        NOWHERE => return Ok(None),
        "email" | "e-mail" => return Ok(Some(Target::Email)),
        "external-id" => return Ok(Some(Target::ExternalId)),
        layout::TAGS => return Ok(Some(Target::Tags)),
        TAGS if !definitions.iter().any(|definition| definition.name.as_str() == TAGS) => {
            return Ok(Some(Target::Tags));
        }
        _ => {}
    }
    if let Some(role) = place.strip_prefix(CONSENT) {
        return role.parse().map(|role| Some(Target::Consent(role))).map_err(|problem| ImportFault::UnknownPlace {
            column: column.to_owned(),
            place: place.to_owned(),
            problem,
            mend: "as in `consent.opted-in-at`.".to_owned(),
        });
    }
    if let Some(field) = place.strip_suffix(WHOLE).and_then(|field| field.strip_suffix('.'))
        && let Some(definition) = definitions.iter().find(|definition| definition.name.as_str() == field)
        && definition.kind == FieldType::Address
    {
        return Ok(Some(Target::WholeAddress(definition.name.clone())));
    }
    let mut parts = None;
    let problem = match place.parse::<FieldPath>() {
        Ok(path) => match definition(&path, definitions) {
            Some(definition) => match (definition.kind, path.part) {
                (FieldType::Address, None) => {
                    let all = AddressPart::ALL.map(|part| format!("{place}.{part}"));
                    parts = Some(format!("use one of {}.", all.join(", ")));
                    format!("`{place}` is an address, and a column goes to one part of it")
                }
                (kind, Some(_)) if kind != FieldType::Address => {
                    format!("`{}` is a {kind} and has no parts", path.field)
                }
                _ => return Ok(Some(Target::Field(path))),
            },
            None => format!("there is no field `{}`", path.field),
        },
        Err(fault) => fault.to_string(),
    };
    Err(ImportFault::UnknownPlace {
        column: column.to_owned(),
        place: place.to_owned(),
        problem,
        mend: parts.unwrap_or_else(|| offer_place(place, definitions)),
    })
}

/// Offers the place that is nearest to what was given, as a word or as people call it.
fn offer_place(given: &str, definitions: &[FieldDefinition]) -> String {
    let mut places = vec![
        ("email".to_owned(), "e-mail".to_owned()),
        ("external-id".to_owned(), "key".to_owned()),
        (Target::Consent(ConsentRole::Status).to_string(), "consent".to_owned()),
    ];
    for definition in definitions {
        let name = definition.name.as_str();
        if definition.kind == FieldType::Address {
            places.extend(AddressPart::ALL.map(|part| (format!("{name}.{part}"), part.to_string())));
        } else {
            places.push((name.to_owned(), definition.label.clone()));
        }
    }
    let spellings =
        places.iter().flat_map(|(word, called)| [(word.as_str(), word.clone()), (called.as_str(), word.clone())]);
    offer(given, spellings)
}

fn definition<'a>(path: &FieldPath, definitions: &'a [FieldDefinition]) -> Option<&'a FieldDefinition> {
    definitions.iter().find(|definition| definition.name == path.field)
}

/// The place that a name suggests: one that is written so, one of the workspace's fields by name or
/// label, or a standard field that the workspace has.
pub(crate) fn suggestion(name: &str, plain: &str, definitions: &[FieldDefinition]) -> Option<FieldPath> {
    let fits = |path: &FieldPath| {
        definition(path, definitions)
            .is_some_and(|definition| (definition.kind == FieldType::Address) == path.part.is_some())
    };
    if let Some(path) = name.parse::<FieldPath>().ok().filter(fits) {
        return Some(path);
    }
    let own = definitions
        .iter()
        .filter(|definition| definition.kind != FieldType::Address)
        .find(|definition| definition.name.as_str() == plain || vocabulary::plain(&definition.label) == plain)
        .map(|definition| FieldPath { field: definition.name.clone(), part: None });
    own.or_else(|| vocabulary::place(plain)?.parse::<FieldPath>().ok().filter(fits))
}

/// How alike two names are when compared plainly: from 0 to 1.
pub(crate) fn likeness(name: &str, other: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(&vocabulary::plain(name), &vocabulary::plain(other))
}

/// Offers what is nearest to a name, or else all there is. Each candidate is a text to compare with
/// and what to say in its place.
fn offer<'a>(name: &str, candidates: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut all: Vec<String> = Vec::new();
    let mut nearest: Option<(f64, String)> = None;
    for (text, word) in candidates {
        let likeness = likeness(name, text);
        if likeness >= ALIKE && nearest.as_ref().is_none_or(|(best, _)| likeness > *best) {
            nearest = Some((likeness, word.clone()));
        }
        if !all.contains(&word) {
            all.push(word);
        }
    }
    match nearest {
        Some((_, word)) => format!("did you mean `{word}`?"),
        None => format!("use one of {}.", all.join(", ")),
    }
}
