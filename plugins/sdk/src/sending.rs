//! Constructors for what `templates` answers, and what the answer to a request that sends means.

use crate::http::Reply;
use crate::templates::{
    Recipient, SendingTerms, Template, TemplateAnswer, TemplateOutcome, TemplateResult, TemplateSend,
};
use crate::types::ProviderError;

impl SendingTerms {
    /// A provider that promises nothing: whatever is not plainly done or refused stays in doubt.
    pub fn none() -> Self {
        Self { not_processed: Vec::new(), key_life_s: None, extras: Vec::new() }
    }

    /// With the HTTP statuses of which the provider's documentation says that nothing was done.
    #[must_use]
    pub fn not_processed(mut self, statuses: &[u16]) -> Self {
        self.not_processed = statuses.to_vec();
        self
    }

    /// With the time for which the provider knows an effect key again, in seconds.
    #[must_use]
    pub fn key_life_s(mut self, seconds: u64) -> Self {
        self.key_life_s = Some(seconds);
        self
    }
}

impl Template {
    /// A template of this id and name.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), extras: Vec::new() }
    }
}

impl TemplateOutcome {
    /// What a status that is no success means by itself, for providers whose error bodies say no more:
    /// not done where these terms promise it, refused where the request was at fault, and otherwise
    /// unclear. `why` is the provider's sentence.
    pub fn of_status(status: u16, terms: &SendingTerms, why: impl Into<String>) -> Self {
        match status {
            status if terms.not_processed.contains(&status) => Self::NotDone(why.into()),
            // A request that timed out there, that met itself, that came too early or too often: it may
            // have got anywhere.
            408 | 409 | 425 | 429 => Self::Unclear(why.into()),
            400..=499 => Self::Refused(why.into()),
            _ => Self::Unclear(why.into()),
        }
    }
}

impl Reply {
    /// What became of the message that this answers, by its status alone; `id` finds the message's id
    /// in a success.
    ///
    /// # Errors
    /// When the credentials are not taken: that is no recipient's fault.
    pub fn sent(
        &self,
        terms: &SendingTerms,
        id: impl FnOnce(&Self) -> Option<String>,
    ) -> Result<TemplateOutcome, ProviderError> {
        match self.status() {
            200..=299 => Ok(TemplateOutcome::Accepted(id(self))),
            401 => Err(crate::errors::auth_lost("http-401", "The provider does not take the credentials.")),
            status => {
                Ok(TemplateOutcome::of_status(status, terms, format!("The provider answered with HTTP {status}.")))
            }
        }
    }
}

impl TemplateAnswer {
    /// What is known, and what ended the call early. Without one known recipient the failure is the
    /// whole call's.
    ///
    /// # Errors
    /// `stopped`, if there are no items.
    pub fn concluded(items: Vec<TemplateResult>, stopped: Option<ProviderError>) -> Result<Self, ProviderError> {
        match stopped {
            Some(error) if items.is_empty() => Err(error),
            stopped => Ok(Self { items, stopped }),
        }
    }

    /// Sends to one recipient after the other, for providers that take them singly, and stops at the
    /// first failure that is not the recipient's own. That recipient is not in the answer: whether it
    /// was written to is for the host to say.
    ///
    /// # Errors
    /// The failure, if it came with the first recipient.
    pub fn of_each(
        send: &TemplateSend,
        mut send_one: impl FnMut(&Recipient) -> Result<TemplateOutcome, ProviderError>,
    ) -> Result<Self, ProviderError> {
        let mut items = Vec::with_capacity(send.recipients.len());
        for recipient in &send.recipients {
            match send_one(recipient) {
                Ok(outcome) => items.push(TemplateResult { key: recipient.key, outcome }),
                Err(error) => return Self::concluded(items, Some(error)),
            }
        }
        Self::concluded(items, None)
    }
}
