//! Where a plugin may go: labelled templates, and the address each gets for one account.
//!
//! ```text
//! OriginDeclaration  --OriginTemplate::parse-->  OriginTemplate  --resolve-->  ResolvedOrigin
//! (what `describe` says)   (refused when bad)                     (per account, fixed for its life)
//! ```
//!
//! A template is approved with the plugin; the resolved origin is shown with the account. A plugin
//! can choose nothing in it: the one variable part comes from a credential or from the operator and
//! must match a narrow pattern, and the text behind it must name at least two fixed labels.

mod operator;
mod pattern;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::credential::Secret;
use crate::error::EgressError;
use pattern::PartPattern;

/// The longest label or part name.
const MAX_NAME: usize = 32;

/// The longest template; a host name has at most 253 characters.
const MAX_TEMPLATE: usize = 300;

/// An origin as a plugin declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginDeclaration {
    /// The label that requests name: a-z, 0-9 and `-`.
    pub label: String,
    /// `https://host/optional/path` with at most one part in braces inside the host, or `{part}`
    /// alone for an address that the operator enters whole.
    pub template: String,
    /// The variable part, exactly when the template has braces.
    pub part: Option<OriginPart>,
}

/// The variable part of an origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginPart {
    /// The name that stands in braces.
    pub name: String,
    /// Where its value comes from.
    pub source: PartSource,
    /// What the value must look like: a regular expression of a-z, 0-9, `-`, `[…]`, `(…)`, `|`,
    /// `+`, `*`, `?` and `{m,n}`, such as `[a-z]+[0-9]+`. Empty for an address entered whole.
    pub pattern: String,
}

/// Where the value of a part comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartSource {
    /// The text behind the last `separator` in the secret of `slot`, as Mailchimp's data centre
    /// stands behind the last `-` of its API key.
    CredentialSuffix {
        /// The credential slot.
        slot: String,
        /// One or more characters.
        separator: String,
    },
    /// What the operator enters for this account.
    Operator,
}

/// A declaration that has been checked; see [`OriginTemplate::parse`].
#[derive(Debug, Clone)]
pub struct OriginTemplate {
    declaration: OriginDeclaration,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Fixed(Url),
    Part { before: String, after: String, source: PartSource, pattern: PartPattern },
    Whole,
}

/// What an account brings along for its origins.
#[derive(Debug, Clone, Copy)]
pub struct OriginInputs<'a> {
    /// The base URL that the operator puts in place of the template, if any.
    pub override_url: Option<&'a str>,
    /// What the operator entered for a part with [`PartSource::Operator`].
    pub entered: Option<&'a str>,
    /// The account's secrets, for [`PartSource::CredentialSuffix`].
    pub secrets: &'a [Secret],
    /// The operator's `--insecure-origin`: permits plain http, loopback and private addresses for
    /// what the operator entered, and for nothing else.
    pub insecure: bool,
}

/// The address of one label for one account. Only [`OriginTemplate::resolve`] makes it, so every
/// value has passed the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolvedOrigin {
    label: String,
    base: Url,
    by_operator: bool,
    insecure: bool,
}

impl ResolvedOrigin {
    /// The label that requests name.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Scheme, host, port and base path, without a trailing `/` in the path.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether the operator entered the whole address, as an override or because the template
    /// asks for it.
    #[must_use]
    pub fn by_operator(&self) -> bool {
        self.by_operator
    }

    /// Whether plain http, loopback and private addresses are permitted here. To be shown wherever
    /// the account is shown.
    #[must_use]
    pub fn insecure(&self) -> bool {
        self.insecure
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }
}

impl OriginTemplate {
    /// Checks a declaration.
    ///
    /// # Errors
    ///
    /// [`EgressError::Template`] with a sentence for the plugin's author: anything but https, a
    /// part outside the host, more than one part, fewer than two fixed labels behind it, a pattern
    /// that is not narrow, a host that is an address instead of a name.
    pub fn parse(declaration: OriginDeclaration) -> Result<Self, EgressError> {
        match parse_rule(&declaration) {
            Ok(rule) => Ok(Self { declaration, rule }),
            Err(problem) => Err(EgressError::Template { label: clip(&declaration.label), problem }),
        }
    }

