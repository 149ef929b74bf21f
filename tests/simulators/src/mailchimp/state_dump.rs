//! The whole state as the control API shows it, written without copying members.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::state::{Audience, Member, State, Status};
use super::view;

/// Which part of the state to show.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StateFilter {
    /// Only this audience.
    pub(super) audience: Option<String>,
    /// Only the member with this address, in any case.
    pub(super) email: Option<String>,
    /// Whether members are shown at all; the counts always are.
    pub(super) members: bool,
}

impl Default for StateFilter {
    fn default() -> Self {
        Self { audience: None, email: None, members: true }
    }
}

pub(super) struct StateDump<'a> {
    pub(super) state: &'a State,
    pub(super) filter: &'a StateFilter,
}

impl Serialize for StateDump<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filter = self.filter;
        let audiences: Vec<AudienceDump<'_>> = self
            .state
            .audiences
            .iter()
            .filter(|audience| filter.audience.as_ref().is_none_or(|id| *id == audience.id))
            .map(|audience| AudienceDump { audience, filter })
            .collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("key_valid", &self.state.key_valid)?;
        map.serialize_entry("audiences", &audiences)?;
        map.end()
    }
}

struct AudienceDump<'a> {
    audience: &'a Audience,
    filter: &'a StateFilter,
}

impl Serialize for AudienceDump<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let audience = self.audience;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &audience.id)?;
        map.serialize_entry("name", &audience.name)?;
        map.serialize_entry("merge_fields", &audience.merge_fields)?;
        map.serialize_entry("interests", &audience.interests)?;
        map.serialize_entry("segments", &segments(audience))?;
        map.serialize_entry("counts", &counts(audience))?;
        if self.filter.members {
            let wanted = self.filter.email.as_deref();
            map.serialize_entry("members", &MembersDump { audience, wanted })?;
        }
        map.end()
    }
}

struct MembersDump<'a> {
    audience: &'a Audience,
    wanted: Option<&'a str>,
}

impl Serialize for MembersDump<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let audience = self.audience;
        match self.wanted {
            Some(email) => {
                let index = audience.find_email(email);
                let member = index.and_then(|index| audience.member(index));
                serializer.collect_seq(member.map(|member| dump(audience, member)))
            }
            None => serializer.collect_seq(audience.members().map(|(_, member)| dump(audience, member))),
        }
    }
}

fn segments(audience: &Audience) -> Vec<Value> {
    let email = |index| Some(audience.member(index)?.email.as_str());
    audience
        .segments
        .iter()
        .map(|segment| {
            json!({
                "id": segment.id,
                "name": segment.name,
                "type": segment.kind.name(),
                "members": segment.members().filter_map(email).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn counts(audience: &Audience) -> Value {
    let mut counts: Map<String, Value> =
        Status::ALL.into_iter().map(|status| (status.name().to_owned(), json!(audience.count(status)))).collect();
    let all = audience.members().count();
    counts.insert("archived".to_owned(), json!(all - audience.count_contacts()));
    counts.insert("forgotten".to_owned(), json!(audience.forgotten_count()));
    Value::Object(counts)
}

fn dump(audience: &Audience, member: &Member) -> Value {
    let merge_fields: Map<String, Value> = audience
        .merge_fields
        .iter()
        .filter_map(|field| {
            let value = member.merge_value(field.merge_id)?;
            Some((field.tag.clone(), value.clone()))
        })
        .collect();
    let tags = member.tags.iter();
    let tags: Vec<&str> = tags.map(|(id, _)| view::tag_name(audience, *id)).collect();
    json!({
        "email": member.email,
        "id": member.hash,
        "contact_id": member.contact_id,
        "unique_email_id": member.unique_email_id,
        "status": member.shown_status(),
        "status_below_archive": member.status,
        "status_origin": member.origin,
        "compliance": member.compliance,
        "confirmations": member.confirmations,
        "status_sent": member.status_sent,
        "merge_fields": merge_fields,
        "tags": tags,
        "interests": member.interests,
        "email_type": member.email_type,
        "language": member.language,
        "vip": member.vip,
        "ip_signup": member.ip_signup,
        "timestamp_signup": member.timestamp_signup,
        "ip_opt": member.ip_opt,
        "timestamp_opt": member.timestamp_opt,
        "last_changed": member.last_changed,
        "source": member.source,
    })
}
