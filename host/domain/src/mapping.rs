//! Which local field goes to which remote field (row A2).
//!
//! An operator writes pairs, `firstname=FNAME` or `street=ADDRESS.line1`. [`Mapping::resolve`]
//! checks them against both sides before anything is saved, and settles what a run needs to know:
//! the kind of each remote field, and for a composite one which parts it cannot do without. A run
//! uses what was saved when it started.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{AddressPart, FieldDefinition, FieldFault, FieldPath, FieldType};

/// A field that members of an audience have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteField {
    /// The name that writes use.
    pub name: String,
    /// What people read.
    pub label: String,
    /// The provider's word for its kind.
    pub kind: String,
    /// Whether the provider refuses members without it.
    pub required: bool,
    /// What it may hold, if that is a closed list.
    pub choices: Vec<String>,
}

/// A kind of remote field that is made of parts and goes all or not at all (row A4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompositeKind {
    /// The kind that it holds for.
    pub kind: String,
    /// Its parts, each with whether the field is refused without it.
    pub parts: Vec<(String, bool)>,
}

/// One pair as the operator wrote it: `local=REMOTE` or `local=REMOTE.part`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pair {
    /// Where the value comes from.
    pub source: FieldPath,
    /// The remote field.
    pub field: String,
    /// The part of it, for a composite one.
    pub part: Option<String>,
}

/// A mapping that was checked against both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The remote fields that it fills, by name.
    pub targets: Vec<Target>,
}

/// A remote field and what fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The remote field's name.
    pub field: String,
    /// Its kind, in the provider's word.
    pub kind: String,
    /// What fills it.
    pub source: TargetSource,
}

/// What fills a remote field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetSource {
    /// One local field.
    Value(FieldPath),
    /// The parts of a composite field.
    Parts(Vec<PartSource>),
}

/// One part of a composite field and what fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSource {
    /// The part's name at the provider's side of the contract.
    pub part: String,
    /// Whether the field is refused without it.
    pub required: bool,
    /// What fills it; none leaves it empty.
    pub source: Option<FieldPath>,
}

