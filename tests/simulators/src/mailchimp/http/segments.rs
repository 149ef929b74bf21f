//! Segments, and tags in their two shapes: as static segments, and as names on a member.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use crate::mailchimp::projection::Projection;
use crate::mailchimp::state::{
    Audience, BATCH_LIMIT, FieldError, Include, Moment, OnUnsubscribed, Problem, Segment, SegmentBatch, SegmentKind,
    SegmentOutcome, State,
};
use crate::mailchimp::view::{self, Collection, MemberView, SegmentBatchView};

fn number(id: &str) -> Result<u32, Problem> {
    id.parse().map_err(|_| Problem::not_found())
}

fn include(call: &Call) -> Include {
    Include {
        cleaned: call.flag("include_cleaned"),
        transactional: call.flag("include_transactional"),
        unsubscribed: call.flag("include_unsubscribed"),
    }
}

fn show(audience: &Audience, segment: &Segment, include: Include, keep: &Projection) -> Value {
    // Counting goes over the segment's members: only when it is asked for.
    let count = if keep.keeps("member_count") {
        segment.members().filter_map(|index| audience.member(index)).filter(|member| include.shows(member)).count()
    } else {
        0
    };
    keep.prune(view::segment(audience, segment, count))
}

/// `GET /lists/{id}/segments`.
pub(super) fn all(state: &State, call: &Call, list: &str) -> Result<Answer, Problem> {
    let audience = state.audience(list)?;
    let keep = call.projection();
    let kind = call.param("type");
    let since_created = call.moment("since_created_at")?;
    let before_created = call.moment("before_created_at")?;
    let since_updated = call.moment("since_updated_at")?;
    let before_updated = call.moment("before_updated_at")?;
    let matching = audience.segments.iter().filter(|segment| {
        kind.is_none_or(|kind| segment.kind.name() == kind)
            && since_created.is_none_or(|since| segment.created >= since)
            && before_created.is_none_or(|before| segment.created < before)
            && since_updated.is_none_or(|since| segment.updated >= since)
            && before_updated.is_none_or(|before| segment.updated < before)
    });
    let (page, total_items) = call.page()?.cut(matching);
    let below = keep.child("segments");
    let items: Vec<Value> =
        page.into_iter().filter_map(|segment| below.map(|keep| show(audience, segment, include(call), keep))).collect();
    Answer::json(&Collection {
        key: "segments",
        items,
        total_items,
        list_id: Some(list),
        extra: Vec::new(),
        keep: &keep,
        drops_arrays: state.rules.switches.projection_drops_arrays,
    })
}

/// `GET /lists/{id}/segments/{segment}`.
pub(super) fn one(state: &State, call: &Call, list: &str, id: &str) -> Result<Answer, Problem> {
    let audience = state.audience(list)?;
    let segment = audience.segment(number(id)?)?;
    Answer::json(&show(audience, segment, include(call), &call.projection()))
}

/// An array of addresses in a body; `None` when the key is absent.
fn addresses(body: &mut Value, key: &str) -> Result<Option<Vec<String>>, Problem> {
    let Some(value) = body.get_mut(key).map(Value::take) else {
        return Ok(None);
    };
    let emails: Vec<String> = serde_json::from_value(value)
        .map_err(|_| Problem::invalid_field(key, "This value should be an array of e-mail addresses."))?;
    if emails.len() > BATCH_LIMIT {
        return Err(Problem::invalid_field(
            key,
            format!("This collection should contain {BATCH_LIMIT} elements or less."),
        ));
    }
    Ok(Some(emails))
}

/// `POST /lists/{id}/segments`: with `static_segment` a tag, with `options` a saved segment.
pub(super) fn create(state: &mut State, call: &mut Call, list: &str, now: Moment) -> Result<Answer, Problem> {
    let mut body = call.take_body()?;
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let emails = addresses(&mut body, "static_segment")?;
    let options = body.get_mut("options").map(Value::take);
    let kind = match (&emails, &options) {
        (Some(_), _) => SegmentKind::Static,
        (None, Some(_)) => SegmentKind::Saved,
        (None, None) => {
            return Err(Problem::bad_request("A segment needs either static_segment or options."));
        }
    };
    let (audience, rules, mint) = state.audience_mut(list)?;
    let id = audience.create_segment(&name, kind, options, mint, now)?;
    audience.set_segment(id, &emails.unwrap_or_default(), rules, now);
    one(state, call, list, &id.to_string())
}