    /// The label that requests name.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.declaration.label
    }

    /// The declaration this was parsed from, for the approval to show and to compare.
    #[must_use]
    pub fn declaration(&self) -> &OriginDeclaration {
        &self.declaration
    }

    /// Whether an account must bring something the operator enters for this origin.
    #[must_use]
    pub fn asks_operator(&self) -> bool {
        match &self.rule {
            Rule::Fixed(_) => false,
            Rule::Whole => true,
            Rule::Part { source, .. } => *source == PartSource::Operator,
        }
    }

    /// The address for one account.
    ///
    /// # Errors
    ///
    /// [`EgressError::Origin`] with a sentence for the operator: a value is missing or does not
    /// match, the override is no usable URL, or it needs `--insecure-origin`.
    pub fn resolve(&self, inputs: &OriginInputs<'_>) -> Result<ResolvedOrigin, EgressError> {
        let resolved = match (inputs.override_url, &self.rule) {
            (Some(url), _) => operator::base_url(url, inputs.insecure).map(|base| (base, true)),
            (None, Rule::Whole) => inputs
                .entered
                .ok_or_else(|| {
                    "its address is entered by the operator and is missing. Enter the base URL of \
                     your installation, such as https://mail.example.com."
                        .to_owned()
                })
                .and_then(|url| operator::base_url(url, inputs.insecure))
                .map(|base| (base, true)),
            (None, Rule::Fixed(base)) => Ok((base.clone(), false)),
            (None, Rule::Part { before, after, source, pattern }) => part_value(source, pattern, inputs)
                .and_then(|value| filled(before, value, after))
                .map(|base| (base, false)),
        };
        match resolved {
            Ok((base, by_operator)) => Ok(ResolvedOrigin {
                label: self.declaration.label.clone(),
                base,
                by_operator,
                insecure: by_operator && inputs.insecure,
            }),
            Err(problem) => Err(EgressError::Origin { label: self.declaration.label.clone(), problem }),
        }
    }
}

