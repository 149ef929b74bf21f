//! The Postroom plugin for Mailchimp, over its Marketing API 3.0.
//!
//! The host decides who is sent and with which consent; this crate turns that into Mailchimp's
//! requests and the answers back into results.
//!
//! * `describe` says what the plugin is, `check` whether an account's key works.
//! * `lists` reads audiences and merge fields, by the pages of `paging`.
//! * `push` sorts a batch by what was `prepared` for the run: address changes, and members that may
//!   only be updated (the host says so, or they lie in the `archive`), go singly (`single`), all
//!   others in two bulk steps (`bulk`), the first of which only creates and the second of which only
//!   updates. `fields` turns each contact's fields into merge fields and
//!   leaves out, by name, what Mailchimp would refuse; an `entry` is a contact on that way.
//! * `tags` finds and makes tags, which are static segments at Mailchimp; `tagging` puts them on
//!   members and takes them off; `subscriptions` changes statuses. All know members through
//!   `member`.
//! * `errors` judges every refusal in one place: is it the contact's, the request's, the
//!   account's, or Mailchimp's own for the moment? `wire` holds the JSON.
//!
//! A member's status is never written by a push: a bulk update carries none, and the creating step
//! leaves members that exist alone. Ids such as MC-12 number Mailchimp's behaviours, each of which
//! the tests name.

mod archive;
mod bulk;
mod check;
mod describe;
mod entry;
mod errors;
mod fields;
#[cfg(test)]
mod fixtures;
mod lists;
mod member;
mod paging;
mod prepared;
mod push;
mod single;
mod subscriptions;
mod tagging;
mod tags;
mod wire;

use postroom_sdk::prelude::*;

/// The plugin.
pub struct Mailchimp;

impl Provider for Mailchimp {
    fn describe() -> Description {
        describe::description()
    }

    fn check(job: &Job) -> Result<AccountInfo, ProviderError> {
        check::check(job)
    }
}

impl Contacts for Mailchimp {
    fn prepare(job: &Job, audience: &str) -> Result<Vec<u8>, ProviderError> {
        push::prepare(job, audience)
    }

    fn push(
        job: &Job,
        audience: &str,
        prepared: &[u8],
        writes: Vec<ContactWrite>,
    ) -> Result<BatchAnswer, ProviderError> {
        push::push(job, audience, prepared, &writes)
    }
}

impl Tags for Mailchimp {
    fn prepare(job: &Job, audience: &str, add: &[String], remove: &[String]) -> Result<Vec<u8>, ProviderError> {
        tags::prepare(job, audience, add, remove)
    }

    fn apply(job: &Job, audience: &str, prepared: &[u8], changes: Vec<TagChange>) -> Result<TagsAnswer, ProviderError> {
        tagging::apply(job, audience, prepared, &changes)
    }
}

impl Subscriptions for Mailchimp {
    fn change(job: &Job, audience: &str, act: Act, members: Vec<Member>) -> Result<ActAnswer, ProviderError> {
        subscriptions::change(job, audience, act, &members)
    }
}

impl Audiences for Mailchimp {
    fn list_audiences(job: &Job) -> Result<Vec<Audience>, ProviderError> {
        lists::audiences(job)
    }
}

impl Fields for Mailchimp {
    fn list_fields(job: &Job, audience: &str) -> Result<Vec<RemoteField>, ProviderError> {
        lists::remote_fields(job, audience)
    }
}

export_provider!(Mailchimp: tags, subscriptions, audiences, fields);