/// `POST /lists/{id}/segments/{segment}`: adds and removes members (MC-29, MC-30).
pub(super) fn batch(state: &mut State, call: &mut Call, list: &str, id: &str, now: Moment) -> Result<Answer, Problem> {
    let id = number(id)?;
    let (audience, rules, _) = state.audience_mut(list)?;
    audience.require_static(id)?;
    let mut body = call.take_body()?;
    let batch = SegmentBatch {
        add: addresses(&mut body, "members_to_add")?.unwrap_or_default(),
        remove: addresses(&mut body, "members_to_remove")?.unwrap_or_default(),
    };
    let outcome = audience.batch_segment(id, batch, rules, now);
    Answer::json(&SegmentBatchView { audience, outcome: &outcome, keep: &call.projection() })
}

/// `PATCH /lists/{id}/segments/{segment}`: a new name, a new set of members, or both (MC-30).
pub(super) fn change(state: &mut State, call: &mut Call, list: &str, id: &str, now: Moment) -> Result<Answer, Problem> {
    let id_number = number(id)?;
    let mut body = call.take_body()?;
    let emails = addresses(&mut body, "static_segment")?;
    let (audience, rules, _) = state.audience_mut(list)?;
    audience.segment(id_number)?;
    if emails.is_some() {
        audience.require_static(id_number)?;
    }
    let name = body.get("name").and_then(Value::as_str).map(str::trim);
    if let Some(name) = name {
        let taken = audience.tag_named(name).is_some_and(|tag| tag != id_number);
        if name.is_empty() || taken {
            return Err(Problem::invalid_field("name", "Sorry, that tag already exists."));
        }
        let segment = audience.segment_mut(id_number)?;
        name.clone_into(&mut segment.name);
        segment.updated = now;
    }
    if let Some(emails) = emails {
        audience.set_segment(id_number, &emails, rules, now);
    }
    if let Some(options) = body.get_mut("options").map(Value::take) {
        audience.segment_mut(id_number)?.options = Some(options);
    }
    one(state, call, list, id)
}

/// `DELETE /lists/{id}/segments/{segment}`.
pub(super) fn delete(state: &mut State, list: &str, id: &str) -> Result<Answer, Problem> {
    let (audience, ..) = state.audience_mut(list)?;
    if audience.delete_segment(number(id)?) { Ok(Answer::nothing()) } else { Err(Problem::not_found()) }
}

/// `GET /lists/{id}/segments/{segment}/members`.
pub(super) fn members(state: &State, call: &Call, list: &str, id: &str) -> Result<Answer, Problem> {
    let audience = state.audience(list)?;
    let include = include(call);
    let segment = audience.segment(number(id)?)?;
    let shown = segment.members().filter_map(|index| audience.member(index)).filter(|member| include.shows(member));
    let (page, total_items) = call.page()?.cut(shown);
    let keep = call.projection();
    let below = keep.child("members");
    let items: Vec<MemberView<'_>> =
        page.into_iter().filter_map(|member| below.map(|keep| MemberView { audience, member, keep })).collect();
    Answer::json(&Collection {
        key: "members",
        items,
        total_items,
        list_id: None,
        extra: Vec::new(),
        keep: &keep,
        drops_arrays: state.rules.switches.projection_drops_arrays,
    })
}

/// `POST /lists/{id}/segments/{segment}/members`: one address, with the rules of the batch.
pub(super) fn add_member(
    state: &mut State,
    call: &mut Call,
    list: &str,
    id: &str,
    now: Moment,
) -> Result<Answer, Problem> {
    let body = call.take_body()?;
    let email = body.get("email_address").and_then(Value::as_str).unwrap_or_default().to_owned();
    let outcome = one_by_one(state, list, id, SegmentBatch { add: vec![email], remove: Vec::new() }, now)?;
    let index = outcome.added.first().copied();
    let audience = state.audience(list)?;
    let member = index.and_then(|index| audience.member(index)).ok_or_else(Problem::not_found)?;
    Answer::json(&MemberView { audience, member, keep: &call.projection() })
}

/// `DELETE /lists/{id}/segments/{segment}/members/{who}`.
pub(super) fn remove_member(
    state: &mut State,
    list: &str,
    id: &str,
    who: &str,
    now: Moment,
) -> Result<Answer, Problem> {
    let audience = state.audience(list)?;
    let member = audience.find(who).and_then(|index| audience.member(index)).ok_or_else(Problem::not_found)?;
    let email = member.email.clone();
    one_by_one(state, list, id, SegmentBatch { add: Vec::new(), remove: vec![email] }, now)?;
    Ok(Answer::nothing())
}

