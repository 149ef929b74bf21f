//! The story of a contact: what happened to it, when, and who did it.
//!
//! Not everything of it is kept event by event. An import of a million contacts notes no line for each of
//! them; that a list was joined or left by an import is worked out from which contacts its file had
//! ([`memberships`]), and that a tag was put on from the tags that the contact bears. [`story`] brings what is
//! kept and what is worked out into one order.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::consent::{ConsentAct, ConsentEvent, ConsentSource};
use crate::contact::ContactId;
use crate::field::{FieldValue, Fields};

/// The place of the address among the places of a contact.
pub const EMAIL: &str = "email";

/// One thing that happened to a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactEvent {
    /// When.
    pub at: Timestamp,
    /// Who did it, or said so.
    pub by: Author,
    /// The number of the contact that it happened to, where that one was merged into this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former: Option<ContactId>,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// Who did something to a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Author {
    /// Of which kind.
    pub source: ConsentSource,
    /// The file of an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// What happened to a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Happening {
    /// It was made.
    Created,
    /// Its address, its key or its fields changed.
    Changed {
        /// What changed, place by place.
        values: Vec<ValueChange>,
    },
    /// It got a tag.
    Tagged {
        /// The tag.
        tag: String,
    },
    /// It lost a tag.
    Untagged {
        /// The tag.
        tag: String,
    },
    /// It joined a list.
    Joined {
        /// The list.
        list: String,
    },
    /// It left a list.
    Left {
        /// The list.
        list: String,
    },
    /// Something happened to its consent, or to its mailbox.
    Consent {
        /// The event.
        event: ConsentEvent,
    },
    /// Another contact turned out to be the same person, and went into this one.
    Merged {
        /// The other's number.
        contact: ContactId,
        /// The other's address.
        email: String,
    },
}

/// A place of a contact that got another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueChange {
    /// `email`, `external-id` or `fields.NAME`.
    pub place: String,
    /// What stood there; none where nothing did.
    pub before: Option<FieldValue>,
    /// What stands there now; none where nothing does.
    pub after: Option<FieldValue>,
}

/// A contact's data at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// Its address as it was given.
    pub email: &'a str,
    /// Its key in the system that it comes from.
    pub external_id: Option<&'a str>,
    /// Its fields.
    pub fields: &'a Fields,
}

/// What differs between two moments.
#[must_use]
pub fn differences(before: Data<'_>, after: Data<'_>) -> Vec<ValueChange> {
    let text = |text: &str| FieldValue::Text(text.to_owned());
    let mut places = vec![
        (EMAIL.to_owned(), Some(text(before.email)), Some(text(after.email))),
        ("external-id".to_owned(), before.external_id.map(text), after.external_id.map(text)),
    ];
    for (name, value) in before.fields {
        places.push((format!("fields.{name}"), Some(value.clone()), after.fields.get(name).cloned()));
    }
    for (name, value) in after.fields.iter().filter(|(name, _)| !before.fields.contains_key(name)) {
        places.push((format!("fields.{name}"), None, Some(value.clone())));
    }
    let differ = places.into_iter().filter(|(_, before, after)| before != after);
    differ.map(|(place, before, after)| ValueChange { place, before, after }).collect()
}

/// That a contact joined a list, or left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// When.
    pub at: Timestamp,
    /// Whether it joined.
    pub is_joined: bool,
    /// Who did it.
    pub by: Author,
}

/// A finished import of a list, as it met one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListImport {
    /// When it began.
    pub at: Timestamp,
    /// Its file.
    pub file: String,
    /// Whether the file became the list; else it joined it.
    pub replaces: bool,
    /// Whether the file has the contact.
    pub has: bool,
}

/// When a contact joined and left one list: what was noted of single joins and leaves, and what follows from
/// the imports of the list, in the order of time. `stands` is how its entry joined, if it is on the list: where
/// nothing else tells of that, the entry does.
#[must_use]
pub fn memberships(noted: Vec<Membership>, imports: &[ListImport], stands: Option<Membership>) -> Vec<Membership> {
    let mut told: Vec<Membership> = Vec::new();
    let mut is_on = false;
    let mut noted = noted.into_iter().peekable();
    for import in imports {
        while let Some(single) = noted.next_if(|single| single.at < import.at) {
            is_on = single.is_joined;
            told.push(single);
        }
        let leaves = import.replaces && !import.has && is_on;
        if leaves || (import.has && !is_on) {
            is_on = import.has;
            let by = Author { source: ConsentSource::Import, file: Some(import.file.clone()) };
            told.push(Membership { at: import.at, is_joined: is_on, by });
        }
    }
    for single in noted {
        is_on = single.is_joined;
        told.push(single);
    }
    told.extend(stands.filter(|_| !is_on));
    told
}

