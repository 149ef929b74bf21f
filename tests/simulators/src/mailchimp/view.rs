//! How members and collections look on the wire. Members are written straight into the answer, key by
//! key as the projection asks: a bulk answer holds up to 500 of them.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::projection::Projection;
use super::state::{Audience, BulkError, BulkOutcome, Member, MergeField, Moment, Segment, SegmentOutcome};

/// The provider's limit on tags in a member's answer; `tags_count` has the truth (MC-46).
const SHOWN_TAGS: usize = 50;

/// A JSON object being written under a projection.
struct Object<'k, M> {
    map: M,
    keep: &'k Projection,
}

impl<'k, M: SerializeMap> Object<'k, M> {
    fn put<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), M::Error> {
        if self.keep.keeps(key) {
            self.map.serialize_entry(key, value)?;
        }
        Ok(())
    }

    /// For values that cost something to make, or that are projected further down.
    fn put_with<T: Serialize>(
        &mut self,
        key: &'static str,
        make: impl FnOnce(&'k Projection) -> T,
    ) -> Result<(), M::Error> {
        match self.keep.child(key) {
            Some(keep) => self.map.serialize_entry(key, &make(keep)),
            None => Ok(()),
        }
    }
}

/// Serialises by a closure over the sequence of its items, without collecting them first.
struct Seq<F>(F);

impl<F, I> Serialize for Seq<F>
where
    F: Fn() -> I,
    I: Iterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        for item in (self.0)() {
            seq.serialize_element(&item)?;
        }
        seq.end()
    }
}

/// "Never" is an empty string, not null.
struct MomentOrEmpty(Option<Moment>);

impl Serialize for MomentOrEmpty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(moment) => moment.serialize(serializer),
            None => serializer.serialize_str(""),
        }
    }
}

struct MergeFieldsView<'a> {
    audience: &'a Audience,
    member: &'a Member,
    keep: &'a Projection,
}

impl Serialize for MergeFieldsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in &self.audience.merge_fields {
            if self.keep.keeps(&field.tag) {
                let value = self.member.merge_value(field.merge_id);
                map.serialize_entry(&field.tag, value.unwrap_or(&Value::String(String::new())))?;
            }
        }
        map.end()
    }
}

/// A member as the provider shows it.
pub struct MemberView<'a> {
    /// Where it is a member.
    pub audience: &'a Audience,
    /// The member.
    pub member: &'a Member,
    /// What to show.
    pub keep: &'a Projection,
}

impl Serialize for MemberView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (audience, member) = (self.audience, self.member);
        let mut object = Object { map: serializer.serialize_map(None)?, keep: self.keep };
        object.put("id", &member.hash)?;
        object.put("email_address", &member.email)?;
        object.put("unique_email_id", &member.unique_email_id)?;
        object.put("contact_id", &member.contact_id)?;
        object.put_with("full_name", |_| full_name(audience, member))?;
        object.put("web_id", &member.web_id)?;
        object.put("email_type", &member.email_type)?;
        object.put("status", member.shown_status())?;
        if let Some(reason) = &member.unsubscribe_reason {
            object.put("unsubscribe_reason", reason)?;
        }
        object.put("consents_to_one_to_one_messaging", &true)?;
        object.put_with("merge_fields", |keep| MergeFieldsView { audience, member, keep })?;
        if !audience.interests.is_empty() {
            object.put_with("interests", |_| interests(audience, member))?;
        }
        object.put_with("stats", |keep| keep.prune(json!({"avg_open_rate": 0, "avg_click_rate": 0})))?;
        object.put("ip_signup", &member.ip_signup)?;
        object.put("timestamp_signup", &MomentOrEmpty(member.timestamp_signup))?;
        object.put("ip_opt", &member.ip_opt)?;
        object.put("timestamp_opt", &MomentOrEmpty(member.timestamp_opt))?;
        object.put("member_rating", &2)?;
        object.put("last_changed", &member.last_changed)?;
        object.put("language", &member.language)?;
        object.put("vip", &member.vip)?;
        object.put("email_client", "")?;
        object.put_with("location", |keep| keep.prune(location(member)))?;
        object.put("source", member.source)?;
        object.put("tags_count", &member.tags.len())?;
        object.put_with("tags", |keep| {
            Seq(move || {
                let shown = member.tags.iter().take(SHOWN_TAGS);
                shown.map(move |(id, _)| keep.prune(json!({"id": id, "name": tag_name(audience, *id)})))
            })
        })?;
        object.put("list_id", &audience.id)?;
        object
            .put_with("_links", |keep| keep.prune(links(&format!("/lists/{}/members/{}", audience.id, member.hash))))?;
        object.map.end()
    }
}

/// The name of a tag by its id.
pub fn tag_name(audience: &Audience, id: u32) -> &str {
    audience.segment(id).map_or("", |segment| &segment.name)
}

