//! Audiences, which the API calls lists.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use crate::mailchimp::projection::Projection;
use crate::mailchimp::state::{Audience, AudienceSeed, FieldError, Moment, Problem, Seed, State, Status};
use crate::mailchimp::view::{self, Collection};

/// Audiences the simulated plan allows.
const MAX_AUDIENCES: usize = 100;

/// What a new audience must come with.
const REQUIRED: [&str; 10] = [
    "/name",
    "/contact/company",
    "/contact/address1",
    "/contact/city",
    "/contact/country",
    "/permission_reminder",
    "/campaign_defaults/from_name",
    "/campaign_defaults/from_email",
    "/campaign_defaults/language",
    "/email_type_option",
];

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
                "may_create": may_create(state),
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

/// `POST /lists`. The plan's limit is a switch (MC-45).
pub(super) fn create(state: &mut State, call: &mut Call, now: Moment) -> Result<Answer, Problem> {
    let body = call.take_body()?;
    if !may_create(state) {
        return Err(Problem::new(403, "Forbidden", "The plan of this account does not allow another audience."));
    }
    let missing: Vec<FieldError> = REQUIRED
        .into_iter()
        .filter(|pointer| body.pointer(pointer).is_none_or(|value| value.is_null() || value.as_str() == Some("")))
        .map(|pointer| {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            FieldError::new(field, "This value should not be blank.")
        })
        .collect();
    if !missing.is_empty() {
        return Err(Problem::invalid(missing));
    }
    let seed = AudienceSeed {
        name: body.get("name").and_then(Value::as_str).map(str::to_owned),
        double_optin: body.get("double_optin").and_then(Value::as_bool).unwrap_or_default(),
        ..AudienceSeed::default()
    };
    let planted = state.plant(Seed { audiences: vec![seed] }, now).map_err(Problem::bad_request)?;
    let id = planted.first().ok_or_else(Problem::internal)?;
    one(state, call, id)
}

fn may_create(state: &State) -> bool {
    state.rules.switches.may_create_audiences && state.audiences.len() < MAX_AUDIENCES
}
