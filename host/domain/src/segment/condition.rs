//! The tree of a segment: a closed vocabulary, the same in JSON, in text and in every store.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::consent::ConsentState;
use crate::field::FieldPath;

use super::window::Window;

/// What a contact must be like to be in a segment.
///
/// The logic has two values. A comparison with something that a contact lacks does not hold, and `not`
/// is plain negation: `language != "de"` leaves those without a language out, `not language = "de"` takes
/// them in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Holds for everybody.
    Everyone,
    /// Holds if every part does. Two parts or more.
    All(Vec<Condition>),
    /// Holds if one of the parts does. Two parts or more.
    Any(Vec<Condition>),
    /// Holds if the part does not.
    Not(Box<Condition>),
    /// A value of the contact's passes a test.
    Value {
        /// Which value.
        of: Subject,
        /// The test.
        test: Test,
    },
    /// The contact's consent is one of these. One or more.
    Consent(Vec<ConsentState>),
    /// What the contact said for a purpose is one of these. One or more, and none of them an unusable address.
    ConsentFor {
        /// The purpose.
        purpose: String,
        /// What it said.
        states: Vec<ConsentState>,
    },
    /// The contact withdrew for the list, whether it is on it or not.
    Unsubscribed(String),
    /// The contact bears the tag, in whatever case.
    Tag(String),
    /// The contact is on the list.
    OnList(String),
    /// The contact is in the segment. The condition of that one is put in its place before anybody is judged.
    InSegment(String),
    /// The contact is on the list, and one of its entries joined in the window.
    Joined {
        /// The list.
        list: String,
        /// When.
        window: Window,
    },
    /// The contact has more than one entry on the list; without a name, on any one list.
    Repeated(Option<String>),
    /// An audience confirmed what we wrote of the contact: the audience that the sync fills, or any.
    Member(Option<String>),
    /// Something happened between a campaign and the contact.
    Activity {
        /// What.
        kind: ActivityKind,
        /// Which campaign, by its name at the provider, as it is written; none for any.
        campaign: Option<String>,
        /// When; none for at any time.
        window: Option<Window>,
    },
}

/// A value that every contact may have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// Its address, in the lower case that tells people apart.
    Email,
    /// The key of the system that it comes from, as it is written.
    ExternalId,
    /// When it was created.
    Created,
    /// When it last changed.
    Updated,
    /// One of its fields, or a part of an address.
    Field(FieldPath),
}

/// What is asked of a value. Texts of fields are compared without regard to the case of the letters
/// A to Z; all other letters count as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// There is a value.
    Set,
    /// There is none.
    Empty,
    /// It compares so with another.
    Compare {
        /// How.
        operator: Operator,
        /// With what.
        value: Literal,
    },
    /// The text contains this one.
    Contains(String),
    /// The text begins with this one.
    StartsWith(String),
    /// The text ends with this one.
    EndsWith(String),
    /// It is one of these.
    In(Vec<Literal>),
    /// One of these is among its choices.
    HasAny(Vec<String>),
    /// All of these are among its choices.
    HasAll(Vec<String>),
    /// The date or moment lies in the window.
    Window(Window),
    /// The day comes round in the window, whatever the year. The 29th of February is kept on the 28th
    /// in years that have none.
    Anniversary(Window),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// They are equal.
    #[serde(rename = "=")]
    Equal,
    /// They differ.
    #[serde(rename = "!=")]
    NotEqual,
    /// The contact's is less, or earlier.
    #[serde(rename = "<")]
    Less,
    /// It is less, earlier or equal.
    #[serde(rename = "<=")]
    AtMost,
    /// It is more, or later.
    #[serde(rename = ">")]
    More,
    /// It is more, later or equal.
    #[serde(rename = ">=")]
    AtLeast,
}

/// A value that is written in a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Literal {
    /// A text.
    Text(String),
    /// A number in canonical digits.
    Number(String),
    /// A day.
    Date(Date),
    /// A moment.
    Moment(Timestamp),
    /// Yes or no.
    Boolean(bool),
}

/// What happens between a campaign and a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActivityKind {
    /// It was sent to the contact.
    Sent,
    /// The contact opened it.
    Opened,
    /// The contact followed one of its links.
    Clicked,
    /// It came back.
    Bounced,
}

impl Condition {
    /// Every part holds. One part stands for itself, and none for everybody.
    #[must_use]
    pub fn all(mut parts: Vec<Self>) -> Self {
        match (parts.pop(), parts.is_empty()) {
            (None, _) => Self::Everyone,
            (Some(only), true) => only,
            (Some(last), false) => {
                parts.push(last);
                Self::All(parts)
            }
        }
    }

    /// One of the parts holds. One part stands for itself, and none for nobody.
    #[must_use]
    pub fn any(mut parts: Vec<Self>) -> Self {
        match (parts.pop(), parts.is_empty()) {
            (None, _) => Self::negate(Self::Everyone),
            (Some(only), true) => only,
            (Some(last), false) => {
                parts.push(last);
                Self::Any(parts)
            }
        }
    }

