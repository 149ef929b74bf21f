// The description that every guest answers with, in the including guest's own types.
use crate::exports::postroom::provider::provider as p;

fn description(id: &str) -> p::Description {
    p::Description {
        id: id.into(),
        name: "A guest".into(),
        version: "1.2.3".into(),
        vendor: "The tests".into(),
        summary: "Does what a test needs.".into(),
        settings: vec![p::Setting {
            name: "mode".into(),
            label: "Mode".into(),
            kind: p::SettingKind::Choice(vec!["fast".into(), "slow".into()]),
            optional: true,
            default_value: Some("fast".into()),
        }],
        auth_methods: vec![p::AuthMethod {
            name: "api-key".into(),
            label: "API key".into(),
            slots: vec![p::Slot {
                name: "api-key".into(),
                label: "API key".into(),
                kind: p::SlotKind::Bearer,
                origin: "api".into(),
                optional: false,
            }],
        }],
        origins: vec![p::Origin {
            label: "api".into(),
            template: "https://api.example.com".into(),
            part: None,
            purpose: "Everything.".into(),
        }],
        limits: p::Limits {
            max_batch: 500,
            max_concurrency: 4,
            requests_per_second: None,
        },
        consent_scope: p::ConsentScope::Audience,
        field_name_rule: p::FieldNameRule {
            pattern: "[A-Z0-9_]{1,10}".into(),
            explanation: "Up to ten capital letters, digits and underscores.".into(),
        },
        composite_fields: vec![],
        canonical_forms: vec![],
        emulated: vec![],
        extras: vec![],
    }
}