/// A batch of one, whose error is the answer.
fn one_by_one(
    state: &mut State,
    list: &str,
    id: &str,
    batch: SegmentBatch,
    now: Moment,
) -> Result<SegmentOutcome, Problem> {
    let id = number(id)?;
    let (audience, rules, _) = state.audience_mut(list)?;
    audience.require_static(id)?;
    let outcome = audience.batch_segment(id, batch, rules, now);
    match outcome.errors.first() {
        Some((sentence, _)) => Err(Problem::invalid_detail(*sentence)),
        None => Ok(outcome),
    }
}

/// `GET /lists/{id}/tag-search`.
pub(super) fn tag_search(state: &State, call: &Call, list: &str) -> Result<Answer, Problem> {
    let audience = state.audience(list)?;
    let prefix = call.param("name").unwrap_or_default().to_lowercase();
    let tags: Vec<Value> = audience
        .segments
        .iter()
        .filter(|segment| segment.kind == SegmentKind::Static)
        .filter(|segment| segment.name.to_lowercase().starts_with(&prefix))
        .map(|segment| json!({"id": segment.id, "name": segment.name}))
        .collect();
    Answer::json(&Collection {
        key: "tags",
        total_items: tags.len(),
        items: tags,
        list_id: None,
        extra: Vec::new(),
        keep: Projection::everything(),
        drops_arrays: true,
    })
}

/// `GET /lists/{id}/members/{who}/tags`.
pub(super) fn member_tags(state: &State, call: &Call, list: &str, who: &str) -> Result<Answer, Problem> {
    let audience = state.audience(list)?;
    let member = audience.find(who).and_then(|index| audience.member(index)).ok_or_else(Problem::not_found)?;
    let (page, total_items) = call.page()?.cut(member.tags.iter());
    let keep = call.projection();
    let below = keep.child("tags");
    let items: Vec<Value> = page
        .into_iter()
        .filter_map(|(id, added)| {
            let name = view::tag_name(audience, *id);
            let tag = json!({"id": id, "name": name, "date_added": added});
            below.map(|keep| keep.prune(tag))
        })
        .collect();
    Answer::json(&Collection {
        key: "tags",
        items,
        total_items,
        list_id: None,
        extra: Vec::new(),
        keep: &keep,
        drops_arrays: state.rules.switches.projection_drops_arrays,
    })
}

/// `POST /lists/{id}/members/{who}/tags`: objects with a name and `active` or `inactive` (MC-28).
pub(super) fn set_member_tags(
    state: &mut State,
    call: &mut Call,
    list: &str,
    who: &str,
    now: Moment,
) -> Result<Answer, Problem> {
    let (audience, rules, mint) = state.audience_mut(list)?;
    let index = audience.find(who).ok_or_else(Problem::not_found)?;
    let body = call.take_body()?;
    let (on, off) = read_tags(&body)?;
    if !audience.may_tag(index, rules) {
        return match rules.switches.member_tags_on_unsubscribed {
            OnUnsubscribed::Error => {
                Err(Problem::invalid_detail("Contact is unsubscribed or cleaned and cannot be tagged."))
            }
            OnUnsubscribed::Silent | OnUnsubscribed::Allow => Ok(Answer::nothing()),
        };
    }
    audience.tag_by_names(index, &on, rules, mint, now);
    for name in off {
        if let Some(tag) = audience.tag_named(&name) {
            audience.untag(index, tag);
        }
    }
    Ok(Answer::nothing())
}

/// The names to add and the names to remove.
fn read_tags(body: &Value) -> Result<(Vec<String>, Vec<String>), Problem> {
    let Some(tags) = body.get("tags").and_then(Value::as_array) else {
        return Err(Problem::invalid_field("tags", "This value should be of type array."));
    };
    let (mut on, mut off, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (position, tag) in tags.iter().enumerate() {
        let text = |key: &str| tag.get(key).and_then(Value::as_str);
        match (text("name"), text("status")) {
            (Some(name), Some("active")) => on.push(name.to_owned()),
            (Some(name), Some("inactive")) => off.push(name.to_owned()),
            _ => errors.push(FieldError::new(
                format!("tags.item:{position}"),
                "Schema describes object with name and status active or inactive",
            )),
        }
    }
    if errors.is_empty() { Ok((on, off)) } else { Err(Problem::invalid(errors)) }
}
