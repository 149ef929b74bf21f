//! What a plugin can do and gets to see, in words for who has never met one.

use postroom_runtime::{Capability, Plugin};

/// What a plugin with this capability is asked to do.
pub(crate) fn act(capability: Capability) -> &'static str {
    match capability {
        Capability::Tags => "put tags on members and take them off",
        Capability::Subscriptions => "change the status of members: unsubscribe, take out, ask to confirm, erase",
        Capability::Audiences => "list the audiences of your account",
        Capability::Fields => "list the fields of an audience",
        Capability::Templates => "list the templates of your account and send messages from them",
        Capability::Sent => "look for messages there that may have been sent",
    }
}

/// What a plugin can do, one phrase each. Whoever has an account's credentials put on its requests
/// can do there what they allow, and no host can tell apart what it does with them.
pub(crate) fn can(plugin: &Plugin) -> Vec<String> {
    let acts = plugin.capabilities().into_iter().map(|capability| act(capability).to_owned());
    let has_secrets = plugin.description().auth_methods.iter().any(|method| !method.slots.is_empty());
    let reach = has_secrets.then(|| {
        "at the provider, whatever your credentials allow there: give it some that allow no more than it needs"
            .to_owned()
    });
    std::iter::once("write contacts into the audiences of your account".to_owned()).chain(acts).chain(reach).collect()
}

/// What a plugin gets to see, one phrase each.
pub(crate) fn sees(plugin: &Plugin) -> Vec<String> {
    let mut seen = vec![
        "of the contacts that a sync brings to one of its accounts: the e-mail address and the fields that you map, \
         nothing else"
            .to_owned(),
    ];
    if plugin.has(Capability::Tags) {
        seen.push("the names of the tags that your syncs give".to_owned());
    }
    if plugin.has(Capability::Templates) {
        seen.push("of whoever a message goes to: the e-mail address and what fills the template".to_owned());
    }
    let settings: Vec<&str> = plugin.description().settings.iter().map(|setting| setting.label.as_str()).collect();
    if !settings.is_empty() {
        seen.push(format!("the settings of its accounts: {}", settings.join(", ")));
    }
    seen.push("what the provider answers, and so what your account there shows it".to_owned());
    seen.push("never: secrets, your other contacts and accounts, files, the rest of the network".to_owned());
    seen
}
