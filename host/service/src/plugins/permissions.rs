//! What a plugin asks for, as the operator approves it, and what of it is new (row P3).
//!
//! Approval is of a permission set from a source, not of bytes: a new version from the same source
//! that asks for the same or less inherits it, one that asks for more asks again, and an empty grant
//! allows nothing. Everything here is a pure function over plain data.

use postroom_runtime::contract::{AuthMethod, Description, OriginPart, PartSource, SlotKind};
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
    /// The same for who has never seen a template. Not part of the right itself.
    #[serde(default)]
    pub explained: String,
    /// What it is reached for, in the plugin's words. Not part of the right itself.
    pub purpose: String,
}

/// One secret that is put on a plugin's requests. The plugin never sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretPermission {
    /// The slot's name.
    pub slot: String,
    /// What operators are asked for. Not part of the right itself.
    #[serde(default)]
    pub label: String,
    /// How it is put on a request.
    pub sent_as: String,
    /// The label of the only origin that it is sent to.
    pub origin: String,
    /// That origin's address, for people. Not part of the right itself.
    #[serde(default)]
    pub reaches: String,
}

/// One right of a permission set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "right")]
pub enum Right {
    /// To reach a place.
    Reach(OriginPermission),
    /// To have a secret sent along.
    Secret(SecretPermission),
    /// To be asked for something besides writing contacts.
    Act {
        /// What.
        capability: Capability,
    },
}

/// How one permission set differs from another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What is asked for and was not approved.
    pub added: Vec<Right>,
    /// What was approved and is not asked for any more.
    pub given_up: Vec<Right>,
    /// What is asked for and was approved.
    pub kept: Vec<Right>,
}

/// What was approved, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Approval {
    /// Where the plugin came from that it was given to.
    pub(crate) source: String,
    /// What it may do.
    pub(crate) permissions: Permissions,
}

impl Permissions {
    /// What a loaded plugin asks for.
    #[must_use]
    pub fn of(plugin: &Plugin) -> Self {
        Self::described(plugin.description(), plugin.capabilities())
    }

    fn described(description: &Description, capabilities: Vec<Capability>) -> Self {
        let origins = description.origins.iter().map(|origin| OriginPermission {
            label: origin.label.clone(),
            template: origin.template.clone(),
            part: origin.part.as_ref().map_or_else(String::new, |part| match &part.source {
                PartSource::CredentialSuffix((slot, separator)) => {
                    format!("{} = {} behind the last `{separator}` of the secret `{slot}`", part.name, part.pattern)
                }
                PartSource::Operator => format!("{} = {} as the operator enters it", part.name, part.pattern),
            }),
            explained: origin
                .part
                .as_ref()
                .map_or_else(String::new, |part| explained(&origin.template, part, &description.auth_methods)),
            purpose: origin.purpose.clone(),
        });
        let mut secrets: Vec<SecretPermission> = Vec::new();
        for slot in description.auth_methods.iter().flat_map(|method| &method.slots) {
            let secret = SecretPermission {
                slot: slot.name.clone(),
                label: slot.label.clone(),
                sent_as: sent_as(&slot.kind),
                origin: slot.origin.clone(),
                reaches: description
                    .origins
                    .iter()
                    .find(|origin| origin.label == slot.origin)
                    .map(|origin| origin.template.clone())
                    .unwrap_or_default(),
            };
            // Two methods may take the same secret in the same way.
            if !secrets.iter().any(|known| known.is_same_right(&secret)) {
                secrets.push(secret);
            }
        }
        Self { origins: origins.collect(), secrets, capabilities }
    }

    /// Every right, places first.
    #[must_use]
    pub fn rights(&self) -> Vec<Right> {
        let origins = self.origins.iter().cloned().map(Right::Reach);
        let secrets = self.secrets.iter().cloned().map(Right::Secret);
        let acts = self.capabilities.iter().map(|capability| Right::Act { capability: *capability });
        origins.chain(secrets).chain(acts).collect()
    }
}