/// What is shown of a name that may itself be the fault.
fn clip(text: &str) -> String {
    text.chars().take(MAX_NAME).flat_map(char::escape_default).collect()
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn parse_rule(declaration: &OriginDeclaration) -> Result<Rule, String> {
    let OriginDeclaration { label, template, part } = declaration;
    if !is_name(label) {
        return Err(format!("a label has 1 to {MAX_NAME} characters out of a-z, 0-9 and `-`."));
    }
    if template.len() > MAX_TEMPLATE {
        return Err(format!("a template has at most {MAX_TEMPLATE} characters."));
    }
    match (part, template.split_once('{')) {
        (None, None) => parse_fixed(template).map(Rule::Fixed),
        (Some(part), Some((before, rest))) => parse_part(before, rest, part),
        (None, Some(_)) => Err(format!(
            "the template `{template}` has braces but no part is declared. Declare the part or \
             write the host out."
        )),
        (Some(part), None) => Err(format!(
            "the part `{}` does not stand in the template `{template}`. Write it in braces inside \
             the host, or leave the part out.",
            clip(&part.name)
        )),
    }
}

fn parse_part(before: &str, rest: &str, part: &OriginPart) -> Result<Rule, String> {
    if !is_name(&part.name) {
        return Err(format!("a part's name has 1 to {MAX_NAME} characters out of a-z, 0-9 and `-`."));
    }
    let Some((name, after)) = rest.split_once('}') else {
        return Err("a brace is opened and never closed.".to_owned());
    };
    if name != part.name {
        return Err(format!("the template names `{}` but the declared part is `{}`.", clip(name), part.name));
    }
    if after.contains(['{', '}']) || before.contains('}') {
        return Err("an origin has one variable part at most.".to_owned());
    }
    if before.is_empty() && after.is_empty() {
        return parse_whole(part);
    }
    if let PartSource::CredentialSuffix { separator, .. } = &part.source
        && separator.is_empty()
    {
        return Err("the separator in front of a credential's suffix is empty.".to_owned());
    }
    let pattern = PartPattern::parse(&part.pattern)?;
    let host_end = after.find(['/', ':', '?', '#']).unwrap_or(after.len());
    let (host_rest, _) = after.split_at_checked(host_end).unwrap_or((after, ""));
    let fixed_labels = host_rest.split('.').skip(1).filter(|label| !label.is_empty()).count();
    if !before.starts_with("https://") || before.matches('/').count() != 2 || fixed_labels < 2 {
        return Err(format!(
            "`{{{name}}}` must stand in the host of an https address, with at least two fixed \
             labels behind it, such as https://{{{name}}}.api.example.com."
        ));
    }
    // Any value that matches gives the same kind of host as this one does.
    parse_fixed(&format!("{before}x{after}"))?;
    Ok(Rule::Part { before: before.to_owned(), after: after.to_owned(), source: part.source.clone(), pattern })
}

fn parse_whole(part: &OriginPart) -> Result<Rule, String> {
    if part.source != PartSource::Operator {
        return Err("only the operator can enter a whole address; a credential cannot name one.".to_owned());
    }
    if !part.pattern.is_empty() {
        return Err("an address that the operator enters whole takes no pattern. Leave it empty.".to_owned());
    }
    Ok(Rule::Whole)
}

fn parse_fixed(template: &str) -> Result<Url, String> {
    if !template.starts_with("https://") {
        return Err(format!("`{template}` does not begin with https://."));
    }
    let url = Url::parse(template).map_err(|error| format!("`{template}` is no URL: {error}."))?;
    // A template that the URL parser rewrites (upper case, default port, dots, userinfo, exotic
    // spellings of an address) would not be what the operator read when approving it.
    if url.as_str().trim_end_matches('/') != template.trim_end_matches('/') {
        return Err(format!("`{template}` is not written in its canonical form; write `{url}`."));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an origin contains no user name and no password.".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an origin contains no query and no fragment.".to_owned());
    }
    match url.host() {
        Some(Host::Domain(name)) if name.contains('.') && !operator::is_localhost(name) => {}
        _ => {
            return Err(format!("`{template}` must name a host with a domain, not an address or a machine name."));
        }
    }
    crate::path::check(url.path()).map_err(|problem| format!("its path is refused: {problem}"))?;
    Ok(url)
}

fn part_value<'a>(source: &PartSource, pattern: &PartPattern, inputs: &OriginInputs<'a>) -> Result<&'a str, String> {
    // The value is never printed: a mistyped one may be a piece of the secret.
    match source {
        PartSource::CredentialSuffix { slot, separator } => {
            let secret = inputs.secrets.iter().find(|secret| secret.slot() == slot).ok_or_else(|| {
                format!(
                    "its address is derived from the credential in slot `{slot}`, which is \
                         not set. Set it first."
                )
            })?;
            let (_, suffix) = secret.expose().rsplit_once(separator.as_str()).ok_or_else(|| {
                format!(
                    "the credential in slot `{slot}` has no `{separator}`, behind which its \
                     region stands. Copy the whole credential again, to its last character."
                )
            })?;
            if !pattern.matches(suffix) {
                return Err(format!(
                    "what stands behind the last `{separator}` of the credential in slot `{slot}` \
                     is no region (it must match `{pattern}`). Copy the whole credential again, \
                     to its last character."
                ));
            }
            Ok(suffix)
        }
        PartSource::Operator => {
            let entered = inputs
                .entered
                .ok_or_else(|| format!("a part of its address is missing. Enter a value that matches `{pattern}`."))?;
            if !pattern.matches(entered) {
                return Err(format!(
                    "the entered part of its address must match `{pattern}`. Enter only that part, \
                     without https:// and without the domain."
                ));
            }
            Ok(entered)
        }
    }
}

fn filled(before: &str, value: &str, after: &str) -> Result<Url, String> {
    // The value may make a host name impossible (a label of 64 characters, a leading `-`).
    parse_fixed(&format!("{before}{value}{after}"))
}

#[cfg(test)]
mod tests;
