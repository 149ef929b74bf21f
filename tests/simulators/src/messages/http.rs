//! The provider port: who calls, whose turn it is, what is applied, and how the answer leaves.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::book::{Act, Asked, Message};
use super::running::Shared;
use super::turns::Turn;
use crate::wire::Wire;

/// A message with all its fields is far smaller; a larger body is a client gone wrong.
const BODY_LIMIT: usize = 1024 * 1024;

/// Everything is one handler: the rules before and after a request are the same for all of them.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(State(shared): State<Arc<Shared>>, ConnectInfo(wire): ConnectInfo<Wire>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let authorised = is_authorised(&shared, &head.headers);
    let asked = Asked::of(head.method.as_str(), head.uri.path()).filter(|_| authorised);
    let turn = asked.map_or(Turn::Answer, |asked| shared.world().turns.take(asked));
    if turn == Turn::ResetBeforeReading {
        shared.note_arrival();
        return cut(&wire);
    }
    // A body is drained even when the request is turned away, so that the client reads its answer
    // rather than an error of its own writing.
    let body = match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(body) => body,
        Err(error) => {
            tracing::debug!(%error, "a request's body did not arrive whole");
            return cut(&wire);
        }
    };
    if !authorised {
        return answer(401, None, &json!({"error": "The key is not one of this account."}));
    }
    let Some(asked) = asked else { return read(&shared, head.method.as_str(), &head.uri) };
    if let Turn::HoldBeforeApplying(pause) = turn {
        shared.note_arrival();
        shared.pause(pause).await;
    }
    let applied = turn.applies().then(|| apply(&shared, asked, &body));
    if !matches!(turn, Turn::HoldBeforeApplying(_)) {
        // The book is written: whoever waits for this finds it there.
        shared.note_arrival();
    }
    match (turn, applied) {
        (
            Turn::ErrorAfterApplying { status, retry_after_s } | Turn::ErrorWithoutApplying { status, retry_after_s },
            _,
        ) => answer(status, retry_after_s, &json!({"error": "Something went wrong."})),
        (Turn::Delay(pause), Some(applied)) => {
            shared.pause(pause).await;
            applied
        }
        (Turn::Answer | Turn::HoldBeforeApplying(_), Some(applied)) => applied,
        (
            Turn::Answer
            | Turn::Delay(_)
            | Turn::HoldBeforeApplying(_)
            | Turn::ResetBeforeReading
            | Turn::ResetAfterReading
            | Turn::ResetAfterApplying,
            _,
        ) => cut(&wire),
    }
}

fn is_authorised(shared: &Shared, headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.strip_prefix("Bearer ").is_some_and(|key| key == shared.api_key)
}

/// The answer to a request that changes nothing.
fn read(shared: &Shared, method: &str, uri: &Uri) -> Response {
    match (method, uri.path()) {
        ("GET", "/account") => answer(200, None, &json!({"name": "Messages"})),
        ("GET", "/templates") => {
            let templates = shared.templates.iter().map(|(id, name)| json!({"id": id, "name": name}));
            answer(200, None, &templates.collect::<Value>())
        }
        ("GET", "/messages") => match Query::<Sought>::try_from_uri(uri) {
            Ok(Query(Sought { effect_key, to })) => {
                let numbers = shared.world().book.numbers(&effect_key, &to);
                let messages = numbers.into_iter().map(|number| json!({"id": message_id(number)}));
                answer(200, None, &messages.collect::<Value>())
            }
            Err(error) => answer(400, None, &json!({"error": format!("The query can't be read: {error}.")})),
        },
        _ => answer(404, None, &json!({"error": "There is nothing here."})),
    }
}

/// The id of a message, by its number in the book.
fn message_id(number: u64) -> String {
    format!("m-{number}")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sought {
    effect_key: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unsubscribe {
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contact {
    address: String,
    #[serde(default)]
    fields: Map<String, Value>,
}

/// Applies what is well formed, which stands in the book when this returns.
fn apply(shared: &Shared, asked: Asked, body: &Bytes) -> Response {
    let act = match asked {
        Asked::Message => parsed(body).and_then(|message: Message| {
            if !shared.templates.iter().any(|(id, _)| *id == message.template) {
                return Err((404, format!("There is no template `{}`.", message.template)));
            }
            addressed(&message.to)?;
            Ok(Act::Message(message))
        }),
        Asked::Unsubscribe => parsed(body).and_then(|Unsubscribe { to }| {
            addressed(&to)?;
            Ok(Act::Unsubscribe { to })
        }),
        Asked::Contact => parsed(body).and_then(|Contact { address, fields }| {
            addressed(&address)?;
            Ok(Act::Contact { address, fields })
        }),
    };
    let act = match act {
        Ok(act) => act,
        Err((status, sentence)) => return answer(status, None, &json!({"error": sentence})),
    };
    let number = shared.world().book.write(act);
    match asked {
        Asked::Message => answer(202, None, &json!({"id": message_id(number)})),
        Asked::Unsubscribe | Asked::Contact => answer(200, None, &json!({})),
    }
}

fn parsed<T: DeserializeOwned>(body: &Bytes) -> Result<T, (u16, String)> {
    serde_json::from_slice(body).map_err(|error| (400, format!("The body can't be read: {error}.")))
}

fn addressed(address: &str) -> Result<(), (u16, String)> {
    if address.contains('@') { Ok(()) } else { Err((422, format!("`{address}` is no address."))) }
}

/// Resets the connection instead of answering.
fn cut(wire: &Wire) -> Response {
    wire.reset();
    Response::default()
}

fn answer(status: u16, retry_after_s: Option<u64>, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    // A status that is none is a mistake of the test, and shows as the server's.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
