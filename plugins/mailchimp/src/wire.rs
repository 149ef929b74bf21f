//! The JSON of Mailchimp's API, as far as the plugin reads and writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET /`.
#[derive(Deserialize)]
pub(crate) struct Root {
    #[serde(default)]
    pub(crate) account_name: String,
}

/// The body of `POST /lists/{id}`.
#[derive(Serialize)]
pub(crate) struct BulkWrite<'a> {
    pub(crate) members: Vec<MemberWrite<'a>>,
    pub(crate) update_existing: bool,
    pub(crate) sync_tags: bool,
}

/// A member of a bulk write.
#[derive(Serialize)]
pub(crate) struct MemberWrite<'a> {
    pub(crate) email_address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'static str>,
    pub(crate) merge_fields: &'a BTreeMap<String, Value>,
}

/// The answer of `POST /lists/{id}`.
#[derive(Deserialize)]
pub(crate) struct BulkAnswer {
    #[serde(default)]
    pub(crate) new_members: Vec<Member>,
    #[serde(default)]
    pub(crate) updated_members: Vec<Member>,
    #[serde(default)]
    pub(crate) errors: Vec<BulkError>,
}

/// A member, projected.
#[derive(Deserialize)]
pub(crate) struct Member {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) contact_id: String,
    #[serde(default)]
    pub(crate) email_address: String,
}

/// A member that was refused.
#[derive(Deserialize)]
pub(crate) struct BulkError {
    #[serde(default)]
    pub(crate) email_address: String,
    #[serde(default)]
    pub(crate) error: String,
    #[serde(default)]
    pub(crate) error_code: String,
}
