//! What Mailchimp's refusals mean.
//!
//! A refusal is read once, as a [`Problem`] or as the per-contact error of a bulk write, and
//! judged here and nowhere else: either it ends the call ([`Problem::as_call`]) or it is a
//! contact's [`Fault`]. Titles are compared without blanks and case, because the glossary and the
//! live API spell them differently; `type` is never looked at, because it is missing just where it
//! would matter (MC-12).

use postroom_sdk::errors as sdk;
use postroom_sdk::http::Reply;
use postroom_sdk::prelude::*;

use crate::wire::{BulkError, FieldError, ProblemBody};

/// How much of Mailchimp's wording goes into a message, in characters: enough for its longest
/// documented sentence twice over.
const LONGEST_DETAIL: usize = 400;

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) struct Problem {
    status: u16,
    retry_after_ms: Option<u64>,
    /// Mailchimp's title as it stands; empty when a proxy answered in its place.
    title: String,
    detail: String,
    errors: Vec<(String, String)>,
}

/// What is wrong with one contact.
#[derive(Debug, PartialEq)]
pub(crate) enum Fault {
    /// The address is a member already (MC-08, MC-24).
    Exists(String),
    /// The contact's own will, or its erasure, keeps it out (MC-12, MC-17).
    Blocked(ConsentBlockUntil, String),
    /// Mailchimp does not take the address (MC-19).
    Address(String),
    /// The address was signed up too often elsewhere.
    Throttled(String),
    /// These merge fields are refused (MC-20, MC-22). Without names, Mailchimp did not say which.
    Fields(Vec<String>, String),
    /// There is no such member.
    Missing(String),
    /// Anything else.
    Other(String),
}

/// The reply, if it is a success; otherwise what its problem means for the call.
pub(crate) fn accepted(reply: Reply) -> Result<Reply, ProviderError> {
    if reply.is_success() { Ok(reply) } else { Err(Problem::of(&reply).as_call()) }
}

/// The same error, where the call as a whole finds out what the lost request has done: the request
/// itself may not be repeated blindly, the call may.
pub(crate) fn found_out_by_repeating(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Other(lost) if matches!(lost.detail.code.as_str(), "interrupted" | "timed-out") => {
            sdk::unavailable(None, &lost.detail.code, lost.detail.message)
        }
        error => error,
    }
}

impl Problem {
    /// The problem that a reply tells of.
    pub(crate) fn of(reply: &Reply) -> Self {
        Self::read(reply.status(), reply.body(), reply.retry_after_ms())
    }

    fn read(status: u16, body: &[u8], retry_after_ms: Option<u64>) -> Self {
        let body: ProblemBody = serde_json::from_slice(body).unwrap_or_default();
        let pair = |error: FieldError| (error.field, shortened(&error.message));
        Self {
            status,
            retry_after_ms,
            title: body.title,
            detail: shortened(&body.detail),
            errors: body.errors.into_iter().map(pair).collect(),
        }
    }

    /// Whether it is about what the request says of one contact, and not about the call.
    pub(crate) fn is_about_content(&self) -> bool {
        match self.status {
            400 => !matches!(self.kind().as_str(), "jsonparseerror" | "invalidaction"),
            404 => true,
            _ => false,
        }
    }

    /// What it means for the whole call.
    pub(crate) fn as_call(&self) -> ProviderError {
        let code = self.code();
        let message = self.sentence();
        let unspoken = self.title.is_empty() && self.detail.is_empty();
        match (self.status, self.kind().as_str()) {
            (401, _) => sdk::auth_lost(&code, message + " Check the account's API key."),
            // A front proxy refuses without a word of Mailchimp's when it is overrun (MC-33).
            (403, _) if unspoken => sdk::unavailable(self.retry_after_ms, &code, message),
            (403, _) => sdk::auth_lost(&code, message + " Check the account at Mailchimp."),
            (503, "compliancerelated") => {
                sdk::auth_lost(&code, message + " Mailchimp has suspended the account; only its owner can settle that.")
            }
            (402, _) => sdk::quota(&code, message),
            (404, _) => sdk::not_found(&code, message + " Check at Mailchimp that the audience is still there."),
            (400, "invalidaction") | (409, _) => sdk::conflict(&code, message),
            (429, _) => sdk::rate_limited(self.retry_after_ms, &code, message),
            (408 | 500..=599, _) => sdk::unavailable(self.retry_after_ms, &code, message),
            (400..=499, _) => sdk::invalid_request(&code, message),
            _ => sdk::other(&code, message, false),
        }
    }