fn full_name(audience: &Audience, member: &Member) -> String {
    let part = |tag: &str| {
        let field = audience.merge_field(tag)?;
        member.merge_value(field.merge_id)?.as_str()
    };
    let name = [part("FNAME"), part("LNAME")];
    name.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn interests(audience: &Audience, member: &Member) -> Value {
    let ids = audience.interests.iter();
    ids.map(|id| (id.clone(), Value::Bool(member.interests.contains(id)))).collect()
}

fn location(member: &Member) -> Value {
    let (latitude, longitude) = member.location.unwrap_or_default();
    json!({
        "latitude": latitude, "longitude": longitude, "gmtoff": 0, "dstoff": 0,
        "country_code": "", "timezone": "", "region": "",
    })
}

/// The links of a resource; clients are to ignore them.
pub fn links(path: &str) -> Value {
    json!([{"rel": "self", "href": format!("/3.0{path}"), "method": "GET"}])
}

/// A page of a collection: `{<key>: [...], list_id?, ..., total_items, _links}`.
pub struct Collection<'a, T> {
    /// The array's key.
    pub key: &'static str,
    /// The page.
    pub items: Vec<T>,
    /// The number of all items.
    pub total_items: usize,
    /// The audience, when the collection is part of one.
    pub list_id: Option<&'a str>,
    /// Further keys.
    pub extra: Vec<(&'static str, Value)>,
    /// What to show.
    pub keep: &'a Projection,
    /// Whether an array that is not asked for disappears (MC-06).
    pub drops_arrays: bool,
}

impl<T: Serialize> Serialize for Collection<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = Object { map: serializer.serialize_map(None)?, keep: self.keep };
        if self.keep.keeps(self.key) {
            object.map.serialize_entry(self.key, &self.items)?;
        } else if !self.drops_arrays {
            object.map.serialize_entry(self.key, &[(); 0])?;
        }
        if let Some(list_id) = self.list_id {
            object.put("list_id", list_id)?;
        }
        for (key, value) in &self.extra {
            object.put_with(key, |keep| keep.prune(value.clone()))?;
        }
        object.put("total_items", &self.total_items)?;
        object.put_with("_links", |keep| keep.prune(links("")))?;
        object.map.end()
    }
}

/// The members at `indexes`, under the part of a projection that stands below `key`.
struct MembersAt<'a> {
    audience: &'a Audience,
    indexes: &'a [usize],
    keep: &'a Projection,
}

impl Serialize for MembersAt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (audience, keep) = (self.audience, self.keep);
        let members = self.indexes.iter();
        serializer.collect_seq(
            members.filter_map(|index| Some(MemberView { audience, member: audience.member(*index)?, keep })),
        )
    }
}

struct BulkErrorView<'a> {
    error: &'a BulkError,
    keep: &'a Projection,
}

impl Serialize for BulkErrorView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = Object { map: serializer.serialize_map(None)?, keep: self.keep };
        object.put("email_address", &self.error.email_address)?;
        object.put("error", &self.error.error)?;
        object.put("error_code", self.error.error_code)?;
        object.put("field", &self.error.field)?;
        object.put("field_message", &self.error.field_message)?;
        object.map.end()
    }
}

/// The answer of a bulk call (MC-24).
pub struct BulkView<'a> {
    /// Where it was done.
    pub audience: &'a Audience,
    /// What it did.
    pub outcome: &'a BulkOutcome,
    /// What to show.
    pub keep: &'a Projection,
}

impl Serialize for BulkView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (audience, outcome) = (self.audience, self.outcome);
        let mut object = Object { map: serializer.serialize_map(None)?, keep: self.keep };
        let arrays = [("new_members", &outcome.created), ("updated_members", &outcome.updated)];
        for (key, indexes) in arrays {
            object.put_with(key, |keep| MembersAt { audience, indexes, keep })?;
        }
        object.put_with("errors", |keep| {
            Seq(move || {
                let errors = outcome.errors.iter();
                errors.map(move |error| BulkErrorView { error, keep })
            })
        })?;
        object.put("total_created", &outcome.created.len())?;
        object.put("total_updated", &outcome.updated.len())?;
        object.put("error_count", &outcome.errors.len())?;
        object.put_with("_links", |keep| keep.prune(links("")))?;
        object.map.end()
    }
}

/// The answer of a segment batch (MC-29).
pub struct SegmentBatchView<'a> {
    /// Where it was done.
    pub audience: &'a Audience,
    /// What it did.
    pub outcome: &'a SegmentOutcome,
    /// What to show.
    pub keep: &'a Projection,
}

impl Serialize for SegmentBatchView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (audience, outcome) = (self.audience, self.outcome);
        let mut object = Object { map: serializer.serialize_map(None)?, keep: self.keep };
        let arrays = [("members_added", &outcome.added), ("members_removed", &outcome.removed)];
        for (key, indexes) in arrays {
            object.put_with(key, |keep| MembersAt { audience, indexes, keep })?;
        }
        object.put_with("errors", |keep| {
            Seq(move || {
                let errors = outcome.errors.iter();
                errors.map(move |(error, emails)| keep.prune(json!({"email_addresses": emails, "error": error})))
            })
        })?;
        object.put("total_added", &outcome.added.len())?;
        object.put("total_removed", &outcome.removed.len())?;
        object.put("error_count", &outcome.errors.len())?;
        object.put_with("_links", |keep| keep.prune(links("")))?;
        object.map.end()
    }
}

/// A merge field as the provider shows it.
pub fn merge_field(audience: &Audience, field: &MergeField) -> Value {
    let mut value = json!(field);
    if let Value::Object(map) = &mut value {
        map.insert("list_id".to_owned(), json!(audience.id));
        let path = format!("/lists/{}/merge-fields/{}", audience.id, field.merge_id);
        map.insert("_links".to_owned(), links(&path));
    }
    value
}

/// A segment as the provider shows it. `member_count` is given because counting may be dear.
pub fn segment(audience: &Audience, segment: &Segment, member_count: usize) -> Value {
    json!({
        "id": segment.id,
        "name": segment.name,
        "member_count": member_count,
        "type": segment.kind.name(),
        "created_at": segment.created,
        "updated_at": segment.updated,
        "options": segment.options.clone().unwrap_or_else(|| json!({"match": "any", "conditions": []})),
        "list_id": audience.id,
        "_links": links(&format!("/lists/{}/segments/{}", audience.id, segment.id)),
    })
}
