//! Merge fields of an audience.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use crate::mailchimp::state::{FieldError, MergeField, MergeFieldChange, NewMergeField, Problem, State};
use crate::mailchimp::view::{self, Collection};

/// `GET /lists/{id}/merge-fields`.
pub(super) fn all(state: &State, call: &Call, id: &str) -> Result<Answer, Problem> {
    let audience = state.audience(id)?;
    let keep = call.projection();
    let kind = call.param("type");
    let required = call.param("required").map(|_| call.flag("required"));
    let matching = audience.merge_fields.iter().filter(|field| {
        kind.is_none_or(|kind| json!(field.kind) == kind) && required.is_none_or(|required| field.required == required)
    });
    let (page, total_items) = call.page()?.cut(matching);
    let below = keep.child("merge_fields");
    let items: Vec<Value> =
        page.into_iter().filter_map(|field| below.map(|keep| keep.prune(view::merge_field(audience, field)))).collect();
    Answer::json(&Collection {
        key: "merge_fields",
        items,
        total_items,
        list_id: Some(id),
        extra: Vec::new(),
        keep: &keep,
        drops_arrays: state.rules.switches.projection_drops_arrays,
    })
}

/// `GET /lists/{id}/merge-fields/{merge_id}`.
pub(super) fn one(state: &State, call: &Call, id: &str, merge_id: &str) -> Result<Answer, Problem> {
    let audience = state.audience(id)?;
    let field = find(&audience.merge_fields, merge_id)?;
    let keep = call.projection();
    Answer::json(&keep.prune(view::merge_field(audience, field)))
}

/// `POST /lists/{id}/merge-fields`.
pub(super) fn add(state: &mut State, call: &mut Call, id: &str) -> Result<Answer, Problem> {
    let body = call.take_body()?;
    let missing: Vec<FieldError> = ["name", "type"]
        .into_iter()
        .filter(|key| body.get(key).is_none_or(|value| value.as_str() == Some("")))
        .map(|key| FieldError::new(key, "This value should not be blank."))
        .collect();
    if !missing.is_empty() {
        return Err(Problem::invalid(missing));
    }
    let field: NewMergeField =
        serde_json::from_value(body).map_err(|error| Problem::invalid_field("", error.to_string()))?;
    let (audience, ..) = state.audience_mut(id)?;
    let merge_id = audience.add_merge_field(field).map_err(|error| Problem::invalid(vec![error]))?.merge_id;
    one(state, call, id, &merge_id.to_string())
}

/// `PATCH /lists/{id}/merge-fields/{merge_id}`: everything but the type.
pub(super) fn change(state: &mut State, call: &mut Call, id: &str, merge_id: &str) -> Result<Answer, Problem> {
    let change: MergeFieldChange =
        serde_json::from_value(call.take_body()?).map_err(|error| Problem::invalid_field("", error.to_string()))?;
    let (audience, ..) = state.audience_mut(id)?;
    let number = find(&audience.merge_fields, merge_id)?.merge_id;
    audience.change_merge_field(number, change).map_err(|error| Problem::invalid(vec![error]))?;
    one(state, call, id, merge_id)
}

/// `DELETE /lists/{id}/merge-fields/{merge_id}`: the values are lost.
pub(super) fn delete(state: &mut State, id: &str, merge_id: &str) -> Result<Answer, Problem> {
    let (audience, ..) = state.audience_mut(id)?;
    let tag = find(&audience.merge_fields, merge_id)?.tag.clone();
    audience.remove_merge_field(&tag);
    Ok(Answer::nothing())
}

fn find<'a>(fields: &'a [MergeField], merge_id: &str) -> Result<&'a MergeField, Problem> {
    let number: u32 = merge_id.parse().map_err(|_| Problem::not_found())?;
    fields.iter().find(|field| field.merge_id == number).ok_or_else(Problem::not_found)
}
