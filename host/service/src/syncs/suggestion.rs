//! A mapping for those who did not write one: fields that bear the same name, or mean the same.

use postroom_domain::field::{FieldDefinition, FieldPath, FieldType};
use postroom_domain::mapping::{CompositeKind, Mapping, Pair, RemoteField};

/// What providers call the standard fields, compared by [`plain`]. A name is listed only if it
/// means one thing.
const KNOWN: [(&str, &[&str]); 7] = [
    ("firstname", &["fname", "givenname", "forename"]),
    ("lastname", &["lname", "surname", "familyname"]),
    ("company", &["companyname", "organization", "organisation"]),
    ("phone", &["phonenumber", "telephone", "mobile", "cellphone"]),
    ("language", &["lang", "locale", "preferredlanguage"]),
    ("birthday", &["birthdate", "dateofbirth", "dob"]),
    ("address", &["postaladdress", "streetaddress"]),
];

/// Pairs that fit both sides. Each local and each remote field is used once at most.
pub(super) fn suggest(local: &[FieldDefinition], remote: &[RemoteField], composites: &[CompositeKind]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    for field in remote {
        let is_composite = composites.iter().any(|composite| composite.kind == field.kind);
        let found = local.iter().find(|definition| {
            means_the_same(definition, field)
                && (definition.kind == FieldType::Address) == is_composite
                && !pairs.iter().any(|pair| pair.source.field == definition.name)
        });
        let Some(definition) = found else { continue };
        let source = FieldPath { field: definition.name.clone(), part: None };
        let pair = Pair { source, field: field.name.clone(), part: None };
        // Only what would be accepted is offered; what else the audience requires is not asked here.
        let alone: Vec<RemoteField> = vec![field.clone()];
        if Mapping::resolve(std::slice::from_ref(&pair), local, &alone, composites).is_ok() {
            pairs.push(pair);
        }
    }
    pairs
}

fn means_the_same(local: &FieldDefinition, remote: &RemoteField) -> bool {
    let names = [plain(&remote.name), plain(&remote.label)];
    let own = [plain(local.name.as_str()), plain(&local.label)];
    let known = KNOWN.iter().find(|(name, _)| *name == local.name.as_str()).map(|(_, words)| *words);
    names.iter().any(|name| own.contains(name) || known.unwrap_or_default().contains(&name.as_str()))
}

/// A name as it is compared: its letters and digits, small.
fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use postroom_domain::field::standard_fields;

    use super::*;

    fn field(name: &str, label: &str, kind: &str) -> RemoteField {
        RemoteField { name: name.into(), label: label.into(), kind: kind.into(), required: false, choices: vec![] }
    }

    fn composites() -> Vec<CompositeKind> {
        vec![CompositeKind { kind: "address".into(), parts: vec![("line1".into(), true), ("city".into(), true)] }]
    }

    #[test]
    fn a2_fields_of_the_same_meaning_are_offered() {
        let remote = [
            field("FNAME", "First Name", "text"),
            field("LNAME", "Last Name", "text"),
            field("ADDRESS", "Address", "address"),
            field("PHONE", "Phone Number", "phone"),
            field("BIRTHDAY", "Birthday", "birthday"),
            field("MMERGE7", "Language", "text"),
            field("POINTS", "Points", "number"),
        ];
        let pairs: Vec<String> =
            suggest(&standard_fields(), &remote, &composites()).iter().map(ToString::to_string).collect();
        assert_eq!(
            pairs,
            [
                "firstname=FNAME",
                "lastname=LNAME",
                "address=ADDRESS",
                "phone=PHONE",
                "birthday=BIRTHDAY",
                "language=MMERGE7"
            ]
        );
    }

    #[test]
    fn a2_nothing_is_offered_twice_or_where_it_does_not_fit() {
        let remote = [field("FNAME", "x", "text"), field("GIVEN", "First name", "text"), field("ADDRESS", "x", "text")];
        let pairs = suggest(&standard_fields(), &remote, &composites());
        assert_eq!(pairs.iter().map(ToString::to_string).collect::<Vec<_>>(), ["firstname=FNAME"]);
    }
}
