//! The account itself: the credential check and what the connect dialog shows.

use serde_json::json;

use super::answer::Answer;
use super::call::Call;
use crate::mailchimp::state::{Problem, State, Status};
use crate::mailchimp::view;

/// `GET /ping`.
pub(super) fn ping() -> Result<Answer, Problem> {
    Answer::json(&json!({"health_status": "Everything's Chimpy!"}))
}

/// `GET /`.
pub(super) fn root(state: &State, call: &Call) -> Result<Answer, Problem> {
    let keep = call.projection();
    let audiences = state.audiences.iter();
    let subscribers: usize = if keep.keeps("total_subscribers") {
        audiences.map(|audience| audience.count(Status::Subscribed)).sum()
    } else {
        0
    };
    Answer::json(&keep.prune(json!({
        "account_id": "8d3a3db4d97663a9074efcc16",
        "login_id": "1000001",
        "account_name": "Simulated account",
        "email": "owner@example.com",
        "first_name": "Olga",
        "last_name": "Owner",
        "username": "simulated",
        "avatar_url": "",
        "role": "owner",
        "member_since": "2020-01-01T00:00:00+00:00",
        "pricing_plan_type": "monthly",
        "first_payment": "2020-02-01T00:00:00+00:00",
        "account_timezone": "Europe/Prague",
        "account_industry": "Travel and Transportation",
        "contact": {
            "company": "Simulated account", "addr1": "Long Street 1", "addr2": "", "city": "Brno",
            "state": "JM", "zip": "60200", "country": "CZ",
        },
        "pro_enabled": false,
        "last_login": "2024-05-01T10:00:00+00:00",
        "total_subscribers": subscribers,
        "industry_stats": {"open_rate": 0.2, "bounce_rate": 0.01, "click_rate": 0.02},
        "_links": view::links("/"),
    })))
}
