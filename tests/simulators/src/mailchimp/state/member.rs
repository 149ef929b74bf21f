//! What is known about one member of an audience.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Id128, Moment, ShortId};

/// A member's status as it is stored. Archiving is a flag beside it, so that what was before survives.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Receives campaigns.
    Subscribed,
    /// Was asked for confirmation and has not answered.
    Pending,
    /// Opted out.
    Unsubscribed,
    /// Undeliverable.
    Cleaned,
    /// Known from a purchase, without marketing consent.
    Transactional,
}

impl Status {
    /// All of them, for schema messages.
    pub const ALL: [Self; 5] =
        [Self::Subscribed, Self::Unsubscribed, Self::Cleaned, Self::Pending, Self::Transactional];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscribed => "subscribed",
            Self::Pending => "pending",
            Self::Unsubscribed => "unsubscribed",
            Self::Cleaned => "cleaned",
            Self::Transactional => "transactional",
        }
    }

    /// Whether members in this status cannot be tagged (MC-29).
    #[must_use]
    pub fn is_untaggable(self) -> bool {
        matches!(self, Self::Unsubscribed | Self::Cleaned)
    }
}

/// The form in which a member wants its mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailType {
    /// With layout.
    Html,
    /// Text alone.
    Text,
}

impl EmailType {
    /// Both, for schema messages.
    pub const ALL: [Self; 2] = [Self::Html, Self::Text];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Text => "text",
        }
    }
}

/// Who caused the present status (MC-11).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The contact itself.
    Contact,
    /// The contact, by a spam complaint.
    Abuse,
    /// A hard bounce.
    Bounce,
    /// A call of the API.
    Api,
    /// An operator in the provider's own pages.
    Admin,
}

impl Origin {
    /// Whether a status with this origin is a compliance state: only the contact can lift it.
    #[must_use]
    pub fn is_compliance(self) -> bool {
        matches!(self, Self::Contact | Self::Abuse | Self::Bounce)
    }
}

/// The endpoint a status was sent through.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// `POST members`.
    Post,
    /// `PUT members/{hash}`.
    Put,
    /// `PATCH members/{hash}`.
    Patch,
    /// `POST /lists/{id}`.
    Bulk,
}

/// What became of a status that a request carried.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SentOutcome {
    /// The member has it now.
    Applied,
    /// The write was refused.
    Refused,
    /// It had no effect.
    Ignored,
}

/// A status that a request carried for a member that existed already.
#[derive(Clone, Debug, Serialize)]
pub struct SentStatus {
    /// The value.
    pub status: Status,
    /// `status` or `status_if_new`.
    pub key: &'static str,
    /// The endpoint.
    pub via: Via,
    /// What became of it.
    pub outcome: SentOutcome,
}

/// One member.
#[derive(Clone, Debug)]
pub struct Member {
    /// The address as it was given last.
    pub email: String,
    /// MD5 of the lower-case address. Moves when the address changes (MC-18).
    pub hash: Id128,
    /// Stays when the address changes.
    pub contact_id: Id128,
    /// 10 hexadecimal digits; stays when the address changes.
    pub unique_email_id: ShortId,
    /// A whole number, for links into the provider's pages.
    pub web_id: u32,
    /// The status below archiving.
    pub status: Status,
    /// Hidden by DELETE (MC-16).
    pub archived: bool,
    /// Who caused `status`; absent for a member that was created as it is.
    pub origin: Option<Origin>,
    /// Only the contact can make this member subscribed again. Outlives a change to `pending`.
    pub compliance: bool,
    /// Confirmation mails that were sent (MC-14).
    pub confirmations: u32,
    /// Statuses that requests carried while the member existed.
    pub status_sent: Vec<SentStatus>,
    /// `html` unless something else was asked for.
    pub email_type: EmailType,
    /// Values by merge id: a rename of the field keeps them.
    pub merge_values: Vec<(u32, Value)>,
    /// Interests that are on.
    pub interests: Vec<String>,
    /// A language code, or empty.
    pub language: String,
    /// Marked as important.
    pub vip: bool,
    /// Latitude and longitude in degrees.
    pub location: Option<(f64, f64)>,
    /// Address of the sign-up, or empty.
    pub ip_signup: String,
    /// Time of the sign-up.
    pub timestamp_signup: Option<Moment>,
    /// Address of the opt-in, or empty.
    pub ip_opt: String,
    /// Time of the opt-in.
    pub timestamp_opt: Option<Moment>,
    /// Moves with every write (MC-39).
    pub last_changed: Moment,
    /// Tags by segment id, with the time of tagging, oldest first.
    pub tags: Vec<(u32, Moment)>,
    /// How the member came here.
    pub source: &'static str,
    /// What an unsubscribing contact gave as its reason.
    pub unsubscribe_reason: Option<String>,
}

impl Member {
    /// The status on the wire.
    #[must_use]
    pub fn shown_status(&self) -> &'static str {
        if self.archived { "archived" } else { self.status.name() }
    }

    /// The value under a merge id.
    #[must_use]
    pub fn merge_value(&self, merge_id: u32) -> Option<&Value> {
        self.merge_values.iter().find_map(|(id, value)| (*id == merge_id).then_some(value))
    }

    /// Sets the value under a merge id.
    pub fn set_merge_value(&mut self, merge_id: u32, value: Value) {
        match self.merge_values.iter_mut().find(|(id, _)| *id == merge_id) {
            Some((_, held)) => *held = value,
            None => self.merge_values.push((merge_id, value)),
        }
    }
}
