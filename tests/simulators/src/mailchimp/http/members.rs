//! Members: one by one, in pages, and in bulk.

use serde_json::Value;

use super::answer::Answer;
use super::call::Call;
use crate::mailchimp::projection::Projection;
use crate::mailchimp::state::{
    ArchivedTwice, At, Audience, BulkRequest, How, Member, MemberWrite, Moment, Problem, Shape, State, Via, Written,
};
use crate::mailchimp::view::{BulkView, Collection, MemberView};

/// `POST /lists/{id}`.
pub(super) fn bulk(state: &mut State, call: &mut Call, list: &str, now: Moment) -> Result<Answer, Problem> {
    let (audience, rules, mint) = state.audience_mut(list)?;
    let mut request = BulkRequest::parse(call.take_body()?)?;
    request.skip_merge_validation = call.flag("skip_merge_validation");
    request.skip_duplicate_check = call.flag("skip_duplicate_check");
    let outcome = audience.bulk(rules, mint, request, now);
    Answer::json(&BulkView { audience, outcome: &outcome, keep: &call.projection() })
}

/// `GET /lists/{id}/members`.
pub(super) fn all(state: &State, call: &Call, list: &str) -> Result<Answer, Problem> {
    let audience = state.audience(list)?;
    let filter = Filter::new(call, state.rules.switches.since_last_changed_inclusive)?;
    let mut matching: Vec<&Member> =
        audience.members().map(|(_, member)| member).filter(|member| filter.admits(member)).collect();
    sort(&mut matching, call)?;
    let (page, total_items) = call.page()?.cut(matching.into_iter());
    let keep = call.projection();
    let below = keep.child("members");
    let items: Vec<MemberView<'_>> =
        page.into_iter().filter_map(|member| below.map(|keep| MemberView { audience, member, keep })).collect();
    Answer::json(&Collection {
        key: "members",
        items,
        total_items,
        list_id: Some(list),
        extra: Vec::new(),
        keep: &keep,
        drops_arrays: state.rules.switches.projection_drops_arrays,
    })
}

struct Filter<'a> {
    status: Option<&'a str>,
    email_type: Option<&'a str>,
    unique_email_id: Option<&'a str>,
    vip_only: bool,
    since_last_changed: Option<Moment>,
    since_is_inclusive: bool,
    before_last_changed: Option<Moment>,
    since_opt: Option<Moment>,
    before_opt: Option<Moment>,
    unsubscribed_since: Option<Moment>,
}

impl<'a> Filter<'a> {
    fn new(call: &'a Call, since_is_inclusive: bool) -> Result<Self, Problem> {
        Ok(Self {
            status: call.param("status"),
            email_type: call.param("email_type"),
            unique_email_id: call.param("unique_email_id"),
            vip_only: call.flag("vip_only"),
            since_last_changed: call.moment("since_last_changed")?,
            since_is_inclusive,
            before_last_changed: call.moment("before_last_changed")?,
            since_opt: call.moment("since_timestamp_opt")?,
            before_opt: call.moment("before_timestamp_opt")?,
            unsubscribed_since: call.moment("unsubscribed_since")?,
        })
    }

    fn admits(&self, member: &Member) -> bool {
        let status = member.shown_status();
        // Archived members are shown only to those who ask for them.
        let in_status = self.status.map_or(!member.archived, |wanted| wanted == status);
        let changed = member.last_changed;
        let since = self
            .since_last_changed
            .is_none_or(|since| changed > since || (self.since_is_inclusive && changed == since));
        let opted_in = |admits: &dyn Fn(Moment) -> bool| member.timestamp_opt.is_some_and(admits);
        in_status
            && since
            && self.before_last_changed.is_none_or(|before| changed < before)
            && self.email_type.is_none_or(|kind| kind == member.email_type.name())
            && self.unique_email_id.is_none_or(|id| id == member.unique_email_id.to_string())
            && (!self.vip_only || member.vip)
            && self.since_opt.is_none_or(|since| opted_in(&|at| at >= since))
            && self.before_opt.is_none_or(|before| opted_in(&|at| at < before))
            && self.unsubscribed_since.is_none_or(|since| status == "unsubscribed" && changed >= since)
    }
}

