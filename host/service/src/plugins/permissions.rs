//! What a plugin asks for, as the operator approves it (row P3).
//!
//! Approval is of a permission set, not of bytes: a new version that asks for the same or less
//! inherits it, one that asks for more asks again, and an empty grant allows nothing.

use postroom_runtime::contract::{PartSource, SlotKind};
use postroom_runtime::{Capability, Plugin};
use serde::{Deserialize, Serialize};

/// Everything that a plugin may do beyond computing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// Where it may go.
    pub origins: Vec<OriginPermission>,
    /// Which secrets are sent along, and where to.
    pub secrets: Vec<SecretPermission>,
    /// What it may be asked to do besides writing contacts.
    pub capabilities: Vec<Capability>,
}

/// One place that a plugin may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginPermission {
    /// The label that its requests name.
    pub label: String,
    /// The address, with at most one variable part.
    pub template: String,
    /// Where the variable part comes from and what it must look like; empty without one.
    pub part: String,
    /// What it is reached for, in the plugin's words. Not part of the right itself.
    pub purpose: String,
}

/// One secret that is put on a plugin's requests. The plugin never sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretPermission {
    /// The slot's name.
    pub slot: String,
    /// How it is put on a request.
    pub sent_as: String,
    /// The label of the only origin that it is sent to.
    pub origin: String,
}

impl Permissions {
    /// What a loaded plugin asks for.
    #[must_use]
    pub fn of(plugin: &Plugin) -> Self {
        let description = plugin.description();
        let origins = description.origins.iter().map(|origin| OriginPermission {
            label: origin.label.clone(),
            template: origin.template.clone(),
            part: origin.part.as_ref().map_or_else(String::new, |part| match &part.source {
                PartSource::CredentialSuffix((slot, separator)) => {
                    format!("{} = {} behind the last `{separator}` of the secret `{slot}`", part.name, part.pattern)
                }
                PartSource::Operator => format!("{} = {} as the operator enters it", part.name, part.pattern),
            }),
            purpose: origin.purpose.clone(),
        });
        let mut secrets: Vec<SecretPermission> = Vec::new();
        for slot in description.auth_methods.iter().flat_map(|method| &method.slots) {
            let secret =
                SecretPermission { slot: slot.name.clone(), sent_as: sent_as(&slot.kind), origin: slot.origin.clone() };
            // Two methods may take the same secret in the same way.
            if !secrets.contains(&secret) {
                secrets.push(secret);
            }
        }
        Self { origins: origins.collect(), secrets, capabilities: plugin.capabilities() }
    }

    /// What these ask for beyond what was approved, as phrases; empty if they stay within.
    #[must_use]
    pub fn beyond(&self, approved: &Self) -> Vec<String> {
        let origins = self.origins.iter().filter(|asked| {
            !approved
                .origins
                .iter()
                .any(|had| had.label == asked.label && had.template == asked.template && had.part == asked.part)
        });
        let secrets = self.secrets.iter().filter(|asked| !approved.secrets.contains(asked));
        let capabilities = self.capabilities.iter().filter(|asked| !approved.capabilities.contains(asked));
        origins
            .map(ToString::to_string)
            .chain(secrets.map(ToString::to_string))
            .chain(capabilities.map(|capability| format!("be asked for {capability}")))
            .collect()
    }
}

fn sent_as(kind: &SlotKind) -> String {
    match kind {
        SlotKind::Basic(user) => format!("the password of `{user}`"),
        SlotKind::BasicWithUserSetting(setting) => format!("the password of the user in the setting `{setting}`"),
        SlotKind::Bearer => "a bearer token".to_owned(),
        SlotKind::Header(name) => format!("the header {name}"),
    }
}

impl std::fmt::Display for OriginPermission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "reach {}", self.template)?;
        if !self.part.is_empty() {
            write!(f, " ({})", self.part)?;
        }
        Ok(())
    }
}

impl std::fmt::Display for SecretPermission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "have the secret `{}` sent to its origin `{}` as {}", self.slot, self.origin, self.sent_as)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Permissions {
        Permissions {
            origins: vec![OriginPermission {
                label: "api".into(),
                template: "https://api.example.com".into(),
                part: String::new(),
                purpose: "Members are written there.".into(),
            }],
            secrets: vec![SecretPermission {
                slot: "api-key".into(),
                sent_as: "a bearer token".into(),
                origin: "api".into(),
            }],
            capabilities: vec![Capability::Tags],
        }
    }

    #[test]
    fn p3_an_empty_grant_allows_nothing() {
        assert_eq!(asked().beyond(&Permissions::default()).len(), 3);
        assert!(Permissions::default().beyond(&Permissions::default()).is_empty());
    }

    #[test]
    fn p3_the_same_or_less_inherits_an_approval_and_more_does_not() {
        assert!(asked().beyond(&asked()).is_empty());
        let less = Permissions { secrets: vec![], capabilities: vec![], ..asked() };
        assert!(less.beyond(&asked()).is_empty());
        let mut other_place = asked();
        other_place.origins[0].template = "https://elsewhere.example.com".into();
        assert_eq!(other_place.beyond(&asked()), ["reach https://elsewhere.example.com"]);
        let mut other_use = asked();
        other_use.secrets[0].sent_as = "the header X-Key".into();
        assert_eq!(other_use.beyond(&asked()).len(), 1);
    }

    #[test]
    fn p3_other_words_for_the_same_purpose_are_no_other_right() {
        let mut reworded = asked();
        reworded.origins[0].purpose = "Tags, too.".into();
        assert!(reworded.beyond(&asked()).is_empty());
    }
}