    /// What it means for the one contact that the request was about.
    pub(crate) fn as_fault(&self) -> Fault {
        if self.status == 404 {
            return Fault::Missing("The contact is not a member of the audience.".to_owned());
        }
        match self.kind().as_str() {
            "memberexists" => return Fault::Exists(self.detail.clone()),
            "memberincompliancestate" => {
                return Fault::Blocked(ConsentBlockUntil::ContactActs, self.detail.clone());
            }
            "forgottenemailnotsubscribed" => {
                return Fault::Blocked(ConsentBlockUntil::Forever, self.detail.clone());
            }
            _ => {}
        }
        let spoken = Fault::of_text(&self.detail);
        if !matches!(spoken, Fault::Other(_)) {
            return spoken;
        }
        let errors = self.errors.iter().map(|(field, message)| Fault::of_field(field, message));
        Fault::first_of(errors).unwrap_or(spoken)
    }

    /// Whether two problems say the same, so that the request is to blame rather than what differs
    /// between its contacts.
    pub(crate) fn says_the_same_as(&self, other: &Self) -> bool {
        let words = |problem: &Self| {
            let messages = problem.errors.iter().map(|(_, message)| message.clone());
            (problem.status, problem.kind(), problem.detail.clone(), messages.collect::<Vec<_>>())
        };
        words(self) == words(other)
    }

    fn kind(&self) -> String {
        let letters = self.title.chars().filter(|letter| !letter.is_whitespace());
        letters.collect::<String>().to_lowercase()
    }

    fn code(&self) -> String {
        match self.kind() {
            kind if kind.is_empty() => format!("http-{}", self.status),
            kind => kind,
        }
    }

    fn sentence(&self) -> String {
        let mut sentence = format!("Mailchimp answered with HTTP {}", self.status);
        for part in [&self.title, &self.detail] {
            if !part.is_empty() {
                sentence.push_str(": ");
                sentence.push_str(part.trim_end_matches('.'));
            }
        }
        for (field, message) in &self.errors {
            sentence.push_str(&format!("; {field}: {}", message.trim_end_matches('.')));
        }
        sentence.push('.');
        sentence
    }
}

impl Fault {
    /// The fault of a contact that a bulk write refused, for all reasons given together.
    pub(crate) fn of_bulk(errors: &[BulkError]) -> Self {
        let faults = errors.iter().map(|error| {
            if error.error_code == "ERROR_CONTACT_EXISTS" {
                return Self::Exists(shortened(&error.error));
            }
            match Self::of_text(&error.error) {
                Self::Other(text) if error.field.is_empty() => Self::Other(text),
                // Only the code and the field tell a refused merge field from the rest.
                Self::Other(text) => {
                    let message = if error.field_message.is_empty() { &text } else { &error.field_message };
                    Self::of_field(&error.field, message)
                }
                fault => fault,
            }
        });
        Self::first_of(faults).unwrap_or_else(|| Self::Other("Mailchimp gave no reason.".to_owned()))
    }

