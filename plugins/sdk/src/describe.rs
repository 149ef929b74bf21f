//! Constructors for what `describe` answers.

use crate::provider::{
    AuthMethod, CanonicalForm, CompositeField, CompositePart, ConsentScope, Description, FieldNameRule, Limits, Origin,
    OriginPart, PartSource, Setting, Slot, SlotKind,
};

impl Description {
    /// A plugin with this id (a-z, 0-9 and `-`), name and version: one contact per push, one
    /// request at a time, one status per audience, any field name.
    pub fn new(id: &str, name: &str, version: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            vendor: String::new(),
            summary: String::new(),
            settings: Vec::new(),
            auth_methods: Vec::new(),
            origins: Vec::new(),
            limits: Limits { max_batch: 1, max_concurrency: 1, requests_per_second: None },
            consent_scope: ConsentScope::Audience,
            field_name_rule: FieldNameRule { pattern: ".+".to_owned(), explanation: "Any name will do.".to_owned() },
            composite_fields: Vec::new(),
            canonical_forms: Vec::new(),
            emulated: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// Who answers for the plugin.
    #[must_use]
    pub fn vendor(mut self, vendor: &str) -> Self {
        vendor.clone_into(&mut self.vendor);
        self
    }

    /// What it does, in one sentence.
    #[must_use]
    pub fn summary(mut self, summary: &str) -> Self {
        summary.clone_into(&mut self.summary);
        self
    }

    /// Adds a setting of an account.
    #[must_use]
    pub fn setting(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }

    /// Adds a way to authenticate; the usual one comes first.
    #[must_use]
    pub fn auth_method(mut self, method: AuthMethod) -> Self {
        self.auth_methods.push(method);
        self
    }

    /// Adds a place to go.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origins.push(origin);
        self
    }

    /// How fast the provider may be called.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How far a status reaches.
    #[must_use]
    pub fn consent_scope(mut self, scope: ConsentScope) -> Self {
        self.consent_scope = scope;
        self
    }

    /// What field names look like: a regular expression, and the same as a sentence.
    #[must_use]
    pub fn field_names(mut self, pattern: &str, explanation: &str) -> Self {
        self.field_name_rule = FieldNameRule { pattern: pattern.to_owned(), explanation: explanation.to_owned() };
        self
    }

    /// Adds a kind of field that goes all or not at all, its parts as (name, required).
    #[must_use]
    pub fn composite(mut self, kind: &str, parts: &[(&str, bool)]) -> Self {
        let parts = parts.iter().map(|&(name, required)| CompositePart { name: name.to_owned(), required });
        self.composite_fields.push(CompositeField { kind: kind.to_owned(), parts: parts.collect() });
        self
    }

    /// Adds how the provider rewrites values of a kind.
    #[must_use]
    pub fn canonical_form(mut self, kind: &str, form: &str) -> Self {
        self.canonical_forms.push(CanonicalForm { kind: kind.to_owned(), form: form.to_owned() });
        self
    }

    /// Adds something that the provider lacks and the plugin stands in for, as a sentence.
    #[must_use]
    pub fn emulates(mut self, sentence: &str) -> Self {
        self.emulated.push(sentence.to_owned());
        self
    }
}

impl AuthMethod {
    /// A way to authenticate with these secrets.
    pub fn new(name: &str, label: &str, slots: impl IntoIterator<Item = Slot>) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), slots: slots.into_iter().collect() }
    }
}

impl Slot {
    fn of(kind: SlotKind, name: &str, label: &str, origin: &str) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), kind, origin: origin.to_owned(), optional: false }
    }

    /// A secret that is the password of HTTP Basic, with a fixed user name.
    pub fn basic(name: &str, label: &str, user: &str, origin: &str) -> Self {
        Self::of(SlotKind::Basic(user.to_owned()), name, label, origin)
    }

    /// A secret that is the password of HTTP Basic; the user name is a setting of the account.
    pub fn basic_with_user_setting(name: &str, label: &str, setting: &str, origin: &str) -> Self {
        let kind = SlotKind::BasicWithUserSetting(setting.to_owned());
        Self::of(kind, name, label, origin)
    }

    /// A bearer token.
    pub fn bearer(name: &str, label: &str, origin: &str) -> Self {
        Self::of(SlotKind::Bearer, name, label, origin)
    }

    /// A secret in a header of its own.
    pub fn header(name: &str, label: &str, header: &str, origin: &str) -> Self {
        Self::of(SlotKind::Header(header.to_owned()), name, label, origin)
    }
}

impl Origin {
    /// An origin that is the same for every account, such as `https://api.example.com`.
    pub fn fixed(label: &str, url: &str, purpose: &str) -> Self {
        Self { label: label.to_owned(), template: url.to_owned(), part: None, purpose: purpose.to_owned() }
    }

    /// An origin with one part in braces, such as `https://{dc}.api.example.com`.
    pub fn with_part(label: &str, template: &str, part: OriginPart, purpose: &str) -> Self {
        Self { label: label.to_owned(), template: template.to_owned(), part: Some(part), purpose: purpose.to_owned() }
    }
}

impl OriginPart {
    /// The text behind the last `separator` in the secret of a slot.
    pub fn suffix_of(name: &str, slot: &str, separator: &str, pattern: &str) -> Self {
        Self {
            name: name.to_owned(),
            source: PartSource::CredentialSuffix((slot.to_owned(), separator.to_owned())),
            pattern: pattern.to_owned(),
        }
    }

    /// What the operator enters.
    pub fn entered(name: &str, pattern: &str) -> Self {
        Self { name: name.to_owned(), source: PartSource::Operator, pattern: pattern.to_owned() }
    }
}
