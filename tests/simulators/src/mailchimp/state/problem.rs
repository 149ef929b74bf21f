//! Errors in the provider's words: whole-request problems and per-member refusals.

use serde::Serialize;

/// Detail of a validation error that names its fields.
const SEE_ERRORS: &str =
    "The resource submitted could not be validated. For field-specific details, see the 'errors' array.";
/// Where ordinary problems point. Answers about consent were captured without it.
const GLOSSARY: &str = "https://mailchimp.com/developer/marketing/docs/errors/";

/// One entry of a problem's `errors`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FieldError {
    /// A dotted path into the request's body, or a merge tag.
    pub field: String,
    /// The provider's sentence.
    pub message: String,
}

impl FieldError {
    /// An error about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// A whole-request error: `application/problem+json`.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// Absent in answers about consent (MC-12).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The name a client classifies by.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// One sentence.
    pub detail: String,
    /// An id of the occurrence; the simulator has one for all.
    pub instance: &'static str,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// For 405: the methods that are allowed, sent as the `Allow` header.
    #[serde(skip)]
    pub allow: Option<&'static str>,
}

impl Problem {
    /// A problem with a link to the glossary.
    pub fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: Some(GLOSSARY),
            title,
            status,
            detail: detail.into(),
            instance: "7f1a5c1e-0000-4000-8000-000000000000",
            errors: Vec::new(),
            allow: None,
        }
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "Resource Not Found", "The requested resource could not be found.")
    }

    /// 405 with the methods that would do.
    #[must_use]
    pub fn not_allowed(allow: &'static str) -> Self {
        let mut problem = Self::new(
            405,
            "Method Not Allowed",
            "The requested method and resource are not compatible. See the Allow header for this resource's available methods.",
        );
        problem.allow = Some(allow);
        problem
    }

    /// 400 about fields.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(400, "Invalid Resource", SEE_ERRORS);
        problem.errors = errors;
        problem
    }

    /// 400 about one field.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// 400 whose detail says it all.
    pub fn invalid_detail(detail: impl Into<String>) -> Self {
        Self::new(400, "Invalid Resource", detail)
    }

    /// 400 about a call that makes no sense.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "Bad Request", detail)
    }

    /// 401 without a key (MC-01).
    #[must_use]
    pub fn key_missing() -> Self {
        Self::new(401, "API Key Missing", "Your request did not include an API key.")
    }

    /// 401 with a key that is not (or no longer) one (MC-01, MC-04).
    #[must_use]
    pub fn key_invalid() -> Self {
        Self::new(
            401,
            "API Key Invalid",
            "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
        )
    }

    /// 403 for a key of another data centre (MC-01).
    #[must_use]
    pub fn wrong_datacenter() -> Self {
        Self::new(403, "Wrong Datacenter", "The API key provided is linked to a different datacenter.")
    }

    /// 429 (MC-32). There is never a `Retry-After`.
    #[must_use]
    pub fn too_many_requests(limit: usize) -> Self {
        Self::new(429, "Too Many Requests", format!("You have exceeded the limit of {limit} simultaneous connections."))
    }

    /// 500.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            500,
            "Internal Server Error",
            "An unexpected internal error has occurred. Please contact Support for more information.",
        )
    }

    fn without_type(mut self) -> Self {
        self.kind = None;
        self
    }
}

/// Why a write about one member was not carried out. Nothing of it was applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// No such member.
    NotFound,
    /// POST on, or a rename to, an address that is on the audience (MC-08, MC-18).
    Exists,
    /// A bulk entry for an existing address without `update_existing` (MC-24).
    ExistsInBulk,
    /// The address came before in the same bulk call (MC-24).
    Duplicate,
    /// Only the contact can lift this state (MC-12).
    Compliance,
    /// Permanently deleted (MC-17).
    Forgotten,
    /// Refused as an address (MC-19): the provider's sentence.
    Address(String),
    /// A field of the member other than a merge field.
    Field(FieldError),
    /// Merge fields by tag (MC-20, MC-22).
    MergeFields(Vec<FieldError>),
    /// An interest that does not exist (MC-31).
    UnknownInterest(String),
}

impl Refusal {
    /// The refusal as the answer to a request about this member alone.
    #[must_use]
    pub fn into_problem(self, email: &str) -> Problem {
        let sentence = self.sentence(email);
        match self {
            Self::NotFound => Problem::not_found(),
            Self::Exists | Self::ExistsInBulk => Problem::new(400, "Member Exists", sentence),
            Self::Compliance => Problem::new(400, "Member In Compliance State", sentence).without_type(),
            Self::Forgotten => Problem::new(400, "Forgotten Email Not Subscribed", sentence).without_type(),
            Self::Duplicate | Self::Address(_) | Self::UnknownInterest(_) => Problem::invalid_detail(sentence),
            Self::Field(error) => Problem::invalid(vec![error]),
            Self::MergeFields(errors) => {
                let mut problem = Problem::invalid_detail(sentence);
                problem.errors = errors;
                problem
            }
        }
    }

    /// One sentence about `email`, as `detail` of a problem or `error` of a bulk entry.
    #[must_use]
    pub fn sentence(&self, email: &str) -> String {
        match self {
            Self::NotFound => "The requested resource could not be found.".to_owned(),
            Self::Exists => format!("{email} is already a list member. Use PUT to insert or update list members."),
            Self::ExistsInBulk => format!(
                "{email} is already a list member, do you want to update? please provide update_existing:true in the request body"
            ),
            Self::Duplicate => format!("{email} was given more than once in this request."),
            Self::Compliance => format!(
                "{email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
            ),
            Self::Forgotten => format!(
                "{email} was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list."
            ),
            Self::Address(sentence) => sentence.clone(),
            Self::Field(error) => error.message.clone(),
            Self::MergeFields(_) => "Your merge fields were invalid.".to_owned(),
            Self::UnknownInterest(id) => format!("Invalid interest ID: '{id}'."),
        }
    }

    /// The field a bulk entry's error names, and its message; empty when there is none.
    #[must_use]
    pub fn field(&self) -> (&str, &str) {
        let error = match self {
            Self::Field(error) => Some(error),
            Self::MergeFields(errors) => errors.first(),
            Self::NotFound
            | Self::Exists
            | Self::ExistsInBulk
            | Self::Duplicate
            | Self::Compliance
            | Self::Forgotten
            | Self::Address(_)
            | Self::UnknownInterest(_) => None,
        };
        error.map_or(("", ""), |error| (&error.field, &error.message))
    }
}
