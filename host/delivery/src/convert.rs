//! The domain's words and the contract's, each turned into the other.

use postroom_domain::contact::ContactId;
use postroom_domain::decision::{OnCreate, RemoteStatus};
use postroom_domain::outcome::Reason;
use postroom_domain::projection::{RemoteValue, RemoteWrite};
use postroom_runtime::contract;

/// The key by which answers are matched: the contact's number, which no batch holds twice.
#[must_use]
pub fn key(contact: ContactId) -> u64 {
    contact.0.unsigned_abs()
}

/// What holds if a write creates the member.
#[must_use]
pub fn on_create(value: OnCreate) -> contract::OnCreate {
    match value {
        OnCreate::Subscribed => contract::OnCreate::Subscribed,
        OnCreate::Pending => contract::OnCreate::Pending,
        OnCreate::Unsubscribed => contract::OnCreate::Unsubscribed,
        OnCreate::NoMarketing => contract::OnCreate::NoMarketing,
        OnCreate::DoNotCreate => contract::OnCreate::DoNotCreate,
    }
}

/// What is written to a field.
#[must_use]
pub fn field_write(write: &RemoteWrite) -> contract::FieldWrite {
    let change = match &write.value {
        None => contract::FieldChange::Clear,
        Some(value) => contract::FieldChange::Set(match value {
            RemoteValue::Text(text) => contract::FieldValue::Text(text.clone()),
            RemoteValue::Number(digits) => contract::FieldValue::Number(digits.clone()),
            RemoteValue::Date(date) => contract::FieldValue::Date(date.clone()),
            RemoteValue::Boolean(value) => contract::FieldValue::Boolean(*value),
            RemoteValue::Parts(parts) => contract::FieldValue::Parts(parts.clone()),
        }),
    };
    contract::FieldWrite { field: write.field.clone(), change }
}

/// A member's status, as an answer has it.
#[must_use]
pub fn status(value: &contract::RemoteStatus) -> RemoteStatus {
    match value {
        contract::RemoteStatus::Subscribed => RemoteStatus::Subscribed,
        contract::RemoteStatus::Pending => RemoteStatus::Pending,
        contract::RemoteStatus::Unsubscribed => RemoteStatus::Unsubscribed,
        contract::RemoteStatus::NoMarketing => RemoteStatus::NoMarketing,
        contract::RemoteStatus::Cleaned => RemoteStatus::Cleaned,
        contract::RemoteStatus::Archived => RemoteStatus::Archived,
        contract::RemoteStatus::Absent => RemoteStatus::Absent,
        contract::RemoteStatus::Other(word) => RemoteStatus::Other(word.clone()),
    }
}

/// The word for a contact that is no member and may not be made one.
pub const MISSING: &str = "missing";

/// Why a provider rejects a contact.
#[must_use]
pub fn rejection(rejection: &contract::Rejection) -> Reason {
    let code = match &rejection.class {
        contract::RejectionClass::InvalidAddress => "invalid-address",
        contract::RejectionClass::InvalidField => "invalid-field",
        contract::RejectionClass::Conflict => "conflict",
        contract::RejectionClass::Throttled => "throttled",
        contract::RejectionClass::Missing => MISSING,
        contract::RejectionClass::Other(_) => "rejected",
    };
    let message = match &rejection.field {
        Some(field) => format!("{field}: {}", rejection.message),
        None => rejection.message.clone(),
    };
    Reason::new(code, message)
}

/// A member's status, as a plugin is told it.
#[must_use]
pub fn to_contract_status(value: &RemoteStatus) -> contract::RemoteStatus {
    match value {
        RemoteStatus::Subscribed => contract::RemoteStatus::Subscribed,
        RemoteStatus::Pending => contract::RemoteStatus::Pending,
        RemoteStatus::Unsubscribed => contract::RemoteStatus::Unsubscribed,
        RemoteStatus::NoMarketing => contract::RemoteStatus::NoMarketing,
        RemoteStatus::Cleaned => contract::RemoteStatus::Cleaned,
        RemoteStatus::Archived => contract::RemoteStatus::Archived,
        RemoteStatus::Absent => contract::RemoteStatus::Absent,
        RemoteStatus::Other(word) => contract::RemoteStatus::Other(word.clone()),
    }
}