fn sort(members: &mut [&Member], call: &Call) -> Result<(), Problem> {
    match call.param("sort_field") {
        None | Some("") => {}
        Some("last_changed") => members.sort_by_key(|member| member.last_changed),
        Some("timestamp_opt") => members.sort_by_key(|member| member.timestamp_opt),
        Some("timestamp_signup") => members.sort_by_key(|member| member.timestamp_signup),
        Some(_) => {
            return Err(Problem::invalid_field(
                "sort_field",
                "Value must be one of: timestamp_opt, timestamp_signup, last_changed.",
            ));
        }
    }
    if call.param("sort_dir").is_some_and(|direction| direction.eq_ignore_ascii_case("desc")) {
        members.reverse();
    }
    Ok(())
}

/// `GET /lists/{id}/members/{who}`.
pub(super) fn one(state: &State, call: &Call, list: &str, who: &str) -> Result<Answer, Problem> {
    let audience = state.audience(list)?;
    let index = audience.find(who).ok_or_else(Problem::not_found)?;
    show(audience, index, &call.projection())
}

fn show(audience: &Audience, index: usize, keep: &Projection) -> Result<Answer, Problem> {
    let member = audience.member(index).ok_or_else(Problem::not_found)?;
    Answer::json(&MemberView { audience, member, keep })
}

fn parse(body: Value, shape: Shape) -> Result<MemberWrite, Problem> {
    MemberWrite::parse(body, At::Body, shape).map_err(Problem::invalid)
}

/// `POST /lists/{id}/members`.
pub(super) fn add(state: &mut State, call: &mut Call, list: &str, now: Moment) -> Result<Answer, Problem> {
    let write = parse(call.take_body()?, Shape { tags: true })?;
    let audience = state.audience(list)?;
    let email = write.email.as_deref();
    let existing = email.and_then(|email| audience.find_email(email));
    carry_out(state, call, list, existing, write, Via::Post, now)
}

/// `PUT /lists/{id}/members/{who}`.
pub(super) fn put(state: &mut State, call: &mut Call, list: &str, who: &str, now: Moment) -> Result<Answer, Problem> {
    let mut write = parse(call.take_body()?, Shape { tags: false })?;
    let audience = state.audience(list)?;
    let mut existing = audience.find(who);
    if existing.is_none() {
        if write.email.is_none() && who.contains('@') {
            write.email = Some(who.to_owned());
        }
        let email = write.email.as_deref();
        existing = email.and_then(|email| audience.find_email(email));
    }
    carry_out(state, call, list, existing, write, Via::Put, now)
}

/// `PATCH /lists/{id}/members/{who}`.
pub(super) fn patch(state: &mut State, call: &mut Call, list: &str, who: &str, now: Moment) -> Result<Answer, Problem> {
    let write = parse(call.take_body()?, Shape { tags: false })?;
    let existing = state.audience(list)?.find(who);
    carry_out(state, call, list, existing, write, Via::Patch, now)
}

fn carry_out(
    state: &mut State,
    call: &Call,
    list: &str,
    existing: Option<usize>,
    write: MemberWrite,
    via: Via,
    now: Moment,
) -> Result<Answer, Problem> {
    let mut how = How::via(via, now);
    how.skip_merge_validation = call.flag("skip_merge_validation");
    let (audience, rules, mint) = state.audience_mut(list)?;
    let Written { index, .. } =
        audience.write(rules, mint, existing, write, how).map_err(|(refusal, email)| refusal.into_problem(&email))?;
    show(audience, index, &call.projection())
}

/// `DELETE /lists/{id}/members/{who}` (MC-16).
pub(super) fn archive(state: &mut State, list: &str, who: &str, now: Moment) -> Result<Answer, Problem> {
    let (audience, rules, _) = state.audience_mut(list)?;
    let index = audience.find(who).ok_or_else(Problem::not_found)?;
    if audience.archive(index, now) {
        return Ok(Answer::nothing());
    }
    Err(match rules.switches.archived_twice {
        ArchivedTwice::NotFound => Problem::not_found(),
        ArchivedTwice::MethodNotAllowed => Problem::not_allowed("GET, PUT, PATCH"),
    })
}

/// `POST /lists/{id}/members/{who}/actions/delete-permanent` (MC-17).
pub(super) fn delete_permanent(state: &mut State, list: &str, who: &str) -> Result<Answer, Problem> {
    let (audience, ..) = state.audience_mut(list)?;
    let index = audience.find(who).ok_or_else(Problem::not_found)?;
    audience.forget(index);
    Ok(Answer::nothing())
}
