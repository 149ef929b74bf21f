//! Audiences, which the API calls lists, and their merge fields.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use crate::mailchimp::projection::Projection;
use crate::mailchimp::state::{Audience, FieldError, NewMergeField, Problem, State, Status};
use crate::mailchimp::view::{self, Collection};

/// Audiences the simulated plan allows.
const MAX_AUDIENCES: usize = 100;

/// `GET /lists`.
pub(super) fn all(state: &State, call: &Call) -> Result<Answer, Problem> {
    let keep = call.projection();
    let email = call.param("email").filter(|email| !email.is_empty());
    let matching = state.audiences.iter().filter(|audience| {
        let member = email.map(|email| {
            let index = audience.find_email(email);
            index.and_then(|index| audience.member(index))
        });
        // Without the parameter every audience matches.
        member.is_none_or(|member| member.is_some_and(|member| !member.archived))
    });
    let (page, total_items) = call.page()?.cut(matching);
    let below = keep.child("lists");
    let items = page.into_iter().filter_map(|audience| below.map(|keep| list(audience, keep))).collect();
    Answer::json(&Collection {
        key: "lists",
        items,
        total_items,
        list_id: None,
        extra: vec![(
            "constraints",
            json!({
                "may_create": state.audiences.len() < MAX_AUDIENCES,
                "max_instances": MAX_AUDIENCES,
                "current_total_instances": state.audiences.len(),
            }),
        )],
        keep: &keep,
        drops_arrays: state.rules.switches.projection_drops_arrays,
    })
}

/// `GET /lists/{id}`.
pub(super) fn one(state: &State, call: &Call, id: &str) -> Result<Answer, Problem> {
    Answer::json(&list(state.audience(id)?, &call.projection()))
}

fn list(audience: &Audience, keep: &Projection) -> Value {
    // Counting goes over all members: only when it is asked for.
    let stats = if keep.keeps("stats") { stats(audience) } else { Value::Null };
    keep.prune(json!({
        "id": audience.id,
        "web_id": audience.web_id,
        "name": audience.name,
        "contact": {
            "company": "Simulated account", "address1": "Long Street 1", "address2": "",
            "city": "Brno", "state": "JM", "zip": "60200", "country": "CZ", "phone": "",
        },
        "permission_reminder": "You stayed with us.",
        "use_archive_bar": true,
        "campaign_defaults": {
            "from_name": "Simulated account", "from_email": "owner@example.com",
            "subject": "", "language": "en",
        },
        "notify_on_subscribe": "",
        "notify_on_unsubscribe": "",
        "date_created": audience.created,
        "list_rating": 0,
        "email_type_option": false,
        "subscribe_url_short": "",
        "subscribe_url_long": "",
        "beamer_address": "",
        "visibility": "prv",
        "double_optin": audience.double_optin,
        "has_welcome": false,
        "marketing_permissions": false,
        "modules": [],
        "stats": stats,
        "_links": view::links(&format!("/lists/{}", audience.id)),
    }))
}

fn stats(audience: &Audience) -> Value {
    json!({
        "member_count": audience.count(Status::Subscribed),
        "total_contacts": audience.count_contacts(),
        "unsubscribe_count": audience.count(Status::Unsubscribed),
        "cleaned_count": audience.count(Status::Cleaned),
        "member_count_since_send": 0,
        "unsubscribe_count_since_send": 0,
        "cleaned_count_since_send": 0,
        "campaign_count": 0,
        "campaign_last_sent": "",
        "merge_field_count": audience.merge_fields.len(),
        "avg_sub_rate": 0,
        "avg_unsub_rate": 0,
        "target_sub_rate": 0,
        "open_rate": 0,
        "click_rate": 0,
        "last_sub_date": "",
        "last_unsub_date": "",
    })
}

/// `GET /lists/{id}/merge-fields`.
pub(super) fn merge_fields(state: &State, call: &Call, id: &str) -> Result<Answer, Problem> {
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
pub(super) fn merge_field(state: &State, call: &Call, id: &str, merge_id: &str) -> Result<Answer, Problem> {
    let audience = state.audience(id)?;
    let fields = &mut audience.merge_fields.iter();
    let field = fields.find(|field| field.merge_id.to_string() == merge_id).ok_or_else(Problem::not_found)?;
    let keep = call.projection();
    Answer::json(&keep.prune(view::merge_field(audience, field)))
}

/// `POST /lists/{id}/merge-fields`.
pub(super) fn add_merge_field(state: &mut State, call: &mut Call, id: &str) -> Result<Answer, Problem> {
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
    merge_field(state, call, id, &merge_id.to_string())
}