/// Everything that happened to a contact in one order: that of time, and at one moment what it is before what
/// became of it. That the address changed is told once, by its change, where that is kept.
#[must_use]
pub fn story(mut events: Vec<ContactEvent>) -> Vec<ContactEvent> {
    let renamed: Vec<Timestamp> = events
        .iter()
        .filter(|event| match &event.what {
            Happening::Changed { values } => values.iter().any(|value| value.place == EMAIL),
            _ => false,
        })
        .map(|event| event.at)
        .collect();
    events.retain(|event| match &event.what {
        Happening::Consent { event } if event.act == ConsentAct::AddressChanged => !renamed.contains(&event.at),
        _ => true,
    });
    events.sort_by_key(|event| (event.at, event.what.order()));
    events
}

impl Author {
    /// Somebody of whom only the kind is known.
    #[must_use]
    pub fn of(source: ConsentSource) -> Self {
        Self { source, file: None }
    }

    /// A person who runs this installation.
    #[must_use]
    pub fn operator() -> Self {
        Self::of(ConsentSource::Operator)
    }
}

impl Happening {
    /// The order of what happens at one moment.
    fn order(&self) -> u8 {
        match self {
            Self::Created => 0,
            Self::Changed { .. } => 1,
            Self::Untagged { .. } => 2,
            Self::Tagged { .. } => 3,
            Self::Left { .. } => 4,
            Self::Joined { .. } => 5,
            Self::Consent { .. } => 6,
            Self::Merged { .. } => 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told_with_what_stood_there() {
        let fields = |json: &str| -> Fields { serde_json::from_str(json).unwrap() };
        let (one, other) =
            (fields(r#"{"firstname":"Jana","company":"Dub"}"#), fields(r#"{"firstname":"Jana","phone":"+420"}"#));
        let before = Data { email: "a@example.com", external_id: None, fields: &one };
        let after = Data { email: "a@example.com", external_id: Some("7"), fields: &other };
        let told: Vec<_> = differences(before, after)
            .into_iter()
            .map(|change| (change.place, change.before.map(|v| v.as_line()), change.after.map(|v| v.as_line())))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("external-id".to_owned(), None, text("7")),
                ("fields.company".to_owned(), text("Dub"), None),
                ("fields.phone".to_owned(), None, text("+420")),
            ]
        );
        assert_eq!(differences(before, before), []);
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// An import of a file named by its moment.
    fn import(second: i64, replaces: bool, has: bool) -> ListImport {
        ListImport { at: at(second), file: second.to_string(), replaces, has }
    }

    fn by_hand(second: i64, is_joined: bool) -> Membership {
        Membership { at: at(second), is_joined, by: Author::operator() }
    }

    fn told(noted: &[Membership], imports: &[ListImport], since: Option<i64>) -> Vec<String> {
        let told = memberships(noted.to_vec(), imports, since.map(|second| by_hand(second, true))).into_iter();
        told.map(|one| {
            let sign = if one.is_joined { '+' } else { '-' };
            format!("{sign}{} {}", one.at.as_second(), one.by.file.as_deref().unwrap_or("hand"))
        })
        .collect()
    }

    #[test]
    fn joins_and_leaves_follow_from_the_files_and_from_what_was_noted() {
        let imports = [import(1, false, true), import(2, true, true), import(3, true, false), import(5, false, true)];
        assert_eq!(told(&[], &imports, Some(5)), ["+1 1", "-3 3", "+5 5"]);
        assert_eq!(told(&[by_hand(4, true)], &imports, Some(4)), ["+1 1", "-3 3", "+4 hand"]);
        assert_eq!(told(&[by_hand(6, false)], &imports, None), ["+1 1", "-3 3", "+5 5", "-6 hand"]);
        assert_eq!(told(&[], &[import(2, false, false), import(3, true, false)], None), [""; 0], "others' files");
        assert_eq!(told(&[], &[], Some(7)), ["+7 hand"], "an entry tells of its joining where nothing else does");
    }

    #[test]
    fn a_story_goes_by_time_and_tells_a_new_address_once() {
        let event = |second, what| ContactEvent { at: at(second), by: Author::operator(), former: None, what };
        let consent =
            |second, act| Happening::Consent { event: ConsentEvent::new(at(second), act, ConsentSource::Operator) };
        let changed = |place: &str| Happening::Changed {
            values: vec![ValueChange { place: place.to_owned(), before: None, after: None }],
        };
        let told = story(vec![
            event(5, consent(5, ConsentAct::AddressChanged)),
            event(5, changed("email")),
            event(4, consent(4, ConsentAct::AddressChanged)),
            event(4, changed("fields.firstname")),
            event(1, Happening::Joined { list: "Guests".to_owned() }),
            event(1, Happening::Created),
        ]);
        assert_eq!(
            told,
            [
                event(1, Happening::Created),
                event(1, Happening::Joined { list: "Guests".to_owned() }),
                event(4, changed("fields.firstname")),
                event(4, consent(4, ConsentAct::AddressChanged)),
                event(5, changed("email")),
            ]
        );
    }
}
