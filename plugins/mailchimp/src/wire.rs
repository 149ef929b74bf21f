//! The JSON of Mailchimp's API, as far as the plugin reads and writes it.
//!
//! Every property that is read may be missing or null: projections make arrays disappear (MC-06),
//! and error bodies leave out what the documentation promises (MC-12).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Reads null as the type's default.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// `GET /`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Root {
    #[serde(deserialize_with = "or_default")]
    pub(crate) account_name: String,
    pub(crate) pricing_plan_type: Option<String>,
    pub(crate) account_timezone: Option<String>,
    pub(crate) total_subscribers: Option<u64>,
}

/// `GET /lists`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ListsPage {
    #[serde(deserialize_with = "or_default")]
    pub(crate) lists: Vec<List>,
    pub(crate) total_items: Option<u64>,
}

/// An audience.
#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) stats: ListStats,
}

/// The counts of an audience.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ListStats {
    pub(crate) member_count: Option<u64>,
}

/// `GET /lists/{id}/merge-fields`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct MergeFieldsPage {
    #[serde(deserialize_with = "or_default")]
    pub(crate) merge_fields: Vec<MergeField>,
    pub(crate) total_items: Option<u64>,
}

/// A merge field.
#[derive(Deserialize)]
pub(crate) struct MergeField {
    pub(crate) tag: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) required: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) options: MergeFieldOptions,
}

/// What a merge field may hold.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct MergeFieldOptions {
    #[serde(deserialize_with = "or_default")]
    pub(crate) choices: Vec<String>,
}

/// `GET /lists/{id}/members`, of which only ids are read.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct MembersPage {
    #[serde(deserialize_with = "or_default")]
    pub(crate) members: Vec<MemberId>,
    pub(crate) total_items: Option<u64>,
}

/// A member of whom only the hash is read.
#[derive(Deserialize)]
pub(crate) struct MemberId {
    pub(crate) id: String,
}

/// The body of `POST /lists/{id}`.
#[derive(Serialize)]
pub(crate) struct BulkWrite<'a> {
    pub(crate) members: Vec<BulkMember<'a>>,
    pub(crate) update_existing: bool,
    /// Always false: true would take every other tag off the members (MC-26).
    pub(crate) sync_tags: bool,
}

/// A member of a bulk write.
#[derive(Serialize)]
pub(crate) struct BulkMember<'a> {
    pub(crate) email_address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'static str>,
    pub(crate) merge_fields: &'a BTreeMap<String, Value>,
}

/// The body of `PATCH /lists/{id}/members/{hash}` that changes fields, or the address too.
#[derive(Serialize)]
pub(crate) struct MemberPatch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email_address: Option<&'a str>,
    pub(crate) merge_fields: &'a BTreeMap<String, Value>,
}

/// The same that changes the status and nothing else.
#[derive(Serialize)]
pub(crate) struct StatusPatch {
    pub(crate) status: &'static str,
}

/// The answer of `POST /lists/{id}`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct BulkAnswer {
    #[serde(deserialize_with = "or_default")]
    pub(crate) new_members: Vec<Member>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) updated_members: Vec<Member>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) errors: Vec<BulkError>,
}

/// A member, projected.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Member {
    #[serde(deserialize_with = "or_default")]
    pub(crate) id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) contact_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) email_address: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) status: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) tags: Vec<Tag>,
    pub(crate) tags_count: Option<usize>,
}

/// A member that a bulk write refused.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct BulkError {
    #[serde(deserialize_with = "or_default")]
    pub(crate) email_address: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) error: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) error_code: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) field: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) field_message: String,
}

/// An error body.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ProblemBody {
    #[serde(deserialize_with = "or_default")]
    pub(crate) title: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) detail: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) errors: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct FieldError {
    #[serde(deserialize_with = "or_default")]
    pub(crate) field: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) message: String,
}

/// `GET /lists/{id}/segments`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct SegmentsPage {
    #[serde(deserialize_with = "or_default")]
    pub(crate) segments: Vec<Tag>,
    pub(crate) total_items: Option<u64>,
}

/// A static segment, which is a tag.
#[derive(Deserialize)]
pub(crate) struct Tag {
    pub(crate) id: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
}

/// The body of `POST /lists/{id}/segments`: an empty list of members makes an empty tag.
#[derive(Serialize)]
pub(crate) struct NewTag<'a> {
    pub(crate) name: &'a str,
    pub(crate) static_segment: [&'a str; 0],
}

/// The body of `POST /lists/{id}/segments/{sid}`.
#[derive(Serialize)]
pub(crate) struct SegmentChange {
    pub(crate) members_to_add: Vec<String>,
    pub(crate) members_to_remove: Vec<String>,
}

/// Its answer.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct SegmentAnswer {
    #[serde(deserialize_with = "or_default")]
    pub(crate) members_added: Vec<Member>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) members_removed: Vec<Member>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) errors: Vec<SegmentError>,
}

/// Addresses that a segment call refused, with the reason.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct SegmentError {
    #[serde(deserialize_with = "or_default")]
    pub(crate) email_addresses: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) error: String,
}