/// What is wrong with a mapping, as a sentence that names the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingFault {
    /// The pair is not of the form `local=REMOTE`.
    #[error("`{0}` is not a pair: write the local field, `=`, and the remote field, as in `firstname=FNAME`")]
    Form(String),
    /// The left side is no field path.
    #[error(transparent)]
    Path(#[from] FieldFault),
    /// There is no such local field.
    #[error("there is no field `{name}` in this workspace; there are {known}")]
    NoLocalField {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// There is no such remote field.
    #[error("the audience has no field `{name}`; it has {known}")]
    NoRemoteField {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The remote field has no such part.
    #[error("the remote field `{field}` has no part `{part}`; it has {known}")]
    NoPart {
        /// The field.
        field: String,
        /// What was asked for.
        part: String,
        /// What there is.
        known: String,
    },
    /// The same remote field or part is filled twice.
    #[error("`{0}` is filled twice: keep one of the pairs")]
    Twice(String),
    /// The two sides do not fit.
    #[error("`{pair}` ties a {local} to a remote field of kind {remote}: {mend}")]
    Kinds {
        /// The pair.
        pair: String,
        /// The local type.
        local: String,
        /// The remote kind.
        remote: String,
        /// What to write instead.
        mend: &'static str,
    },
    /// The provider refuses members without a field that nothing fills.
    #[error("the audience requires `{0}` of every member, and nothing fills it: add a pair for it")]
    RequiredUnfilled(String),
}

impl Mapping {
    /// Checks pairs against the fields of the workspace and of the audience.
    ///
    /// # Errors
    ///
    /// Every fault there is, so that one round of mending is enough.
    pub fn resolve(
        pairs: &[Pair],
        local: &[FieldDefinition],
        remote: &[RemoteField],
        composites: &[CompositeKind],
    ) -> Result<Self, Vec<MappingFault>> {
        let mut faults = Vec::new();
        let mut filled: BTreeSet<String> = BTreeSet::new();
        let mut targets: BTreeMap<String, Target> = BTreeMap::new();
        for pair in pairs {
            let Some(definition) = local.iter().find(|field| field.name == pair.source.field) else {
                faults.push(MappingFault::NoLocalField {
                    name: pair.source.field.to_string(),
                    known: join(local.iter().map(|field| field.name.as_str())),
                });
                continue;
            };
            let Some(field) = remote.iter().find(|field| field.name == pair.field) else {
                faults.push(MappingFault::NoRemoteField {
                    name: pair.field.clone(),
                    known: join(remote.iter().map(|field| field.name.as_str())),
                });
                continue;
            };
            let composite = composites.iter().find(|composite| composite.kind == field.kind);
            let sources = match fill(pair, definition, field, composite) {
                Ok(sources) => sources,
                Err(fault) => {
                    faults.push(fault);
                    continue;
                }
            };
            for place in &sources {
                if !filled.insert(place.place(&field.name)) {
                    faults.push(MappingFault::Twice(place.place(&field.name)));
                }
            }
            enter(&mut targets, field, composite, sources);
        }
        for field in remote.iter().filter(|field| field.required) {
            if !pairs.iter().any(|pair| pair.field == field.name) {
                faults.push(MappingFault::RequiredUnfilled(field.name.clone()));
            }
        }
        if faults.is_empty() { Ok(Self { targets: targets.into_values().collect() }) } else { Err(faults) }
    }
}

/// One place of a remote field that a pair fills.
enum Filled {
    Whole(FieldPath),
    Part(String, FieldPath),
}

impl Filled {
    fn place(&self, field: &str) -> String {
        match self {
            Self::Whole(_) => field.to_owned(),
            Self::Part(part, _) => format!("{field}.{part}"),
        }
    }
}

/// The places that one pair fills; a whole address fills every part that goes by the same name.
fn fill(
    pair: &Pair,
    definition: &FieldDefinition,
    field: &RemoteField,
    composite: Option<&CompositeKind>,
) -> Result<Vec<Filled>, MappingFault> {
    let kinds = |mend| MappingFault::Kinds {
        pair: pair.to_string(),
        local: definition.kind.to_string(),
        remote: field.kind.clone(),
        mend,
    };
    let is_address = definition.kind == FieldType::Address;
    if pair.source.part.is_some() && !is_address {
        return Err(kinds("only an address has parts"));
    }
    match (composite, &pair.part) {
        (None, Some(_)) => Err(kinds("this remote field has no parts")),
        (None, None) if is_address && pair.source.part.is_none() => Err(kinds("name the part, as in address.city")),
        (None, None) => Ok(vec![Filled::Whole(pair.source.clone())]),
        (Some(composite), Some(part)) => {
            if !composite.parts.iter().any(|(name, _)| name == part) {
                return Err(MappingFault::NoPart {
                    field: field.name.clone(),
                    part: part.clone(),
                    known: join(composite.parts.iter().map(|(name, _)| name.as_str())),
                });
            }
            if is_address && pair.source.part.is_none() {
                return Err(kinds("name the part on both sides, or on neither"));
            }
            Ok(vec![Filled::Part(part.clone(), pair.source.clone())])
        }
        (Some(composite), None) => {
            if !is_address || pair.source.part.is_some() {
                return Err(kinds(
                    "tie a whole address to it, or name its parts one by one, as in street=ADDRESS.line1",
                ));
            }
            let same_name = |(name, _): &(String, bool)| {
                let part: AddressPart = name.parse().ok()?;
                Some(Filled::Part(name.clone(), FieldPath { field: pair.source.field.clone(), part: Some(part) }))
            };
            Ok(composite.parts.iter().filter_map(same_name).collect())
        }
    }
}

/// Puts the places that a pair fills where a run will look for them.
fn enter(
    targets: &mut BTreeMap<String, Target>,
    field: &RemoteField,
    composite: Option<&CompositeKind>,
    places: Vec<Filled>,
) {
    let target = |source| Target { field: field.name.clone(), kind: field.kind.clone(), source };
    for place in places {
        match place {
            Filled::Whole(path) => {
                targets.insert(field.name.clone(), target(TargetSource::Value(path)));
            }
            Filled::Part(part, path) => {
                let entry = targets.entry(field.name.clone()).or_insert_with(|| {
                    let parts = composite.map(|composite| composite.parts.as_slice()).unwrap_or_default();
                    let empty = |(part, required): &(String, bool)| PartSource {
                        part: part.clone(),
                        required: *required,
                        source: None,
                    };
                    target(TargetSource::Parts(parts.iter().map(empty).collect()))
                });
                if let TargetSource::Parts(parts) = &mut entry.source
                    && let Some(slot) = parts.iter_mut().find(|slot| slot.part == part)
                {
                    slot.source = Some(path);
                }
            }
        }
    }
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "{}={}.{part}", self.source, self.field),
            None => write!(f, "{}={}", self.source, self.field),
        }
    }
}

