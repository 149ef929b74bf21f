//! Secrets and how each is put on a request.
//!
//! A credential is bound to the label of one origin. It becomes a header value once, when the
//! account is opened, and joins a request after everything a plugin controls is final.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::error::EgressError;
use crate::headers::{is_forbidden, text_value};

/// The value of a slot. Wiped from memory when dropped; printing it shows the slot's name.
///
/// Copies that a request needs live as long as the account is open (the HTTP client's header value
/// and the redaction automaton): zeroing is a precaution, not a promise.
#[derive(Clone)]
pub struct Secret {
    slot: String,
    value: Zeroizing<String>,
}

impl Secret {
    /// A secret for the slot of this name.
    #[must_use]
    pub fn new(slot: impl Into<String>, value: impl Into<Zeroizing<String>>) -> Self {
        Self { slot: slot.into(), value: value.into() }
    }

    /// The slot's name, which is no secret.
    #[must_use]
    pub fn slot(&self) -> &str {
        &self.slot
    }

    pub(crate) fn expose(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secret").field(&self.slot).finish()
    }
}

/// How a secret is put on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotKind {
    /// `Authorization: Basic …`, the secret as the password.
    Basic {
        /// The user name, without a colon. Providers that look at the key only take any.
        username: String,
    },
    /// `Authorization: Bearer …`.
    Bearer,
    /// The secret as the value of a header of its own.
    Header {
        /// The header's name.
        name: String,
    },
}

/// A secret, how it is sent, and the only origin it is sent to.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The value and the slot's name.
    pub secret: Secret,
    /// How it is put on a request.
    pub kind: SlotKind,
    /// The label of the origin.
    pub origin: String,
}

/// What a credential looks like on the wire.
pub(crate) struct Injection {
    pub(crate) name: HeaderName,
    /// Marked sensitive.
    pub(crate) value: HeaderValue,
    /// The encoded part that differs from the raw secret, for redaction.
    pub(crate) encoded: Option<Zeroizing<String>>,
}

impl Credential {
    /// The header this becomes.
    pub(crate) fn injection(&self) -> Result<Injection, EgressError> {
        let secret = self.secret.expose();
        if secret.is_empty() {
            return Err(self.refuse("it is empty. Set it again."));
        }
        let (name, text, encoded) = match &self.kind {
            SlotKind::Basic { username } => {
                if username.contains(':') {
                    return Err(self.refuse("its user name contains a colon, which Basic cannot carry."));
                }
                let pair = Zeroizing::new(format!("{username}:{secret}"));
                let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
                let text = Zeroizing::new(format!("Basic {}", encoded.as_str()));
                (AUTHORIZATION, text, Some(encoded))
            }
            SlotKind::Bearer => (AUTHORIZATION, Zeroizing::new(format!("Bearer {secret}")), None),
            SlotKind::Header { name } => (self.own_header(name)?, Zeroizing::new(secret.to_owned()), None),
        };
        let mut value = text_value(&text).ok_or_else(|| {
            self.refuse(
                "it contains characters that a header cannot carry, such as a line break. Copy it \
                 again without anything around it.",
            )
        })?;
        value.set_sensitive(true);
        Ok(Injection { name, value, encoded })
    }

    fn own_header(&self, name: &str) -> Result<HeaderName, EgressError> {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| self.refuse("its header has an impossible name; the plugin has to change."))?;
        if is_forbidden(&parsed) && parsed != AUTHORIZATION {
            return Err(self.refuse("its header belongs to the host; the plugin has to change."));
        }
        Ok(parsed)
    }

    fn refuse(&self, problem: &str) -> EgressError {
        EgressError::Credential { slot: self.secret.slot.clone(), problem: problem.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(kind: SlotKind, value: &str) -> Credential {
        Credential { secret: Secret::new("api-key", value.to_owned()), kind, origin: "api".to_owned() }
    }

    #[test]
    fn basic_is_encoded_and_sensitive() {
        let made = credential(SlotKind::Basic { username: "Aladdin".into() }, "open sesame").injection().unwrap();
        assert_eq!(made.name, AUTHORIZATION);
        // The example of RFC 7617.
        assert_eq!(made.value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(made.value.is_sensitive());
        assert_eq!(made.encoded.unwrap().as_str(), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn bearer_and_own_header() {
        let bearer = credential(SlotKind::Bearer, "t0ken").injection().unwrap();
        assert_eq!(bearer.value, "Bearer t0ken");
        let own = credential(SlotKind::Header { name: "X-Api-Key".into() }, "k").injection().unwrap();
        assert_eq!((own.name.as_str(), own.value.to_str().unwrap()), ("x-api-key", "k"));
    }

    #[test]
    fn impossible_credentials_are_refused_without_showing_them() {
        for (kind, value) in [
            (SlotKind::Bearer, "sesame\r\nX-Evil: 1"),
            (SlotKind::Bearer, "sesame\n"),
            (SlotKind::Bearer, "sesamé sesame"),
            (SlotKind::Bearer, ""),
            (SlotKind::Basic { username: "a:b".into() }, "sesame"),
            (SlotKind::Header { name: "Host".into() }, "sesame"),
            (SlotKind::Header { name: "X-Forwarded-For".into() }, "sesame"),
            (SlotKind::Header { name: "no good".into() }, "sesame"),
        ] {
            let error = credential(kind, value).injection().err().unwrap().to_string();
            assert!(error.contains("api-key") && !error.contains("sesame"), "{error}");
        }
    }

    #[test]
    fn debug_shows_the_slot_only() {
        let shown = format!("{:?}", credential(SlotKind::Bearer, "sesame"));
        assert!(shown.contains("api-key") && !shown.contains("sesame"), "{shown}");
    }
}
