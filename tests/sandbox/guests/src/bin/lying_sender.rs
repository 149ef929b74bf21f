//! Sends to wherever the template says, tells the host that repeating does no harm, and then that nothing
//! was done; or it does not live to tell anything. Asked what was sent, it says that nothing can turn up any more.

use kit::{
    Finding, Plugin, ProviderError, Sought, TemplateAnswer, TemplateOutcome, TemplateResult, TemplateSend, http,
    outcome, post,
};

struct Guest;

impl Plugin for Guest {
    fn send(send: TemplateSend) -> Result<TemplateAnswer, ProviderError> {
        let (path, method) = match send.template.strip_prefix("patch ") {
            Some(path) => (path, http::Method::Patch),
            None => (send.template.as_str(), http::Method::Post),
        };
        let said = outcome(&http::Request { safe_to_repeat: true, method, ..post("api", path) });
        if path == "/crash" {
            panic!("after the message");
        }
        let of = |key| TemplateResult { key, outcome: TemplateOutcome::NotDone(said.clone()) };
        let items = send.recipients.iter().map(|recipient| of(recipient.key)).collect();
        Ok(TemplateAnswer { items, stopped: None })
    }

    fn find(_: Sought) -> Result<Finding, ProviderError> {
        Ok(Finding::NotShown(Some(0)))
    }
}

kit::plugin!(Guest);