impl Difference {
    /// What `asked` asks for, against what was approved.
    #[must_use]
    pub fn between(approved: &Permissions, asked: &Permissions) -> Self {
        let (had, wants) = (approved.rights(), asked.rights());
        let (kept, added) = wants.iter().cloned().partition(|right| had.iter().any(|known| known.is_same(right)));
        let given_up = had.into_iter().filter(|right| !wants.iter().any(|known| known.is_same(right)));
        Self { added, given_up: given_up.collect(), kept }
    }
}

impl Approval {
    /// How a version from `source` that asks for `asked` differs from what was approved for that
    /// source: nothing was, if it was given to another one, or not at all.
    pub(crate) fn compare(approval: Option<&Self>, source: &str, asked: &Permissions) -> Difference {
        let nothing = Permissions::default();
        let approved = Self::of_source(approval, source).map_or(&nothing, |approval| &approval.permissions);
        Difference::between(approved, asked)
    }

    /// Whether such a version inherits the approval. One that asks for nothing does not, where
    /// there is nothing to inherit: that a stranger comes in at all is for the operator to say.
    pub(crate) fn is_inherited(approval: Option<&Self>, source: &str, asked: &Permissions) -> bool {
        Self::of_source(approval, source).is_some() && Self::compare(approval, source, asked).added.is_empty()
    }

    fn of_source<'a>(approval: Option<&'a Self>, source: &str) -> Option<&'a Self> {
        approval.filter(|approval| approval.source == source)
    }
}

impl Right {
    /// Whether it is the same right, in whichever words it is described.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Reach(one), Self::Reach(other)) => {
                one.label == other.label && one.template == other.template && one.part == other.part
            }
            (Self::Secret(one), Self::Secret(other)) => one.is_same_right(other),
            (Self::Act { capability: one }, Self::Act { capability: other }) => one == other,
            _ => false,
        }
    }
}

impl SecretPermission {
    fn is_same_right(&self, other: &Self) -> bool {
        self.slot == other.slot && self.sent_as == other.sent_as && self.origin == other.origin
    }

    /// What people call it.
    fn called(&self) -> &str {
        if self.label.is_empty() { &self.slot } else { &self.label }
    }
}

/// The variable part of an address, for who reads the address.
fn explained(template: &str, part: &OriginPart, methods: &[AuthMethod]) -> String {
    let name = &part.name;
    let end = match template.rsplit_once('}') {
        Some((_, end)) if !end.is_empty() => format!("; it always ends in {end}"),
        _ => String::new(),
    };
    match &part.source {
        PartSource::CredentialSuffix((slot, separator)) => {
            let slots = methods.iter().flat_map(|method| &method.slots);
            let label = slots.clone().find(|known| known.name == *slot).map_or(slot, |known| &known.label);
            format!("where {{{name}}} is what stands behind the last `{separator}` of your {label}{end}")
        }
        PartSource::Operator => format!("where {{{name}}} is what you enter for the account{end}"),
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
        f.write_str(&self.template)?;
        match (self.explained.as_str(), self.part.as_str()) {
            ("", "") => Ok(()),
            // An approval of 0.1.0 has the part only as it is compared.
            ("", part) => write!(f, ", where {part}"),
            (explained, _) => write!(f, ", {explained}"),
        }
    }
}

