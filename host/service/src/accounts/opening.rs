//! A plugin and an account's values become a way out: everything that does not fit is named at once.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use postroom_egress::{
    AccountConfig, AccountEgress, AccountLimits, Credential, OriginInputs, OriginTemplate, PartSource, ResolvedOrigin,
    Secret, SlotKind, Timeouts, Transport,
};
use postroom_runtime::Plugin;
use postroom_runtime::contract::{self, AuthMethod, Setting, SettingKind};
use postroom_store::accounts::Secret as StoredSecret;

use crate::names::known;
use crate::{Result, ServiceError};

/// Everything of an account that decides how it goes out.
pub(crate) struct Values<'a> {
    pub(crate) account: &'a str,
    pub(crate) auth_method: &'a str,
    pub(crate) settings: &'a BTreeMap<String, String>,
    pub(crate) origins: &'a BTreeMap<String, String>,
    pub(crate) insecure_origin: bool,
    pub(crate) secrets: &'a BTreeMap<String, StoredSecret>,
}

/// An account that fits its plugin.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) egress: AccountEgress,
    /// The settings that the plugin reads, with what holds when one is not set.
    pub(crate) settings: Vec<(String, String)>,
}

/// Checks an account's values against its plugin and opens its way out. Nothing is connected.
pub(crate) fn open(plugin: &Plugin, values: &Values<'_>, transport: &Transport) -> Result<Opened> {
    let description = plugin.description();
    let method = auth_method(&description.auth_methods, values.auth_method)?;
    let secrets: Vec<Secret> =
        values.secrets.iter().map(|(slot, secret)| Secret::new(slot.clone(), secret.0.clone())).collect();
    let mut faults = setting_faults(&description.settings, values.settings);
    faults.extend(slot_faults(method, values.secrets));
    faults.extend(label_faults(plugin, values.origins));
    let origins = origins(plugin, values, &secrets, &mut faults);
    if !faults.is_empty() {
        return Err(ServiceError::Account {
            account: values.account.to_owned(),
            plugin: description.id.clone(),
            faults,
        });
    }
    let settings = filled(&description.settings, values.settings);
    let limits = AccountLimits {
        max_concurrency: NonZeroU32::new(description.limits.max_concurrency).unwrap_or(NonZeroU32::MIN),
        requests_per_second: description.limits.requests_per_second.and_then(NonZeroU32::new),
        ..AccountLimits::default()
    };
    let egress = AccountEgress::new(AccountConfig {
        account: values.account.to_owned(),
        origins,
        credentials: credentials(method, &settings, &secrets),
        limits,
        timeouts: Timeouts::default(),
        transport: transport.clone(),
    })?;
    Ok(Opened { egress, settings })
}

/// The method of this name.
pub(crate) fn auth_method<'a>(methods: &'a [AuthMethod], name: &str) -> Result<&'a AuthMethod> {
    methods.iter().find(|method| method.name == name).ok_or_else(|| {
        let names = known(methods.iter().map(|method| method.name.as_str()));
        ServiceError::BadInput(format!("the plugin has no authentication method `{name}`; it has {names}"))
    })
}

fn setting_faults(declared: &[Setting], given: &BTreeMap<String, String>) -> Vec<String> {
    let names = || known(declared.iter().map(|setting| setting.name.as_str()));
    let strangers = given.keys().filter(|name| !declared.iter().any(|setting| setting.name == **name));
    let mut faults: Vec<String> =
        strangers.map(|name| format!("there is no setting `{name}`; there are {}", names())).collect();
    for setting in declared {
        match given.get(&setting.name) {
            Some(value) => faults.extend(value_fault(setting, value)),
            None if !setting.optional && setting.default_value.is_none() => {
                faults.push(format!("the setting `{}` ({}) is missing", setting.name, setting.label));
            }
            None => {}
        }
    }
    faults
}

