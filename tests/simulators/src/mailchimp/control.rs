//! The control port: looking inside, playing the contacts' and the operators' parts, and setting what
//! goes wrong. Every path begins with the token: `/{token}/book`, `/{token}/state` and so on.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::state::{Act, Moment, Seed, Switches};
use super::state_dump::{StateDump, StateFilter};
use super::world::Shared;
use crate::book::Filter;
use crate::faults::FaultRule;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/{token}/book", get(book).delete(clear_book))
        .route("/{token}/requests", get(book))
        .route("/{token}/state", get(state))
        .route("/{token}/seed", post(seed))
        .route("/{token}/act", post(act))
        .route("/{token}/switches", get(switches).put(set_switches))
        .route("/{token}/faults", get(faults).put(set_faults))
        .route("/{token}/clock", put(set_clock))
        .route("/{token}/connections", get(connections))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "There is no such control endpoint.") })
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), check_token))
        .with_state(shared)
}

async fn check_token(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if request.uri().path().split('/').nth(1) == Some(shared.control_token.as_str()) {
        return next.run(request).await;
    }
    refuse(
        StatusCode::UNAUTHORIZED,
        "The control address must begin with the token; use the control_url the simulator printed.",
    )
}

fn refuse(status: StatusCode, sentence: &str) -> Response {
    (status, Json(json!({"error": sentence}))).into_response()
}

/// A body that does not parse, told as a sentence instead of plain text.
type Body<T> = Result<Json<T>, JsonRejection>;

fn unreadable(rejection: &JsonRejection) -> Response {
    refuse(StatusCode::BAD_REQUEST, &rejection.body_text())
}

/// `GET book`, `GET requests?writes=true&after=SEQ&all=true`.
async fn book(State(shared): State<Arc<Shared>>, Path(_token): Path<String>, Query(filter): Query<Filter>) -> Response {
    let entries = shared.world().book.select(filter);
    let entries: Vec<_> = entries.iter().map(AsRef::as_ref).collect();
    Json(json!({"requests": entries})).into_response()
}

/// `DELETE book`: the requests, not what they did.
async fn clear_book(State(shared): State<Arc<Shared>>) -> Response {
    shared.world().book.clear();
    Json(json!({})).into_response()
}

/// `GET state?audience=ID&email=ADDRESS&members=false`.
async fn state(State(shared): State<Arc<Shared>>, Query(filter): Query<StateFilter>) -> Response {
    let dump = {
        let world = shared.world();
        serde_json::to_vec(&StateDump { state: &world.state, filter: &filter })
    };
    match dump {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// `POST seed`.
async fn seed(State(shared): State<Arc<Shared>>, body: Body<Seed>) -> Response {
    let seed = match body {
        Ok(Json(seed)) => seed,
        Err(rejection) => return unreadable(&rejection),
    };
    let mut world = shared.world();
    let now = world.now();
    match world.state.plant(seed, now) {
        Ok(ids) => Json(json!({"audiences": ids})).into_response(),
        Err(sentence) => refuse(StatusCode::BAD_REQUEST, &sentence),
    }
}

/// `POST act`.
async fn act(State(shared): State<Arc<Shared>>, body: Body<Act>) -> Response {
    let act = match body {
        Ok(Json(act)) => act,
        Err(rejection) => return unreadable(&rejection),
    };
    let mut world = shared.world();
    let now = world.now();
    match world.state.act(act, now) {
        Ok(()) => Json(json!({})).into_response(),
        Err(error) => refuse(StatusCode::CONFLICT, &error.to_string()),
    }
}

/// `GET switches`.
async fn switches(State(shared): State<Arc<Shared>>) -> Response {
    Json(&shared.world().state.rules.switches).into_response()
}

/// `PUT switches`: only the named ones change.
async fn set_switches(State(shared): State<Arc<Shared>>, body: Body<Map<String, Value>>) -> Response {
    let changes = match body {
        Ok(Json(changes)) => changes,
        Err(rejection) => return unreadable(&rejection),
    };
    let mut world = shared.world();
    let mut settings = json!(world.state.rules.switches);
    if let Value::Object(map) = &mut settings {
        map.extend(changes);
    }
    match serde_json::from_value::<Switches>(settings) {
        Ok(switches) => {
            world.state.rules.switches = switches;
            Json(&world.state.rules.switches).into_response()
        }
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

/// `GET faults`.
async fn faults(State(shared): State<Arc<Shared>>) -> Response {
    Json(json!({"rules": shared.world().faults.list()})).into_response()
}

/// `PUT faults`: a list of rules that replaces the present ones.
async fn set_faults(State(shared): State<Arc<Shared>>, body: Body<Vec<FaultRule>>) -> Response {
    let rules = match body {
        Ok(Json(rules)) => rules,
        Err(rejection) => return unreadable(&rejection),
    };
    let mut world = shared.world();
    match world.faults.set(rules) {
        Ok(()) => Json(json!({"rules": world.faults.list()})).into_response(),
        Err(sentence) => refuse(StatusCode::BAD_REQUEST, &sentence),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    /// The time it is from now on; `null` lets the machine's clock run again.
    now: Option<Moment>,
}

/// `PUT clock`.
async fn set_clock(State(shared): State<Arc<Shared>>, body: Body<Clock>) -> Response {
    match body {
        Ok(Json(clock)) => {
            shared.world().stopped_clock = clock.now;
            Json(json!({})).into_response()
        }
        Err(rejection) => unreadable(&rejection),
    }
}

/// `GET connections`: how many requests are in progress, and how many slots departed clients hold.
async fn connections(State(shared): State<Arc<Shared>>) -> Response {
    Json(json!({
        "in_progress": shared.gate.taken(),
        "abandoned": shared.gate.abandoned(),
        "limit": shared.gate.limit(),
    }))
    .into_response()
}
