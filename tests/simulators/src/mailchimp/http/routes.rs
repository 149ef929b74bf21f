//! Which path is answered by what.

use super::answer::Answer;
use super::call::Call;
use super::{account, lists, members, merge_fields, segments};
use crate::mailchimp::state::{Moment, Problem, State};

/// Answers `call` from `state`, changing it if the call says so.
pub(super) fn dispatch(state: &mut State, call: &mut Call, now: Moment) -> Result<Answer, Problem> {
    let segments = call.segments()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = call.method.clone();
    let not_allowed = |allow| Err(Problem::not_allowed(allow));
    match segments.as_slice() {
        [] => match method.as_str() {
            "GET" => account::root(state, call),
            _ => not_allowed("GET"),
        },
        ["ping"] => match method.as_str() {
            "GET" => account::ping(),
            _ => not_allowed("GET"),
        },
        ["lists"] => match method.as_str() {
            "GET" => lists::all(state, call),
            "POST" => lists::create(state, call, now),
            _ => not_allowed("GET, POST"),
        },
        ["lists", list] => match method.as_str() {
            "GET" => lists::one(state, call, list),
            "POST" => members::bulk(state, call, list, now),
            _ => not_allowed("GET, POST"),
        },
        ["lists", list, rest @ ..] => {
            state.audience(list)?;
            within_list(state, call, now, list, rest)
        }
        _ => Err(Problem::not_found()),
    }
}

fn within_list(state: &mut State, call: &mut Call, now: Moment, list: &str, rest: &[&str]) -> Result<Answer, Problem> {
    let method = call.method.clone();
    let not_allowed = |allow| Err(Problem::not_allowed(allow));
    match rest {
        ["merge-fields"] => match method.as_str() {
            "GET" => merge_fields::all(state, call, list),
            "POST" => merge_fields::add(state, call, list),
            _ => not_allowed("GET, POST"),
        },
        ["merge-fields", id] => match method.as_str() {
            "GET" => merge_fields::one(state, call, list, id),
            "PATCH" => merge_fields::change(state, call, list, id),
            "DELETE" => merge_fields::delete(state, list, id),
            _ => not_allowed("GET, PATCH, DELETE"),
        },
        ["members"] => match method.as_str() {
            "GET" => members::all(state, call, list),
            "POST" => members::add(state, call, list, now),
            _ => not_allowed("GET, POST"),
        },
        ["members", who] => match method.as_str() {
            "GET" => members::one(state, call, list, who),
            "PUT" => members::put(state, call, list, who, now),
            "PATCH" => members::patch(state, call, list, who, now),
            "DELETE" => members::archive(state, list, who, now),
            _ => not_allowed("GET, PUT, PATCH, DELETE"),
        },
        ["members", who, "actions", "delete-permanent"] => match method.as_str() {
            "POST" => members::delete_permanent(state, list, who),
            _ => not_allowed("POST"),
        },
        ["members", who, "tags"] => match method.as_str() {
            "GET" => segments::member_tags(state, call, list, who),
            "POST" => segments::set_member_tags(state, call, list, who, now),
            _ => not_allowed("GET, POST"),
        },
        ["tag-search"] => match method.as_str() {
            "GET" => segments::tag_search(state, call, list),
            _ => not_allowed("GET"),
        },
        ["segments"] => match method.as_str() {
            "GET" => segments::all(state, call, list),
            "POST" => segments::create(state, call, list, now),
            _ => not_allowed("GET, POST"),
        },
        ["segments", id] => match method.as_str() {
            "GET" => segments::one(state, call, list, id),
            "POST" => segments::batch(state, call, list, id, now),
            "PATCH" => segments::change(state, call, list, id, now),
            "DELETE" => segments::delete(state, list, id),
            _ => not_allowed("GET, POST, PATCH, DELETE"),
        },
        ["segments", id, "members"] => match method.as_str() {
            "GET" => segments::members(state, call, list, id),
            "POST" => segments::add_member(state, call, list, id, now),
            _ => not_allowed("GET, POST"),
        },
        ["segments", id, "members", who] => match method.as_str() {
            "DELETE" => segments::remove_member(state, list, id, who, now),
            _ => not_allowed("DELETE"),
        },
        _ => Err(Problem::not_found()),
    }
}