fn value_fault(setting: &Setting, value: &str) -> Option<String> {
    let taken = match &setting.kind {
        SettingKind::Text => return None,
        SettingKind::Number if is_number(value) => return None,
        SettingKind::Number => "a number in digits".to_owned(),
        SettingKind::Boolean if matches!(value, "true" | "false") => return None,
        SettingKind::Boolean => "true or false".to_owned(),
        SettingKind::Choice(choices) if choices.iter().any(|choice| choice == value) => return None,
        SettingKind::Choice(choices) => format!("one of {}", choices.join(", ")),
    };
    Some(format!("the setting `{}` takes {taken}, not `{value}`", setting.name))
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

fn slot_faults(method: &AuthMethod, given: &BTreeMap<String, StoredSecret>) -> Vec<String> {
    let names = || known(method.slots.iter().map(|slot| slot.name.as_str()));
    let strangers = given.keys().filter(|name| !method.slots.iter().any(|slot| slot.name == **name));
    let strangers =
        strangers.map(|name| format!("the method `{}` takes no secret `{name}`; it takes {}", method.name, names()));
    let missing = method.slots.iter().filter(|slot| !slot.optional && !given.contains_key(&slot.name));
    let missing = missing.map(|slot| format!("the secret `{}` ({}) is missing", slot.name, slot.label));
    strangers.chain(missing).collect()
}

fn label_faults(plugin: &Plugin, given: &BTreeMap<String, String>) -> Vec<String> {
    let labels = || known(plugin.origins().iter().map(OriginTemplate::label));
    given
        .keys()
        .filter(|label| !plugin.origins().iter().any(|origin| origin.label() == label.as_str()))
        .map(|label| format!("the plugin has no origin `{label}`; it has {}", labels()))
        .collect()
}

/// Where the account goes. What an operator writes for a label is its whole address, or only the
/// part that the plugin's template leaves open.
fn origins(plugin: &Plugin, values: &Values<'_>, secrets: &[Secret], faults: &mut Vec<String>) -> Vec<ResolvedOrigin> {
    let mut resolved = Vec::new();
    for template in plugin.origins() {
        let given = values.origins.get(template.label()).map(String::as_str);
        let is_part = template.asks_operator() && given.is_some_and(|given| !given.contains("://"));
        let inputs = OriginInputs {
            override_url: given.filter(|_| !is_part),
            entered: given.filter(|_| is_part),
            secrets,
            insecure: values.insecure_origin,
        };
        // A credential that lacks the part which the plugin's template takes from it was mistyped,
        // also when an operator's address stands in for the template.
        let overridden = is_from_credential(template) && !secrets.is_empty() && given.is_some();
        if overridden && let Err(error) = template.resolve(&OriginInputs { override_url: None, ..inputs }) {
            faults.push(error.to_string());
        }
        match template.resolve(&inputs) {
            Ok(origin) => resolved.push(origin),
            // A missing secret is named already; what would have been derived from it need not be.
            Err(_) if given.is_none() && !template.asks_operator() && !faults.is_empty() => {}
            Err(error) => faults.push(error.to_string()),
        }
    }
    resolved
}

fn is_from_credential(template: &OriginTemplate) -> bool {
    let part = template.declaration().part.as_ref();
    part.is_some_and(|part| matches!(part.source, PartSource::CredentialSuffix { .. }))
}

/// The declared settings that have a value.
fn filled(declared: &[Setting], given: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let value = |setting: &Setting| given.get(&setting.name).or(setting.default_value.as_ref()).cloned();
    declared.iter().filter_map(|setting| Some((setting.name.clone(), value(setting)?))).collect()
}

fn credentials(method: &AuthMethod, settings: &[(String, String)], secrets: &[Secret]) -> Vec<Credential> {
    let kind = |kind: &contract::SlotKind| match kind {
        contract::SlotKind::Basic(username) => SlotKind::Basic { username: username.clone() },
        contract::SlotKind::BasicWithUserSetting(setting) => {
            let user = settings.iter().find(|(name, _)| name == setting).map(|(_, value)| value.clone());
            SlotKind::Basic { username: user.unwrap_or_default() }
        }
        contract::SlotKind::Bearer => SlotKind::Bearer,
        contract::SlotKind::Header(name) => SlotKind::Header { name: name.clone() },
    };
    method
        .slots
        .iter()
        .filter_map(|slot| {
            let secret = secrets.iter().find(|secret| secret.slot() == slot.name)?.clone();
            Some(Credential { secret, kind: kind(&slot.kind), origin: slot.origin.clone() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn setting(name: &str, kind: SettingKind, optional: bool, default_value: Option<&str>) -> Setting {
        Setting {
            name: name.to_owned(),
            label: name.to_uppercase(),
            kind,
            optional,
            default_value: default_value.map(str::to_owned),
        }
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn c1_every_fault_of_the_settings_is_named_at_once() {
        let declared = [
            setting("user", SettingKind::Text, false, None),
            setting("page", SettingKind::Number, true, Some("500")),
            setting("region", SettingKind::Choice(vec!["eu".into(), "us".into()]), true, None),
        ];
        let faults = setting_faults(&declared, &given(&[("page", "many"), ("region", "moon"), ("colour", "red")]));
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(setting_faults(&declared, &given(&[("user", "jana"), ("page", "-1.5")])).is_empty());
        assert_eq!(
            filled(&declared, &given(&[("user", "jana")])),
            [("user".to_owned(), "jana".to_owned()), ("page".to_owned(), "500".to_owned())]
        );
    }

    #[test]
    fn c1_a_missing_secret_and_a_strange_one_are_named_and_never_shown() {
        let method = AuthMethod {
            name: "api-key".to_owned(),
            label: "API key".to_owned(),
            slots: vec![contract::Slot {
                name: "api-key".to_owned(),
                label: "The API key".to_owned(),
                kind: contract::SlotKind::Bearer,
                origin: "api".to_owned(),
                optional: false,
            }],
        };
        let secret = StoredSecret(Zeroizing::new("open sesame".to_owned()));
        let faults = slot_faults(&method, &BTreeMap::from([("token".to_owned(), secret.clone())]));
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults.iter().all(|fault| !fault.contains("sesame")));
        assert!(slot_faults(&method, &BTreeMap::from([("api-key".to_owned(), secret)])).is_empty());
    }

    #[test]
    fn numbers_are_digits() {
        for (text, is) in [("1", true), ("-1.5", true), ("", false), ("1.", false), (".5", false), ("1e3", false)] {
            assert_eq!(is_number(text), is, "{text}");
        }
    }
}
