//! What the author of a Postroom provider plugin imports.
//!
//! A plugin is one type. It implements [`Provider`] and [`Contacts`], and those of [`Tags`],
//! [`Subscriptions`], [`Audiences`], [`Fields`], [`Templates`] and [`Sent`] that its provider can do;
//! [`export_provider!`] makes a component of it that exports exactly these. The host sees from the
//! exports what a plugin can do, so what is not named does not exist.
//!
//! Every function gets a [`Job`], the way to the outside: requests ([`Job::get`] and its
//! siblings make a [`http::Call`], whose answer is a [`http::Reply`]), the account's settings, the
//! job's time and the operator's log. A `Job` speaks through a [`Transport`]: inside a component
//! that is the host, in native tests the scripted one of the feature `testing`. So a plugin's
//! logic is tested by a plain `cargo test`.
//!
//! The records are those of the contract, in [`types`] and in one module per interface, with
//! constructors where writing them out would be long. [`errors`] answers the question that the
//! host asks of every failure: again, later, or never?
//!
//! # A plugin
//!
//! ```
//! use postroom_sdk::prelude::*;
//!
//! /// A provider that takes one contact per request.
//! struct Example;
//!
//! impl Provider for Example {
//!     fn describe() -> Description {
//!         Description::new("example", "Example", "0.1.0")
//!             .auth_method(AuthMethod::new("token", "API token", [Slot::bearer("token", "API token", "api")]))
//!             .origin(Origin::fixed("api", "https://api.example.com", "Contacts are written there."))
//!     }
//!     fn check(job: &Job) -> Result<AccountInfo, ProviderError> {
//!         let me: serde_json::Value = job.get("api", "/me").send()?.success()?.json()?;
//!         Ok(AccountInfo::new(me["name"].as_str().unwrap_or_default()))
//!     }
//! }
//!
//! impl Contacts for Example {
//!     fn push(job: &Job, audience: &str, _: &[u8], writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
//!         let path = format!("/lists/{}/members", segment(audience));
//!         BatchAnswer::of_each(writes, |write| {
//!             let body = serde_json::json!({ "email": write.address });
//!             job.post("api", &path).json(&body).safe_to_repeat().send()?.success()?;
//!             Ok(ItemResult::new(write.key, ItemOutcome::Written))
//!         })
//!     }
//! }
//!
//! export_provider!(Example);
//! ```

#[doc(hidden)]
pub mod bindings;
pub mod describe;
pub mod errors;
#[doc(hidden)]
pub mod export;
pub mod http;
mod interfaces;
mod job;
pub mod results;
mod sending;
#[cfg(feature = "testing")]
pub mod testing;

pub use bindings::base::postroom::provider::types;
pub use interfaces::{Audiences, Contacts, Fields, Provider, Sent, Subscriptions, Tags, Templates};
pub use job::{Job, Level, Transport};

/// The records of the interface `provider`: who a plugin is.
pub mod provider {
    pub use crate::bindings::base::exports::postroom::provider::provider::{
        AccountInfo, AuthMethod, CanonicalForm, CompositeField, CompositePart, ConsentScope, Description,
        FieldNameRule, Limits, Origin, OriginPart, PartSource, Setting, SettingKind, Slot, SlotKind,
    };
}

/// The records of the interface `tags`.
pub mod tags {
    pub use crate::bindings::tags::exports::postroom::provider::tags::{TagChange, TagOutcome, TagResult, TagsAnswer};
}

/// The records of the interface `subscriptions`.
pub mod subscriptions {
    pub use crate::bindings::subscriptions::exports::postroom::provider::subscriptions::{
        Act, ActAnswer, ActOutcome, ActResult, Member,
    };
}

/// The records of the interface `audiences`.
pub mod audiences {
    pub use crate::bindings::audiences::exports::postroom::provider::audiences::Audience;
}

/// The records of the interface `fields`.
pub mod fields {
    pub use crate::bindings::fields::exports::postroom::provider::fields::RemoteField;
}

/// The records of the interface `templates`.
pub mod templates {
    pub use crate::bindings::templates::exports::postroom::provider::templates::{
        Recipient, SendingTerms, Template, TemplateAnswer, TemplateOutcome, TemplateResult, TemplateSend,
    };
}

/// The records of the interface `sent`.
pub mod sent {
    pub use crate::bindings::sent::exports::postroom::provider::sent::{Finding, Sought};
}

/// Everything that a plugin usually names.
pub mod prelude {
    pub use crate::audiences::Audience;
    pub use crate::export_provider;
    pub use crate::fields::RemoteField;
    pub use crate::http::segment;
    pub use crate::provider::*;
    pub use crate::sent::{Finding, Sought};
    pub use crate::subscriptions::*;
    pub use crate::tags::*;
    pub use crate::templates::*;
    pub use crate::types::*;
    pub use crate::{Audiences, Contacts, Fields, Job, Level, Provider, Sent, Subscriptions, Tags, Templates};
}
