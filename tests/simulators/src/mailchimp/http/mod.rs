//! The provider port. Each request goes through the same gates: key, slot, fault, latency; then it is
//! applied and written down under one lock; then its answer leaves, whole or as the fault says.

mod account;
mod answer;
mod auth;
mod call;
mod lists;
mod members;
mod merge_fields;
mod routes;
mod segments;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use bytes::Bytes;

use self::answer::{Answer, Delivery};
use self::call::Call;
use super::state::{Act, Problem};
use super::world::{Shared, World, wall_clock_ms};
use crate::book::{Entry, Kind};
use crate::faults::{Fault, Struck};
use crate::wire::Wire;

/// More than 500 members with every field filled; a larger body is a client gone wrong.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// Everything is one handler: the rules before and after a request are the same for all of them.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(State(shared): State<Arc<Shared>>, ConnectInfo(wire): ConnectInfo<Wire>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut call = Call::from_head(&head);

    let authorised = auth::check(&shared, &head.headers);
    let mut slot = None;
    if authorised.is_ok() {
        let keeps = shared.world().state.rules.switches.aborted_call_keeps_slot;
        slot = shared.gate.enter(keeps.then_some(shared.aborted_slot_hold));
    }
    let struck = if slot.is_some() { shared.world().faults.strike(&call.method, &call.path) } else { None };
    let fault = struck.as_ref().map(|struck| struck.fault);

    // A body is drained even when the request is turned away, so that the client reads its answer
    // rather than an error of its own writing.
    let body = match fault {
        Some(Fault::ResetBeforeReading) => Bytes::new(),
        _ => match axum::body::to_bytes(body, BODY_LIMIT).await {
            Ok(bytes) => bytes,
            Err(error) => {
                // The client went away, or sent more than anybody should: nobody waits for an answer,
                // and the slot counts as abandoned.
                tracing::debug!(%error, path = call.path, "a request's body did not arrive whole");
                drop(slot);
                wire.reset();
                return Reply::default();
            }
        },
    };

    let turned_away = match (&authorised, &slot, &struck) {
        (Err(problem), ..) => Some(Answer::problem(problem)),
        (Ok(()), None, _) => Some(Answer::problem(&Problem::too_many_requests(shared.gate.limit()))),
        (Ok(()), Some(_), Some(struck)) => {
            change_account(&mut shared.world(), &call, struck);
            Answer::instead(struck, shared.gate.limit())
        }
        (Ok(()), Some(_), None) => None,
    };
    let lasts = Duration::from_millis(struck.as_ref().map_or(0, |struck| struck.ms));
    let answer = match turned_away {
        Some(answer) => {
            let mut world = shared.world();
            record(&mut world, &call, &body, &answer, fault, false);
            answer
        }
        None => {
            call.read_body(&body);
            let latency = shared.world().state.rules.switches.latency_ms;
            shared.pause(Duration::from_millis(latency)).await;
            match fault {
                Some(Fault::HoldMs) => shared.pause(lasts).await,
                Some(Fault::PartlyApplied) => call.halve(),
                _ => {}
            }
            let mut world = shared.world();
            let now = world.now();
            let answer =
                routes::dispatch(&mut world.state, &mut call, now).unwrap_or_else(|problem| Answer::problem(&problem));
            record(&mut world, &call, &body, &answer, fault, true);
            answer
        }
    };

    let delivery = match fault {
        Some(Fault::ResetBeforeReading | Fault::ResetAfterApplying) => {
            wire.reset();
            Delivery::Whole
        }
        Some(Fault::StallMs) => {
            shared.pause(lasts).await;
            Delivery::Whole
        }
        Some(Fault::ErrorAfterApplying | Fault::PartlyApplied) => {
            return Answer::problem(&Problem::internal()).deliver(slot, Delivery::Whole);
        }
        Some(Fault::TruncateBody) => Delivery::Half,
        Some(
            Fault::Bare403
            | Fault::Bare503
            | Fault::Problem500
            | Fault::Rate429
            | Fault::HoldMs
            | Fault::RevokeKey
            | Fault::DeleteAudience
            | Fault::DeleteMergeField,
        )
        | None => Delivery::Whole,
    };
    answer.deliver(slot, delivery)
}

/// Lets somebody act in the account just before a request arrives, where that is the fault.
fn change_account(world: &mut World, call: &Call, struck: &Struck) {
    let act = match (struck.fault, call.audience(), struck.name.clone()) {
        (Fault::RevokeKey, ..) => Act::RevokeKey {},
        (Fault::DeleteAudience, Some(audience), _) => Act::DeleteAudience { audience },
        (Fault::DeleteMergeField, Some(audience), Some(tag)) => Act::DeleteMergeField { audience, tag },
        _ => return,
    };
    let now = world.now();
    if let Err(error) = world.state.act(act, now) {
        // A rule that strikes twice finds its work done.
        tracing::debug!(%error, "a fault had nothing to change");
    }
}

fn record(world: &mut World, call: &Call, body: &Bytes, answer: &Answer, fault: Option<Fault>, accepted: bool) {
    let keeps_body = world.state.rules.switches.book_bodies;
    world.book.record(Entry {
        seq: 0,
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query_text.clone(),
        kind: Kind::of(&call.method),
        status: answer.status,
        body: keeps_body.then(|| body.clone()),
        at_ms: wall_clock_ms(),
        accepted,
        fault,
    });
}

/// The type of a response's body everywhere in this module.
type Reply = Response<Body>;