impl std::fmt::Display for SecretPermission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (called, slot, sent_as) = (self.called(), &self.slot, &self.sent_as);
        // An approval of 0.1.0 does not have the address.
        let to = if self.reaches.is_empty() { &self.origin } else { &self.reaches };
        write!(f, "{called} (`{slot}`): sent only to {to}, as {sent_as}")
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reach(origin) => write!(f, "reach {origin}"),
            Self::Secret(secret) => write!(f, "have a secret sent along: {secret}"),
            Self::Act { capability } => write!(f, "be asked to {}", super::words::act(*capability)),
        }
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
                explained: String::new(),
                purpose: "Members are written there.".into(),
            }],
            secrets: vec![SecretPermission {
                slot: "api-key".into(),
                label: "API key".into(),
                sent_as: "a bearer token".into(),
                origin: "api".into(),
                reaches: "https://api.example.com".into(),
            }],
            capabilities: vec![Capability::Tags],
        }
    }

    fn approval(source: &str, permissions: Permissions) -> Approval {
        Approval { source: source.into(), permissions }
    }

    #[test]
    fn p3_an_empty_grant_allows_nothing() {
        assert_eq!(Difference::between(&Permissions::default(), &asked()).added.len(), 3);
        let nothing = Permissions::default();
        assert_eq!(Difference::between(&nothing, &nothing), Difference::default());
        assert!(!Approval::is_inherited(None, "vendor", &nothing), "who asks for nothing is a stranger all the same");
        assert!(Approval::is_inherited(Some(&approval("vendor", nothing.clone())), "vendor", &nothing));
    }

    #[test]
    fn p3_the_same_or_less_inherits_an_approval_and_more_does_not() {
        let given = approval("vendor", asked());
        let inherits = |wanted: &Permissions| Approval::is_inherited(Some(&given), "vendor", wanted);
        assert!(inherits(&asked()));
        assert!(inherits(&Permissions { secrets: vec![], capabilities: vec![], ..asked() }));
        let mut other_place = asked();
        other_place.origins[0].template = "https://elsewhere.example.com".into();
        let mut other_use = asked();
        other_use.secrets[0].sent_as = "the header X-Key".into();
        let mut other_end = asked();
        other_end.origins[0].part = "dc = .* as the operator enters it".into();
        let more = Permissions { capabilities: vec![Capability::Tags, Capability::Subscriptions], ..asked() };
        for wanted in [other_place, other_use, other_end, more] {
            assert!(!inherits(&wanted), "{wanted:?}");
        }
    }

    #[test]
    fn p3_another_source_is_another_plugin_and_inherits_nothing() {
        let given = approval("vendor", asked());
        assert!(!Approval::is_inherited(Some(&given), "somewhere else", &asked()));
        assert_eq!(Approval::compare(Some(&given), "somewhere else", &asked()).added, asked().rights());
        assert_eq!(Approval::compare(Some(&given), "vendor", &asked()).kept, asked().rights());
    }

    #[test]
    fn p3_a_difference_tells_what_is_new_what_was_given_up_and_what_stays() {
        let mut wanted = Permissions { capabilities: vec![Capability::Audiences], ..asked() };
        wanted.origins[0].template = "https://elsewhere.example.com".into();
        let difference = Difference::between(&asked(), &wanted);
        let words = |rights: &[Right]| rights.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            words(&difference.added),
            ["reach https://elsewhere.example.com", "be asked to list the audiences of your account"]
        );
        assert_eq!(difference.given_up.len(), 2);
        assert!(words(&difference.given_up)[0].contains("https://api.example.com"), "{difference:?}");
        assert_eq!(difference.kept, [Right::Secret(asked().secrets[0].clone())]);
    }

    #[test]
    fn p3_other_words_for_the_same_purpose_are_no_other_right() {
        let mut reworded = asked();
        reworded.origins[0].purpose = "Tags, too.".into();
        reworded.origins[0].explained = "where nothing varies".into();
        reworded.secrets[0].label = "The key".into();
        assert!(Difference::between(&asked(), &reworded).added.is_empty());
    }

    #[test]
    fn p3_an_approval_of_0_1_0_still_holds() {
        let kept = r#"{"origins":[{"label":"api","template":"https://{dc}.example.com",
            "part":"dc = [a-z]+[0-9]+ behind the last `-` of the secret `api-key`","purpose":"Everything."}],
            "secrets":[{"slot":"api-key","sent_as":"a bearer token","origin":"api"}],"capabilities":["tags"]}"#;
        let kept: Permissions = serde_json::from_str(kept).unwrap();
        let mut wanted = asked();
        wanted.origins[0].template = "https://{dc}.example.com".into();
        wanted.origins[0].part = kept.origins[0].part.clone();
        wanted.origins[0].explained = "where {dc} is the end of your API key".into();
        assert!(Approval::is_inherited(Some(&approval("v.wasm", kept.clone())), "v.wasm", &wanted));
        assert!(kept.origins[0].to_string().contains("where dc = [a-z]+[0-9]+ behind"), "{}", kept.origins[0]);
    }
}
