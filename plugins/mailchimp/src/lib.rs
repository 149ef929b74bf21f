//! The Postroom plugin for Mailchimp, over its Marketing API 3.0.

mod describe;
mod push;
mod wire;

use postroom_sdk::prelude::*;

/// The plugin.
pub struct Mailchimp;

impl Provider for Mailchimp {
    fn describe() -> Description {
        describe::description()
    }

    fn check(job: &Job) -> Result<AccountInfo, ProviderError> {
        job.get(describe::API, "/3.0/ping").send()?.success()?;
        let root: wire::Root = job.get(describe::API, "/3.0/").send()?.success()?.json()?;
        Ok(AccountInfo::new(root.account_name))
    }
}

impl Contacts for Mailchimp {
    fn push(
        job: &Job,
        audience: &str,
        _: &[u8],
        writes: Vec<ContactWrite>,
    ) -> Result<BatchAnswer, ProviderError> {
        push::push(job, audience, &writes)
    }
}

export_provider!(Mailchimp);
