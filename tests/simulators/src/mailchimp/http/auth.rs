//! Who is calling (MC-01, MC-02, MC-04).

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::mailchimp::state::{Problem, WrongDatacenter};
use crate::mailchimp::world::Shared;

/// Lets the request in, or says why not. Basic takes the key as its password with any user name;
/// `Bearer` and `OAuth` take the key or one of the tokens.
pub(super) fn check(shared: &Shared, headers: &HeaderMap) -> Result<(), Problem> {
    let value =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default();
    if value.is_empty() {
        return Err(Problem::key_missing());
    }
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim();
    let presented = if scheme.eq_ignore_ascii_case("basic") {
        password(rest).ok_or_else(Problem::key_invalid)?
    } else if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth") {
        if shared.access_tokens.iter().any(|token| token == rest) {
            return still_valid(shared);
        }
        rest.to_owned()
    } else {
        return Err(Problem::key_invalid());
    };
    if presented.is_empty() {
        return Err(Problem::key_missing());
    }
    if presented == shared.api_key {
        return still_valid(shared);
    }
    let names_another_centre = match (presented.rsplit_once('-'), shared.api_key.rsplit_once('-')) {
        (Some((digits, _)), Some((own, _))) => digits == own,
        _ => false,
    };
    let policy = shared.world().state.rules.switches.wrong_datacenter;
    if names_another_centre && policy == WrongDatacenter::Forbidden {
        return Err(Problem::wrong_datacenter());
    }
    Err(Problem::key_invalid())
}

fn still_valid(shared: &Shared) -> Result<(), Problem> {
    if shared.world().state.key_valid { Ok(()) } else { Err(Problem::key_invalid()) }
}

fn password(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (_user, password) = decoded.split_once(':')?;
    Some(password.to_owned())
}
