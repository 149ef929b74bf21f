//! Behaviours nobody has established, or that change with time: each is a switch with a default.

use serde::{Deserialize, Serialize};

/// How a key of another data centre is answered (MC-01).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WrongDatacenter {
    /// 401 `API Key Invalid`.
    Unauthorized,
    /// 403 `Wrong Datacenter`.
    Forbidden,
}

/// What a bulk entry without `status` means for an address that is not on the audience.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingStatus {
    /// The entry is refused.
    Refuse,
    /// The address becomes subscribed.
    Subscribe,
}

/// Whether something is done or silently passed over.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptOrIgnore {
    /// It is done.
    Accept,
    /// It is silently passed over.
    Ignore,
}

/// Whether something is passed over or an error.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IgnoreOrRefuse {
    /// It is silently passed over.
    Ignore,
    /// It is an error on its field.
    Refuse,
}

/// What happens to text beyond a field's length.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CutOrRefuse {
    /// The end is dropped.
    Cut,
    /// It is an error on its field.
    Refuse,
}

/// What archiving an archived member is answered with (MC-16).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchivedTwice {
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
}

/// What tagging a member that is unsubscribed or cleaned does (MC-29).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnsubscribed {
    /// It is reported as an error.
    Error,
    /// It is passed over without a word.
    Silent,
    /// It is done.
    Allow,
}

/// Whether an address that is not on the audience is reported in a segment batch.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorOrIgnore {
    /// It is listed in `errors`.
    Error,
    /// It is passed over.
    Ignore,
}

/// All switches with their settings. The field names are the names in the control API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// MC-01: a key whose suffix names another data centre. Default `unauthorized`.
    pub wrong_datacenter: WrongDatacenter,
    /// MC-06: a projection that does not name a collection's array makes its key disappear; otherwise
    /// the key stays with an empty array. Default true.
    pub projection_drops_arrays: bool,
    /// A bulk entry without `status` for an address that is not on the audience. Default `refuse`.
    pub bulk_missing_status: MissingStatus,
    /// MC-13: `subscribed` in a bulk call for a member that the API or an operator unsubscribed. Default `accept`.
    pub bulk_resubscribe_api_unsubscribed: AcceptOrIgnore,
    /// Whether bulk entries may carry `status_if_new`, which the published schema does not name. Default false: ignored.
    pub bulk_status_if_new: bool,
    /// Whether bulk entries may carry `tags`, which the published schema does not name. Default true.
    pub bulk_tags: bool,
    /// MC-16: archiving twice. Default `not_found`.
    pub archived_twice: ArchivedTwice,
    /// MC-19: whether the allowed domains are honoured; false makes example.com fake again. Default true.
    pub allowed_domains_honoured: bool,
    /// MC-21: whether an incomplete address that a member already holds blocks updates of other fields. Default false.
    pub stale_address_blocks: bool,
    /// A merge value of `null`. Default `ignore`.
    pub null_merge_value: IgnoreOrRefuse,
    /// A text merge value of more than 255 characters. Default `refuse`.
    pub long_text: CutOrRefuse,
    /// MC-29: the tags endpoint of one member that is unsubscribed or cleaned, and `tags` in other writes
    /// (where an error is passed over). Default `silent`.
    pub member_tags_on_unsubscribed: OnUnsubscribed,
    /// MC-29: additions in a segment batch for members that are unsubscribed or cleaned. Default `error`.
    pub segment_add_on_unsubscribed: OnUnsubscribed,
    /// MC-29: removals in a segment batch for members that are unsubscribed or cleaned. Default `error`.
    pub segment_remove_on_unsubscribed: OnUnsubscribed,
    /// Addresses in a segment batch that are not on the audience. Default `error`.
    pub segment_unknown_email: ErrorOrIgnore,
    /// Whether tagging moves `last_changed`. Default false.
    pub tagging_moves_last_changed: bool,
    /// MC-39: whether `since_last_changed` includes its own second. Default true.
    pub since_last_changed_inclusive: bool,
    /// MC-32: whether a client that goes away keeps its slot for the configured time. Default false.
    pub aborted_call_keeps_slot: bool,
    /// MC-45: whether the plan allows another audience. Default true.
    pub may_create_audiences: bool,
    /// Whether the book keeps bodies. Default true; off for runs with very many contacts.
    pub book_bodies: bool,
    /// Milliseconds each request waits before it is applied. Default 0.
    pub latency_ms: u64,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            wrong_datacenter: WrongDatacenter::Unauthorized,
            projection_drops_arrays: true,
            bulk_missing_status: MissingStatus::Refuse,
            bulk_resubscribe_api_unsubscribed: AcceptOrIgnore::Accept,
            bulk_status_if_new: false,
            bulk_tags: true,
            archived_twice: ArchivedTwice::NotFound,
            allowed_domains_honoured: true,
            stale_address_blocks: false,
            null_merge_value: IgnoreOrRefuse::Ignore,
            long_text: CutOrRefuse::Refuse,
            member_tags_on_unsubscribed: OnUnsubscribed::Silent,
            segment_add_on_unsubscribed: OnUnsubscribed::Error,
            segment_remove_on_unsubscribed: OnUnsubscribed::Error,
            segment_unknown_email: ErrorOrIgnore::Error,
            tagging_moves_last_changed: false,
            since_last_changed_inclusive: true,
            aborted_call_keeps_slot: false,
            may_create_audiences: true,
            book_bodies: true,
            latency_ms: 0,
        }
    }
}
