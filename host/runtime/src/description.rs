//! The rules that a plugin's description keeps, so that whatever shows, approves or obeys it later
//! need not ask again. Each refusal is one sentence for the plugin's author.

use std::collections::HashSet;

use postroom_egress::{OriginDeclaration, OriginTemplate};

use crate::contract::{AuthMethod, Description, Origin, PartSource, Setting, SettingKind, Slot, SlotKind};
use crate::limits::{
    MAX_BATCH, MAX_CHOICES, MAX_CONCURRENCY, MAX_DESCRIPTION_ENTRIES, MAX_NAME_BYTES, MAX_REQUESTS_PER_SECOND,
    MAX_TEXT_BYTES,
};
use crate::text::is_invisible;

/// Checks a description and parses its origins.
///
/// # Errors
///
/// The first rule that is broken, as a sentence.
pub(crate) fn check(description: &Description) -> Result<Vec<OriginTemplate>, String> {
    name("The id", &description.id)?;
    text("The name", &description.name)?;
    text("The vendor", &description.vendor)?;
    text("The summary", &description.summary)?;
    if let Err(error) = semver::Version::parse(&description.version) {
        return Err(format!(
            "The version `{}` is no semantic version such as 1.2.3 ({error}).",
            description.version.escape_default()
        ));
    }
    check_settings(&description.settings)?;
    let origins = check_origins(&description.origins)?;
    check_auth(description)?;
    check_limits(description)?;
    check_fields(description)?;
    some_entries("The list of what is emulated", &description.emulated)?;
    for sentence in &description.emulated {
        text("A sentence about what is emulated", sentence)?;
    }
    some_entries("The list of extras", &description.extras)?;
    for (key, value) in &description.extras {
        text("The name of an extra", key)?;
        optional_text("The value of an extra", value)?;
    }
    Ok(origins)
}

fn check_settings(settings: &[Setting]) -> Result<(), String> {
    some_entries("The list of settings", settings)?;
    once("setting", settings.iter().map(|setting| &setting.name))?;
    for setting in settings {
        name("The name of a setting", &setting.name)?;
        text("The label of a setting", &setting.label)?;
        if let SettingKind::Choice(choices) = &setting.kind {
            if choices.is_empty() || choices.len() > MAX_CHOICES {
                return Err(format!(
                    "The setting `{}` offers {} choices; it offers 1 to {MAX_CHOICES}.",
                    setting.name,
                    choices.len()
                ));
            }
            once("choice", choices.iter())?;
            for choice in choices {
                text("A choice", choice)?;
            }
        }
        if let Some(value) = &setting.default_value {
            optional_text("The default of a setting", value)?;
            if !suits(&setting.kind, value) {
                return Err(format!("The default of the setting `{}` is not of the setting's own kind.", setting.name));
            }
        }
    }
    Ok(())
}

/// Whether a value is one of this kind. Finite numbers only: `inf` is not a decimal number.
fn suits(kind: &SettingKind, value: &str) -> bool {
    match kind {
        SettingKind::Text => true,
        SettingKind::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
        SettingKind::Boolean => matches!(value, "true" | "false"),
        SettingKind::Choice(choices) => choices.iter().any(|choice| choice == value),
    }
}

fn check_origins(origins: &[Origin]) -> Result<Vec<OriginTemplate>, String> {
    if origins.is_empty() {
        return Err("It declares no origin, so it could never reach its provider.".to_owned());
    }
    some_entries("The list of origins", origins)?;
    once("origin", origins.iter().map(|origin| &origin.label))?;
    origins
        .iter()
        .map(|origin| {
            text("The purpose of an origin", &origin.purpose)?;
            OriginTemplate::parse(declaration(origin)).map_err(|error| error.to_string())
        })
        .collect()
}

/// The origin in egress' words.
fn declaration(origin: &Origin) -> OriginDeclaration {
    OriginDeclaration {
        label: origin.label.clone(),
        template: origin.template.clone(),
        part: origin.part.as_ref().map(|part| postroom_egress::OriginPart {
            name: part.name.clone(),
            source: match &part.source {
                PartSource::CredentialSuffix((slot, separator)) => {
                    postroom_egress::PartSource::CredentialSuffix { slot: slot.clone(), separator: separator.clone() }
                }
                PartSource::Operator => postroom_egress::PartSource::Operator,
            },
            pattern: part.pattern.clone(),
        }),
    }
}

fn check_auth(description: &Description) -> Result<(), String> {
    let methods = &description.auth_methods;
    some_entries("The list of ways to authenticate", methods)?;
    once("way to authenticate", methods.iter().map(|way| &way.name))?;
    for method in methods {
        check_method(description, method)?;
    }
    for origin in &description.origins {
        let Some(PartSource::CredentialSuffix((slot, _))) = origin.part.as_ref().map(|part| &part.source) else {
            continue;
        };
        let declared = |method: &AuthMethod| method.slots.iter().any(|found| found.name == *slot);
        if !methods.iter().any(declared) {
            return Err(format!(
                "The origin `{}` takes a part from the slot `{}`, which no way to authenticate has.",
                origin.label,
                slot.escape_default()
            ));
        }
    }
    Ok(())
}