impl FromStr for Pair {
    type Err = MappingFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || MappingFault::Form(text.to_owned());
        let (source, target) = text.split_once('=').ok_or_else(form)?;
        let (source, target) = (source.trim(), target.trim());
        let (field, part) = match target.split_once('.') {
            Some((field, part)) => (field, Some(part.to_owned())),
            None => (target, None),
        };
        if field.is_empty() || part.as_deref() == Some("") {
            return Err(form());
        }
        Ok(Self { source: source.parse()?, field: field.to_owned(), part })
    }
}

impl TryFrom<String> for Pair {
    type Error = MappingFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Pair> for String {
    fn from(pair: Pair) -> Self {
        pair.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::standard_fields;

    fn remote() -> Vec<RemoteField> {
        [("FNAME", "text"), ("BIRTHDAY", "birthday"), ("ADDRESS", "address")]
            .map(|(name, kind)| RemoteField {
                name: name.into(),
                label: name.into(),
                kind: kind.into(),
                required: false,
                choices: vec![],
            })
            .to_vec()
    }

    fn composites() -> Vec<CompositeKind> {
        let parts =
            [("line1", true), ("line2", false), ("city", true), ("state", true), ("zip", true), ("country", false)];
        vec![CompositeKind {
            kind: "address".into(),
            parts: parts.map(|(name, required)| (name.into(), required)).to_vec(),
        }]
    }

    fn resolve(pairs: &[&str]) -> Result<Mapping, Vec<String>> {
        let pairs: Vec<Pair> = pairs.iter().map(|pair| pair.parse().unwrap()).collect();
        Mapping::resolve(&pairs, &standard_fields(), &remote(), &composites())
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a2_a_whole_address_fills_the_parts_of_the_same_name() {
        let mapping = resolve(&["firstname=FNAME", "address=ADDRESS"]).unwrap();
        let TargetSource::Parts(parts) = &mapping.targets[0].source else { panic!("no parts") };
        assert!(parts.iter().all(|part| part.source.is_some()));
        assert_eq!(mapping.targets[1].source, TargetSource::Value("firstname".parse().unwrap()));
    }

    #[test]
    fn a2_parts_may_come_from_anywhere() {
        let mapping = resolve(&["company=ADDRESS.line1", "address.city=ADDRESS.city"]).unwrap();
        let TargetSource::Parts(parts) = &mapping.targets[0].source else { panic!("no parts") };
        assert_eq!(parts[0].source, Some("company".parse().unwrap()));
        assert_eq!(parts[3].source, None);
    }

    #[test]
    fn a2_every_fault_is_named_at_once() {
        let faults = resolve(&[
            "nickname=FNAME",
            "firstname=NICK",
            "address=FNAME",
            "firstname=ADDRESS",
            "phone=ADDRESS.planet",
        ])
        .unwrap_err();
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(faults[1].contains("it has FNAME, BIRTHDAY, ADDRESS"));
    }

    #[test]
    fn a2_no_place_is_filled_twice() {
        assert_eq!(resolve(&["firstname=FNAME", "lastname=FNAME"]).unwrap_err().len(), 1);
        assert_eq!(resolve(&["address=ADDRESS", "phone=ADDRESS.line2"]).unwrap_err().len(), 1);
    }

    #[test]
    fn a_pair_is_written_as_it_was_read() {
        for text in ["firstname=FNAME", "address.line1=ADDRESS.line1"] {
            assert_eq!(text.parse::<Pair>().unwrap().to_string(), text);
        }
        assert!("firstname".parse::<Pair>().is_err());
        assert!("First=FNAME".parse::<Pair>().is_err());
    }
}
