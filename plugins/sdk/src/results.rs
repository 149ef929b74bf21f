//! Constructors for the answers of the contract.

use crate::audiences::Audience;
use crate::fields::RemoteField;
use crate::provider::AccountInfo;
use crate::subscriptions::{ActAnswer, ActResult};
use crate::tags::{TagResult, TagsAnswer};
use crate::types::{
    BatchAnswer, ConsentBlock, ConsentBlockUntil, ContactWrite, ItemOutcome, ItemResult, LeftOutField, ProviderError,
    Rejection, RejectionClass, RemoteStatus,
};

impl ItemResult {
    /// The result for the contact of this key, with nothing but its outcome.
    pub fn new(key: u64, outcome: ItemOutcome) -> Self {
        Self {
            key,
            outcome,
            remote_id: None,
            status: None,
            left_out: Vec::new(),
            warnings: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// With the member's id at the provider.
    #[must_use]
    pub fn remote_id(mut self, id: Option<String>) -> Self {
        self.remote_id = id;
        self
    }

    /// With the status that the provider's answer showed.
    #[must_use]
    pub fn status(mut self, status: Option<RemoteStatus>) -> Self {
        self.status = status;
        self
    }

    /// With the fields that were left out.
    #[must_use]
    pub fn left_out(mut self, fields: Vec<LeftOutField>) -> Self {
        self.left_out = fields;
        self
    }
}

impl ItemOutcome {
    /// A refusal for good, until the contact is changed.
    pub fn refused(class: RejectionClass, field: Option<String>, message: impl Into<String>) -> Self {
        Self::Rejected(Rejection { class, field, message: message.into() })
    }

    /// A refusal that comes from the contact's own will.
    pub fn blocked(until: ConsentBlockUntil, message: impl Into<String>) -> Self {
        Self::ConsentBlocked(ConsentBlock { until, message: message.into() })
    }
}

impl LeftOutField {
    /// The field of this name, left out for this reason.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

impl BatchAnswer {
    /// What was concluded, and what ended the call early. Without one concluded item the failure
    /// is the whole call's.
    ///
    /// # Errors
    /// `stopped`, if there are no items.
    pub fn concluded(items: Vec<ItemResult>, stopped: Option<ProviderError>) -> Result<Self, ProviderError> {
        match stopped {
            Some(error) if items.is_empty() => Err(error),
            stopped => Ok(Self { items, stopped }),
        }
    }

    /// Writes one contact after the other, for providers that take them singly, and stops at the
    /// first failure that is not the contact's own.
    ///
    /// # Errors
    /// The failure, if it came with the first contact.
    pub fn of_each(
        writes: Vec<ContactWrite>,
        mut write_one: impl FnMut(ContactWrite) -> Result<ItemResult, ProviderError>,
    ) -> Result<Self, ProviderError> {
        let mut items = Vec::with_capacity(writes.len());
        for write in writes {
            match write_one(write) {
                Ok(item) => items.push(item),
                Err(error) => return Self::concluded(items, Some(error)),
            }
        }
        Self::concluded(items, None)
    }
}

impl TagsAnswer {
    /// What was concluded, and what ended the call early.
    ///
    /// # Errors
    /// `stopped`, if there are no items.
    pub fn concluded(
        items: Vec<TagResult>,
        warnings: Vec<String>,
        stopped: Option<ProviderError>,
    ) -> Result<Self, ProviderError> {
        match stopped {
            Some(error) if items.is_empty() => Err(error),
            stopped => Ok(Self { items, warnings, stopped }),
        }
    }
}

impl ActAnswer {
    /// What was concluded, and what ended the call early.
    ///
    /// # Errors
    /// `stopped`, if there are no items.
    pub fn concluded(items: Vec<ActResult>, stopped: Option<ProviderError>) -> Result<Self, ProviderError> {
        match stopped {
            Some(error) if items.is_empty() => Err(error),
            stopped => Ok(Self { items, stopped }),
        }
    }
}

impl AccountInfo {
    /// An account of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), facts: Vec::new() }
    }

    /// With one more fact worth showing.
    #[must_use]
    pub fn fact(mut self, label: &str, value: impl Into<String>) -> Self {
        self.facts.push((label.to_owned(), value.into()));
        self
    }
}

impl Audience {
    /// An audience of this id and name.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), members: None, extras: Vec::new() }
    }

    /// With the number of its members.
    #[must_use]
    pub fn members(mut self, members: Option<u64>) -> Self {
        self.members = members;
        self
    }
}

impl RemoteField {
    /// An optional field with this name, label and kind.
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind: kind.into(),
            required: false,
            choices: Vec::new(),
            extras: Vec::new(),
        }
    }
}

impl RemoteStatus {
    /// The status in the words of a sentence.
    pub fn as_words(&self) -> &str {
        match self {
            Self::Subscribed => "subscribed",
            Self::Pending => "pending",
            Self::Unsubscribed => "unsubscribed",
            Self::NoMarketing => "without marketing consent",
            Self::Cleaned => "cleaned",
            Self::Archived => "archived",
            Self::Absent => "not in the audience",
            Self::Other(word) => word,
        }
    }
}