fn check_method(description: &Description, method: &AuthMethod) -> Result<(), String> {
    name("The name of a way to authenticate", &method.name)?;
    text("The label of a way to authenticate", &method.label)?;
    some_entries("A list of slots", &method.slots)?;
    once("slot", method.slots.iter().map(|slot| &slot.name))?;
    let mut headers = HashSet::new();
    for slot in &method.slots {
        name("The name of a slot", &slot.name)?;
        text("The label of a slot", &slot.label)?;
        if !description.origins.iter().any(|origin| origin.label == slot.origin) {
            return Err(format!(
                "The slot `{}` is bound to the origin `{}`, which is not declared.",
                slot.name,
                slot.origin.escape_default()
            ));
        }
        let header = check_slot_kind(description, slot)?;
        if !headers.insert((slot.origin.as_str(), header)) {
            return Err(format!(
                "Two slots of the way to authenticate `{}` would set the same header at the origin `{}`.",
                method.name, slot.origin
            ));
        }
    }
    Ok(())
}

/// The header that the slot sets, in lower case.
fn check_slot_kind(description: &Description, slot: &Slot) -> Result<String, String> {
    let authorization = || "authorization".to_owned();
    match &slot.kind {
        SlotKind::Bearer => Ok(authorization()),
        SlotKind::Basic(user) => {
            if user.contains(':') || user.chars().any(is_invisible) {
                return Err(format!("The user name of the slot `{}` holds a colon or a control character.", slot.name));
            }
            optional_text("The user name of a slot", user)?;
            Ok(authorization())
        }
        SlotKind::BasicWithUserSetting(setting) => {
            let declared = |found: &Setting| found.name == *setting;
            if !description.settings.iter().any(declared) {
                return Err(format!(
                    "The slot `{}` takes its user name from the setting `{}`, which is not declared.",
                    slot.name,
                    setting.escape_default()
                ));
            }
            Ok(authorization())
        }
        SlotKind::Header(header) => {
            let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if header.is_empty() || header.len() > MAX_NAME_BYTES || !header.bytes().all(token) {
                return Err(format!(
                    "The slot `{}` sets the header `{}`, which is no header name.",
                    slot.name,
                    header.escape_default()
                ));
            }
            Ok(header.to_ascii_lowercase())
        }
    }
}

fn check_limits(description: &Description) -> Result<(), String> {
    let limits = &description.limits;
    let within = |what: &str, value: u32, most: u32| {
        if (1..=most).contains(&value) { Ok(()) } else { Err(format!("{what} is {value}; it is 1 to {most}.")) }
    };
    within("The largest batch", limits.max_batch, MAX_BATCH)?;
    within("The most requests at one time", limits.max_concurrency, MAX_CONCURRENCY)?;
    limits
        .requests_per_second
        .map_or(Ok(()), |rate| within("The most requests in a second", rate, MAX_REQUESTS_PER_SECOND))
}

fn check_fields(description: &Description) -> Result<(), String> {
    let rule = &description.field_name_rule;
    text("The explanation of field names", &rule.explanation)?;
    if rule.pattern.len() > MAX_TEXT_BYTES {
        return Err(format!("The pattern of field names is longer than {MAX_TEXT_BYTES} bytes."));
    }
    if let Err(error) = regex_lite::Regex::new(&format!("^(?:{})$", rule.pattern)) {
        return Err(format!(
            "The pattern of field names, `{}`, is no regular expression ({error}).",
            rule.pattern.escape_default()
        ));
    }
    some_entries("The list of composite fields", &description.composite_fields)?;
    once("composite field", description.composite_fields.iter().map(|field| &field.kind))?;
    for field in &description.composite_fields {
        text("The kind of a composite field", &field.kind)?;
        if field.parts.is_empty() {
            return Err(format!("The composite field `{}` has no parts.", field.kind));
        }
        some_entries("A list of parts", &field.parts)?;
        once("part", field.parts.iter().map(|part| &part.name))?;
        for part in &field.parts {
            text("The name of a part", &part.name)?;
        }
    }
    some_entries("The list of canonical forms", &description.canonical_forms)?;
    for form in &description.canonical_forms {
        text("The kind of a canonical form", &form.kind)?;
        text("A canonical form", &form.form)?;
    }
    Ok(())
}

fn name(what: &str, value: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if value.is_empty() || value.len() > MAX_NAME_BYTES || !value.bytes().all(allowed) {
        return Err(format!(
            "{what}, `{}`, is not 1 to {MAX_NAME_BYTES} characters of a-z, 0-9 and `-`.",
            shown(value)
        ));
    }
    Ok(())
}

pub(crate) fn text(what: &str, value: &str) -> Result<(), String> {
    if value.trim().is_empty() {
        return Err(format!("{what} is empty."));
    }
    optional_text(what, value)
}

pub(crate) fn optional_text(what: &str, value: &str) -> Result<(), String> {
    if value.len() > MAX_TEXT_BYTES {
        return Err(format!("{what}, `{}`, is longer than {MAX_TEXT_BYTES} bytes.", shown(value)));
    }
    if value.chars().any(is_invisible) {
        return Err(format!("{what}, `{}`, holds a line break or another control character.", shown(value)));
    }
    Ok(())
}

pub(crate) fn some_entries<T>(what: &str, entries: &[T]) -> Result<(), String> {
    if entries.len() > MAX_DESCRIPTION_ENTRIES {
        return Err(format!("{what} has {} entries; it has at most {MAX_DESCRIPTION_ENTRIES}.", entries.len()));
    }
    Ok(())
}

fn once<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("The {what} `{}` is declared twice.", shown(name)));
        }
    }
    Ok(())
}

/// The beginning of a value that breaks a rule, fit to stand in a sentence.
fn shown(value: &str) -> String {
    crate::text::escaped(value, MAX_NAME_BYTES)
}

#[cfg(test)]
mod tests;
