//! The contract's types as the rest of the host sees them: plain data, no word of wasmtime.
//!
//! They are what `wit/` says, translated by `bindgen!`; the documentation of each field stands
//! there. What comes out of a [`crate::JobReport`] has been checked against the call it answers.

use std::borrow::Cow;

use crate::bindings::{base, with_audiences, with_fields, with_sent, with_subscriptions, with_tags, with_templates};

pub use base::exports::postroom::provider::provider::{
    AccountInfo, AuthMethod, CanonicalForm, CompositeField, CompositePart, ConsentScope, Description, FieldNameRule,
    Limits, Origin, OriginPart, PartSource, Setting, SettingKind, Slot, SlotKind,
};
pub use base::postroom::provider::log::Level as LogLevel;
pub use base::postroom::provider::types::{
    BatchAnswer, ConsentBlock, ConsentBlockUntil, ContactWrite, ErrorDetail, Extras, FieldChange, FieldValue,
    FieldWrite, ItemOutcome, ItemResult, LeftOutField, OnCreate, OtherError, ProviderError, Rejection, RejectionClass,
    RemoteStatus, RetryDetail,
};
pub use with_audiences::exports::postroom::provider::audiences::Audience;
pub use with_fields::exports::postroom::provider::fields::RemoteField;
pub use with_sent::exports::postroom::provider::sent::{Finding, Sought};
pub use with_subscriptions::exports::postroom::provider::subscriptions::{
    Act, ActAnswer, ActOutcome, ActResult, Member,
};
pub use with_tags::exports::postroom::provider::tags::{TagChange, TagOutcome, TagResult, TagsAnswer};
pub use with_templates::exports::postroom::provider::templates::{
    Recipient, SendingTerms, Template, TemplateAnswer, TemplateOutcome, TemplateResult, TemplateSend,
};

impl SendingTerms {
    /// Whether the provider says of this HTTP status that nothing was done.
    pub fn is_not_processed(&self, status: u16) -> bool {
        self.not_processed.contains(&status)
    }
}

impl ProviderError {
    /// The provider's word and sentence.
    pub fn detail(&self) -> &ErrorDetail {
        match self {
            Self::AuthLost(detail)
            | Self::InvalidRequest(detail)
            | Self::NotFound(detail)
            | Self::Conflict(detail)
            | Self::TemplateMissing(detail)
            | Self::Quota(detail)
            | Self::Unsupported(detail) => detail,
            Self::RateLimited(retry) | Self::Unavailable(retry) => &retry.detail,
            Self::Other(other) => &other.detail,
        }
    }

    pub(crate) fn detail_mut(&mut self) -> &mut ErrorDetail {
        match self {
            Self::AuthLost(detail)
            | Self::InvalidRequest(detail)
            | Self::NotFound(detail)
            | Self::Conflict(detail)
            | Self::TemplateMissing(detail)
            | Self::Quota(detail)
            | Self::Unsupported(detail) => detail,
            Self::RateLimited(retry) | Self::Unavailable(retry) => &mut retry.detail,
            Self::Other(other) => &mut other.detail,
        }
    }

    /// Whether the same call may succeed later without anybody acting.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited(_) | Self::Unavailable(_) => true,
            Self::Other(other) => other.retryable,
            Self::AuthLost(_)
            | Self::InvalidRequest(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::TemplateMissing(_)
            | Self::Quota(_)
            | Self::Unsupported(_) => false,
        }
    }

    /// How long the provider asked to wait, in milliseconds, if it said so.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::RateLimited(retry) | Self::Unavailable(retry) => retry.retry_after_ms,
            Self::AuthLost(_)
            | Self::InvalidRequest(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::TemplateMissing(_)
            | Self::Quota(_)
            | Self::Unsupported(_)
            | Self::Other(_) => None,
        }
    }

    /// One sentence for the person who must act: what kind of error, the provider's words, and what
    /// mends it where the kind says so.
    ///
    /// This is not `Display`, which the generated code takes for the debug form.
    pub fn sentence(&self) -> String {
        let ErrorDetail { code, message } = self.detail();
        let said: Cow<'_, str> = match (code.is_empty(), message.is_empty()) {
            (true, true) => Cow::Borrowed("without a word"),
            (true, false) => Cow::Borrowed(message),
            (false, true) => Cow::Borrowed(code),
            (false, false) => Cow::Owned(format!("{message} ({code})")),
        };
        match self {
            Self::AuthLost(_) => format!(
                "The provider no longer accepts the account's credentials: {said}. Enter new ones for the account."
            ),
            Self::RateLimited(retry) => match retry.retry_after_ms {
                Some(ms) => format!("The provider asks for a pause of {} s: {said}.", ms.div_ceil(1_000)),
                None => format!("The provider asks for a pause: {said}."),
            },
            Self::Unavailable(_) => {
                format!("The provider cannot answer at the moment: {said}. Try again later.")
            }
            Self::InvalidRequest(_) => format!("The provider refused the request: {said}."),
            Self::NotFound(_) => format!("The provider does not have what was asked for: {said}."),
            Self::Conflict(_) => {
                format!("The provider refused because of the object's present state: {said}.")
            }
            Self::TemplateMissing(_) => {
                format!("The template is gone at the provider: {said}. Choose another one.")
            }
            Self::Quota(_) => format!(
                "The account's allowance at the provider is used up: {said}. Raise the plan there, or wait for the next period."
            ),
            Self::Unsupported(_) => format!("The provider cannot do this: {said}."),
            Self::Other(_) => format!("The provider reported an error: {said}."),
        }
    }
}