    /// The part does not hold.
    #[must_use]
    pub fn negate(part: Self) -> Self {
        Self::Not(Box::new(part))
    }

    /// The parts of a condition that has some.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::All(parts) | Self::Any(parts) => parts,
            Self::Not(part) => std::slice::from_ref(part),
            _ => &[],
        }
    }

    /// The conditions that have no parts, in the order of the text.
    #[must_use]
    pub fn leaves(&self) -> Vec<&Self> {
        let mut leaves = Vec::new();
        let mut open = vec![self];
        while let Some(condition) = open.pop() {
            match condition {
                Self::All(_) | Self::Any(_) | Self::Not(_) => open.extend(condition.parts().iter().rev()),
                leaf => leaves.push(leaf),
            }
        }
        leaves
    }

    /// How many conditions stand inside one another at the deepest place; one for a single condition.
    #[must_use]
    pub fn depth(&self) -> usize {
        let (mut deepest, mut open) = (0, vec![(self, 1)]);
        while let Some((condition, depth)) = open.pop() {
            deepest = deepest.max(depth);
            open.extend(condition.parts().iter().map(|part| (part, depth + 1)));
        }
        deepest
    }

    /// The lists that it names, each once.
    #[must_use]
    pub fn lists(&self) -> Vec<&str> {
        self.named(|leaf| match leaf {
            Self::OnList(list) | Self::Joined { list, .. } | Self::Repeated(Some(list)) | Self::Unsubscribed(list) => {
                Some(list)
            }
            _ => None,
        })
    }

    /// The purposes that it names, each once.
    #[must_use]
    pub fn purposes(&self) -> Vec<&str> {
        self.named(|leaf| match leaf {
            Self::ConsentFor { purpose, .. } => Some(purpose),
            _ => None,
        })
    }

    /// The segments that it names, each once.
    #[must_use]
    pub fn segments(&self) -> Vec<&str> {
        self.named(|leaf| match leaf {
            Self::InSegment(segment) => Some(segment),
            _ => None,
        })
    }

    /// The syncs that it names, each once.
    #[must_use]
    pub fn syncs(&self) -> Vec<&str> {
        self.named(|leaf| match leaf {
            Self::Member(sync) => sync.as_deref(),
            _ => None,
        })
    }

    fn named<'a>(&'a self, name: impl Fn(&'a Self) -> Option<&'a str>) -> Vec<&'a str> {
        let mut names: Vec<&str> = self.leaves().into_iter().filter_map(name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Operator {
    /// Every operator; those of two signs first, as a reader must try them.
    pub const ALL: [Self; 6] = [Self::NotEqual, Self::AtMost, Self::AtLeast, Self::Equal, Self::Less, Self::More];

    /// Its sign.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether it holds between two values that stand in this order.
    #[must_use]
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

impl ActivityKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Sent, Self::Opened, Self::Clicked, Self::Bounced];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Bounced => "bounced",
        }
    }
}

impl fmt::Display for ActivityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What stands before the name of a field that is a word of the language.
pub(super) const FIELD_PREFIX: &str = "field.";

/// The words of the language. A field of such a name is written with [`FIELD_PREFIX`].
pub(super) const RESERVED: &[&str] = &[
    "ago",
    "all",
    "and",
    "anniversary",
    "any",
    "before",
    "bounced",
    "clicked",
    "consent",
    "contains",
    "created",
    "day",
    "days",
    "email",
    "empty",
    "ends",
    "everyone",
    "external-id",
    "false",
    "field",
    "has",
    "in",
    "in_segment",
    "is",
    "joined",
    "last",
    "member",
    "month",
    "months",
    "next",
    "no",
    "not",
    "on",
    "opened",
    "or",
    "repeated",
    "sent",
    "set",
    "starts",
    "tag",
    "the",
    "true",
    "unsubscribed",
    "updated",
    "week",
    "weeks",
    "with",
    "year",
    "years",
    "yes",
];

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email => f.write_str("email"),
            Self::ExternalId => f.write_str("external-id"),
            Self::Created => f.write_str("created"),
            Self::Updated => f.write_str("updated"),
            Self::Field(path) if RESERVED.contains(&path.field.as_str()) => write!(f, "{FIELD_PREFIX}{path}"),
            Self::Field(path) => path.fmt(f),
        }
    }
}

impl FromStr for Subject {
    type Err = crate::field::FieldFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "email" => Self::Email,
            "external-id" => Self::ExternalId,
            "created" => Self::Created,
            "updated" => Self::Updated,
            path => Self::Field(path.strip_prefix(FIELD_PREFIX).unwrap_or(path).parse()?),
        })
    }
}

impl TryFrom<String> for Subject {
    type Error = crate::field::FieldFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}
