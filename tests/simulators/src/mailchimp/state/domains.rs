//! Which addresses are taken for fake or invalid (MC-19).

use std::str::FromStr;

use email_address::EmailAddress;

/// Text for an address that cannot be one.
const SYNTAX: &str = "Please provide a valid email address.";

/// Domains reserved for documentation, and disposable ones. An entry with a leading dot stands for
/// everything below it.
const FAKE: [&str; 11] = [
    "example.com",
    "example.org",
    "example.net",
    ".example",
    ".test",
    ".invalid",
    ".localhost",
    "yopmail.com",
    "mailinator.com",
    "guerrillamail.com",
    "trashmail.com",
];

/// Decides whether an address is refused. Some fake domains are allowed on purpose, so that tests and
/// demonstrations need no real ones.
#[derive(Clone, Debug)]
pub struct DomainPolicy {
    allowed: Vec<String>,
}

impl Default for DomainPolicy {
    fn default() -> Self {
        Self::allowing(["example.com", "example.org", "example.net", ".test"])
    }
}

impl DomainPolicy {
    /// A policy that lets the given fake domains pass. `.test` allows everything below `test`.
    pub fn allowing<T: AsRef<str>>(domains: impl IntoIterator<Item = T>) -> Self {
        Self { allowed: domains.into_iter().map(|domain| domain.as_ref().to_ascii_lowercase()).collect() }
    }

    /// The provider's sentence about `email` if it is refused; `honour_allowed` is the switch
    /// `allowed_domains_honoured`.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self, email: &str, honour_allowed: bool) -> Result<(), String> {
        let address = EmailAddress::from_str(email).map_err(|_| SYNTAX.to_owned())?;
        let domain = address.domain().to_ascii_lowercase();
        if !domain.contains('.') {
            return Err(SYNTAX.to_owned());
        }
        let allowed = honour_allowed && self.allowed.iter().any(|entry| covers(entry, &domain));
        if !allowed && FAKE.iter().any(|entry| covers(entry, &domain)) {
            return Err(format!("{email} looks fake or invalid, please enter a real email address."));
        }
        Ok(())
    }
}

fn covers(entry: &str, domain: &str) -> bool {
    if entry.starts_with('.') { domain.ends_with(entry) } else { domain == entry }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mc_19_fake_disposable_and_malformed_addresses_are_told_apart() {
        let policy = DomainPolicy::default();
        assert_eq!(policy.check("ana@example.com", true), Ok(()));
        assert_eq!(policy.check("ana@guests.test", true), Ok(()));
        assert_eq!(policy.check("ana@hotel.cz", false), Ok(()));
        for email in ["ana@yopmail.com", "ana@fake.example"] {
            assert!(policy.check(email, true).unwrap_err().contains("looks fake"));
        }
        assert!(policy.check("ana@example.com", false).is_err());
        for email in ["", "ana", "ana@", "@example.com", "ana@hotel", "a b@hotel.cz"] {
            assert_eq!(policy.check(email, true).unwrap_err(), SYNTAX);
        }
    }
}
