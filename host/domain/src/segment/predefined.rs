//! Segments that every workspace has from the start (row D7). Their names are reserved.
//!
//! They are written in the language itself: whatever they ask for, everybody can ask for.

/// A segment that is there from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Predefined {
    /// Its name; no other segment and no list gets it.
    pub name: &'static str,
    /// Who is in it, for people.
    pub description: &'static str,
    /// What it says.
    pub text: &'static str,
    /// Whether it asks for what campaigns did, which is known once activity was recorded. Until then
    /// nobody has opened, clicked, bounced or been sent anything.
    pub needs_activity: bool,
}

/// One that is known from contacts, lists and consent alone.
const fn known(name: &'static str, text: &'static str, description: &'static str) -> Predefined {
    Predefined { name, description, text, needs_activity: false }
}

/// One that is known from what campaigns did.
const fn by_activity(name: &'static str, text: &'static str, description: &'static str) -> Predefined {
    Predefined { name, description, text, needs_activity: true }
}

/// Every predefined segment, in the order in which people meet them.
pub const PREDEFINED: &[Predefined] = &[
    known("never-mailed", "not member() and not sent()", "Confirmed by no audience, and no campaign was sent to them"),
    known("new-7-days", "created in the last 7 days", "Created in the last 7 days"),
    known("new-30-days", "created in the last 30 days", "Created in the last 30 days"),
    known("no-consent", "consent = unknown", "No consent is recorded: nobody asked, or the answer is not known"),
    known("awaiting-confirmation", "consent = pending", "Asked for consent and have not confirmed yet"),
    known("withdrawn", "consent = withdrawn", "Said no: nothing may be sent to them"),
    known("unusable", "consent = unusable", "Their address does not take mail"),
    known(
        "inactive-90-days",
        "updated before 90 days ago and not opened() in the last 90 days and not clicked() in the last 90 days",
        "Nothing about them changed for 90 days, and they neither opened nor clicked since",
    ),
    known(
        "inactive-365-days",
        "updated before 365 days ago and not opened() in the last 365 days and not clicked() in the last 365 days",
        "Nothing about them changed for 365 days, and they neither opened nor clicked since",
    ),
    known(
        "incomplete-address",
        "address is set and not (address.line1 is set and address.city is set and address.state is set and \
         address.zip is set)",
        "Have part of an address, but not line 1, city, state and zip, without which none is sent",
    ),
    known("repeated", "repeated()", "Stand more than once on one list"),
    by_activity("opened-30-days", "opened() in the last 30 days", "Opened a campaign in the last 30 days"),
    by_activity(
        "not-opened-30-days",
        "sent() in the last 30 days and not opened() in the last 30 days",
        "Were sent a campaign in the last 30 days and opened none",
    ),
    by_activity("clicked-30-days", "clicked() in the last 30 days", "Followed a link in the last 30 days"),
    by_activity(
        "not-clicked-30-days",
        "opened() in the last 30 days and not clicked() in the last 30 days",
        "Opened a campaign in the last 30 days and followed no link",
    ),
    by_activity("bounced", "bounced()", "A campaign to them came back, at any time"),
];

/// The predefined segment of a name.
#[must_use]
pub fn predefined(name: &str) -> Option<&'static Predefined> {
    PREDEFINED.iter().find(|segment| segment.name == name)
}
