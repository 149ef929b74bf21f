//! What the plugin is.

use postroom_sdk::prelude::*;

/// The label of the only origin: every request goes to the API of the account's data centre.
pub(crate) const API: &str = "api";

/// The kind of the merge fields that hold a postal address.
pub(crate) const ADDRESS_KIND: &str = "address";

/// The parts of an address: the contract's word, Mailchimp's, and whether Mailchimp insists on it.
/// An address without those refuses the whole member (MC-20).
pub(crate) const ADDRESS_PARTS: [(&str, &str, bool); 6] = [
    ("line1", "addr1", true),
    ("line2", "addr2", false),
    ("city", "city", true),
    ("state", "state", true),
    ("zip", "zip", true),
    ("country", "country", false),
];

/// The most members of one `POST /lists/{id}`, and of each array of a segment call (MC-24).
pub(crate) const MOST_MEMBERS: usize = 500;
const MAX_BATCH: u32 = 500;

/// Mailchimp allows ten connections per user over all programs together (MC-32). Two are left for
/// whoever else uses the account, since a call that timed out may count on.
const MAX_CONCURRENCY: u32 = 8;

/// The slot of the API key, whose suffix names the data centre.
const API_KEY: &str = "api-key";

pub(crate) fn description() -> Description {
    Description::new("mailchimp", "Mailchimp", env!("CARGO_PKG_VERSION"))
        .vendor("Postroom")
        .summary("Keeps the members of Mailchimp audiences and their tags in step with Postroom.")
        .auth_method(AuthMethod::new(
            API_KEY,
            "API key",
            // Mailchimp takes any user name beside an API key (MC-02).
            [Slot::basic(API_KEY, "Mailchimp API key", "postroom", API)],
        ))
        .origin(Origin::with_part(
            API,
            "https://{dc}.api.mailchimp.com",
            OriginPart::suffix_of("dc", API_KEY, "-", "[a-z]+[0-9]+"),
            "The account's audiences, members and tags are read and written there.",
        ))
        .limits(Limits { max_batch: MAX_BATCH, max_concurrency: MAX_CONCURRENCY, requests_per_second: None })
        .consent_scope(ConsentScope::Audience)
        .field_names(
            "[A-Z][A-Z0-9_]{0,9}",
            "A merge tag has at most 10 characters: capital letters, digits and underscores, a letter first.",
        )
        .composite(ADDRESS_KIND, &ADDRESS_PARTS.map(|(part, _, required)| (part, required)))
        .canonical_form("birthday", "month-day")
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