    /// Judges a sentence of Mailchimp's.
    fn of_text(text: &str) -> Self {
        let lower = text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|words| lower.contains(words));
        let text = shortened(text);
        if says(&["compliance state"]) {
            Self::Blocked(ConsentBlockUntil::ContactActs, text)
        } else if says(&["permanently deleted", "cannot be re-imported"]) {
            Self::Blocked(ConsentBlockUntil::Forever, text)
        } else if says(&["signed up to a lot of lists", "too many recent signup requests"]) {
            Self::Throttled(text)
        } else if says(&[
            "looks fake or invalid",
            "provide a valid email",
            "should be a valid email",
            "real email address",
        ]) {
            Self::Address(text)
        } else if says(&["already a list member", "member exists"]) {
            Self::Exists(text)
        } else if says(&["your merge fields were invalid"]) {
            Self::Other(text)
        } else if says(&[
            "please enter a complete address",
            "please enter a month",
            "please enter the date",
            "please enter a value",
        ]) {
            Self::Fields(Vec::new(), text)
        } else {
            Self::Other(text)
        }
    }

    /// Judges what is said of one property of the request.
    fn of_field(field: &str, message: &str) -> Self {
        match Self::of_text(message) {
            Self::Other(_) | Self::Fields(..) if is_address(field) => Self::Address(shortened(message)),
            Self::Other(text) | Self::Fields(_, text) => {
                let names = merge_tag(field).map(str::to_owned);
                Self::Fields(names.into_iter().collect(), text)
            }
            fault => fault,
        }
    }

    /// One fault out of several: the first that leaving out fields can't mend, else all fields.
    fn first_of(faults: impl Iterator<Item = Self>) -> Option<Self> {
        let mut merged: Option<(Vec<String>, String)> = None;
        let mut vague = None;
        for fault in faults {
            match fault {
                Self::Fields(names, message) => match &mut merged {
                    Some((known, _)) => known.extend(names),
                    None => merged = Some((names, message)),
                },
                Self::Other(text) => vague = vague.or(Some(text)),
                decisive => return Some(decisive),
            }
        }
        match merged {
            Some((names, message)) => Some(Self::Fields(names, message)),
            None => vague.map(Self::Other),
        }
    }

    /// What Mailchimp said.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Exists(text)
            | Self::Blocked(_, text)
            | Self::Address(text)
            | Self::Throttled(text)
            | Self::Fields(_, text)
            | Self::Missing(text)
            | Self::Other(text) => text,
        }
    }

    /// The outcome for the contact of this address, which the message is not to show: reports
    /// name contacts, they don't hold their data.
    pub(crate) fn into_outcome(self, address: &str) -> ItemOutcome {
        let message = without_address(self.message(), address);
        match self {
            Self::Exists(_) => ItemOutcome::refused(RejectionClass::Conflict, None, message),
            Self::Blocked(until, _) => ItemOutcome::blocked(until, message),
            Self::Address(_) => ItemOutcome::refused(RejectionClass::InvalidAddress, None, message),
            Self::Throttled(_) => ItemOutcome::refused(RejectionClass::Throttled, None, message),
            Self::Fields(names, _) => {
                let field = names.into_iter().next();
                ItemOutcome::refused(RejectionClass::InvalidField, field, message)
            }
            Self::Missing(_) => ItemOutcome::refused(RejectionClass::Missing, None, message),
            Self::Other(_) => {
                let class = RejectionClass::Other("refused".to_owned());
                ItemOutcome::refused(class, None, message)
            }
        }
    }
}

/// A sentence of Mailchimp's with the contact's address taken out.
pub(crate) fn without_address(text: &str, address: &str) -> String {
    let address = address.trim();
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    // ASCII lower-casing keeps every byte where it is.
    let needle = address.to_ascii_lowercase();
    while let Some(at) = rest.to_ascii_lowercase().find(&needle).filter(|_| !needle.is_empty()) {
        let (before, from) = rest.split_at(at);
        found.push_str(before);
        found.push_str("this address");
        rest = from.get(needle.len()..).unwrap_or_default();
    }
    found.push_str(rest);
    found
}

/// The merge tag that a property's path ends with: `FNAME`, `merge_fields.FNAME` and
/// `members.item:3.merge_fields.ADDRESS.addr1` have been seen.
fn merge_tag(field: &str) -> Option<&str> {
    let tag = match field.rsplit_once("merge_fields.") {
        Some((_, tail)) => tail.split('.').next().unwrap_or(tail),
        None => field,
    };
    let is_tag = !tag.is_empty() && !tag.contains([':', '.', ' ']) && tag != "merge_fields";
    is_tag.then_some(tag)
}

fn is_address(field: &str) -> bool {
    let last = field.rsplit('.').next().unwrap_or(field);
    ["email_address", "email address", "email"].contains(&last.to_lowercase().as_str())
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(LONGEST_DETAIL).collect()
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
