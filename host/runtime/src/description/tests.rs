//! One rule each: a sound description, broken in one place.

use super::*;
use crate::contract::{CanonicalForm, CompositeField, CompositePart, ConsentScope, FieldNameRule, Limits, OriginPart};

fn sound() -> Description {
    let slot = |name: &str, kind| Slot {
        name: name.to_owned(),
        label: "API key".to_owned(),
        kind,
        origin: "api".to_owned(),
        optional: false,
    };
    Description {
        id: "some-provider".to_owned(),
        name: "Some provider".to_owned(),
        version: "1.0.0-beta.1".to_owned(),
        vendor: "Somebody".to_owned(),
        summary: "Pushes contacts.".to_owned(),
        settings: vec![Setting {
            name: "user".to_owned(),
            label: "User name".to_owned(),
            kind: SettingKind::Text,
            optional: false,
            default_value: None,
        }],
        auth_methods: vec![
            AuthMethod {
                name: "key".to_owned(),
                label: "API key".to_owned(),
                slots: vec![slot("api-key", SlotKind::Basic("anything".to_owned()))],
            },
            AuthMethod {
                name: "login".to_owned(),
                label: "Login".to_owned(),
                slots: vec![
                    slot("password", SlotKind::BasicWithUserSetting("user".to_owned())),
                    slot("tenant", SlotKind::Header("X-Tenant".to_owned())),
                ],
            },
        ],
        origins: vec![Origin {
            label: "api".to_owned(),
            template: "https://{dc}.api.example.com".to_owned(),
            part: Some(OriginPart {
                name: "dc".to_owned(),
                source: PartSource::CredentialSuffix(("api-key".to_owned(), "-".to_owned())),
                pattern: "[a-z]+[0-9]+".to_owned(),
            }),
            purpose: "Everything.".to_owned(),
        }],
        limits: Limits { max_batch: 500, max_concurrency: 10, requests_per_second: Some(10) },
        consent_scope: ConsentScope::Audience,
        field_name_rule: FieldNameRule {
            pattern: "[A-Z0-9_]{1,10}".to_owned(),
            explanation: "Capital letters.".to_owned(),
        },
        composite_fields: vec![CompositeField {
            kind: "address".to_owned(),
            parts: vec![CompositePart { name: "city".to_owned(), required: true }],
        }],
        canonical_forms: vec![CanonicalForm { kind: "text".to_owned(), form: "trimmed".to_owned() }],
        emulated: vec!["Tags.".to_owned()],
        extras: vec![],
    }
}

/// The sentence with which the sound description is refused after a change.
fn refused(change: impl FnOnce(&mut Description)) -> String {
    let mut description = sound();
    change(&mut description);
    check(&description).unwrap_err()
}

#[test]
fn a_sound_description_gives_its_origins() {
    let origins = check(&sound()).unwrap();
    assert_eq!(origins.len(), 1);
    assert_eq!(origins[0].label(), "api");
}

#[test]
fn names_are_plain() {
    for id in ["", "Some", "some provider", "some\u{301}", "a/b", &"x".repeat(65)] {
        let sentence = refused(|d| d.id = id.to_owned());
        assert!(sentence.starts_with("The id"), "{sentence}");
    }
    assert!(refused(|d| d.settings[0].name = "User".to_owned()).contains("setting"));
    assert!(refused(|d| d.auth_methods[0].slots[0].name.clear()).contains("slot"));
}

#[test]
fn texts_are_one_line_and_short() {
    assert!(refused(|d| d.name = "  ".to_owned()).contains("empty"));
    assert!(refused(|d| d.vendor = "a\nb".to_owned()).contains("control character"));
    assert!(refused(|d| d.summary = "\u{202e}evil".to_owned()).contains("control character"));
    assert!(refused(|d| d.summary = "x".repeat(2_000)).contains("longer than"));
    assert!(refused(|d| d.emulated = vec!["x".to_owned(); 101]).contains("at most 100"));
    assert!(refused(|d| d.version = "1.0".to_owned()).contains("semantic version"));
}

#[test]
fn settings_and_their_defaults_agree() {
    let with = |kind, default: &str| {
        let default = default.to_owned();
        refused(move |d| {
            d.settings[0].kind = kind;
            d.settings[0].default_value = Some(default);
        })
    };
    assert!(with(SettingKind::Number, "many").contains("kind"));
    assert!(with(SettingKind::Number, "inf").contains("kind"));
    assert!(with(SettingKind::Boolean, "yes").contains("kind"));
    assert!(with(SettingKind::Choice(vec!["a".to_owned()]), "b").contains("kind"));
    assert!(with(SettingKind::Choice(vec![]), "b").contains("0 choices"));
    let twice = refused(|d| d.settings.push(d.settings[0].clone()));
    assert!(twice.contains("declared twice"), "{twice}");
}

#[test]
fn whatever_is_referred_to_exists() {
    let slot_origin = refused(|d| d.auth_methods[0].slots[0].origin = "other".to_owned());
    assert!(slot_origin.contains("`other`, which is not declared"), "{slot_origin}");
    let user_setting = refused(|d| d.settings.clear());
    assert!(user_setting.contains("`user`, which is not declared"), "{user_setting}");
    let suffix = refused(|d| drop(d.auth_methods.remove(0)));
    assert!(suffix.contains("`api-key`, which no way"), "{suffix}");
}

#[test]
fn slots_do_not_get_in_each_others_way() {
    let same_header = refused(|d| {
        d.auth_methods[1].slots[1].kind = SlotKind::Header("AUTHORIZATION".to_owned());
    });
    assert!(same_header.contains("same header"), "{same_header}");
    let bad_header = refused(|d| d.auth_methods[1].slots[1].kind = SlotKind::Header("a b".to_owned()));
    assert!(bad_header.contains("no header name"), "{bad_header}");
    let colon = refused(|d| d.auth_methods[0].slots[0].kind = SlotKind::Basic("a:b".to_owned()));
    assert!(colon.contains("colon"), "{colon}");
}

#[test]
fn origins_keep_the_rules_of_egress() {
    assert!(refused(|d| d.origins.clear()).contains("no origin"));
    let plain = refused(|d| {
        d.origins[0].template = "http://api.example.com".to_owned();
        d.origins[0].part = None;
    });
    assert!(plain.contains("https://"), "{plain}");
    let wide = refused(|d| {
        if let Some(part) = &mut d.origins[0].part {
            part.pattern = ".*".to_owned();
        }
    });
    assert!(wide.contains("api"), "{wide}");
    let twice = refused(|d| d.origins.push(d.origins[0].clone()));
    assert!(twice.contains("declared twice"), "{twice}");
}

#[test]
fn limits_are_within_the_hosts_own() {
    for batch in [0, 1_001] {
        assert!(refused(|d| d.limits.max_batch = batch).contains("1 to 1000"));
    }
    assert!(refused(|d| d.limits.max_concurrency = 0).contains("one time"));
    assert!(refused(|d| d.limits.requests_per_second = Some(0)).contains("second"));
}

#[test]
fn fields_make_sense() {
    assert!(refused(|d| d.field_name_rule.pattern = "[A-".to_owned()).contains("regular"));
    assert!(refused(|d| d.composite_fields[0].parts.clear()).contains("no parts"));
    let twice = refused(|d| {
        let part = d.composite_fields[0].parts[0].clone();
        d.composite_fields[0].parts.push(part);
    });
    assert!(twice.contains("declared twice"), "{twice}");
}
