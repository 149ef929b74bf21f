//! Exports of other systems, known by their columns and mapped by themselves.
//!
//! Each known file is a description: the columns by which it is known, and where its columns go. A
//! place is written as in a mapping rule; one that the workspace has not is passed over, and `-` keeps
//! a column from being taken for something by its name. What the operator says wins over all of it.
//!
//! A description never makes consent: its columns of times and statuses are evidence of a claim, and
//! [`postroom_domain::claim`] says when that counts.

use serde::Serialize;

use crate::claim::FileStates;
use crate::layout;
use crate::vocabulary::plain;

/// A file that was known by its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Recognised {
    /// Its word, as in `mailchimp-audience`.
    pub id: &'static str,
    /// What it is, with its article.
    pub title: &'static str,
    /// What it states about every row.
    pub states: FileStates,
    #[serde(skip)]
    known: &'static KnownFile,
}

/// The description of a known file.
#[derive(Debug, PartialEq, Eq)]
struct KnownFile {
    id: &'static str,
    title: &'static str,
    /// It has all of these columns.
    needs: &'static [&'static str],
    /// And at least so many of these.
    some: (usize, &'static [&'static str]),
    /// Where columns go.
    places: &'static [(&'static str, &'static str)],
}

/// The file of contacts that this program writes.
const OWN: KnownFile = KnownFile {
    id: "postroom",
    title: "an export of Postroom",
    needs: &layout::COLUMNS,
    some: (0, &[]),
    places: &[
        (layout::EMAIL, "email"),
        (layout::EXTERNAL_ID, "external-id"),
        (layout::TAGS, layout::TAGS),
        (layout::CONSENT, "consent.status"),
        (layout::LISTS, "-"),
        (layout::CREATED_AT, "-"),
        (layout::UPDATED_AT, "-"),
    ],
};

/// The audience export of Mailchimp: one file for each status of its members. Its own columns are in
/// capitals; before them stand the audience's fields under their labels, an address in one column.
const MAILCHIMP: KnownFile = KnownFile {
    id: "mailchimp-audience",
    title: "an audience export of Mailchimp",
    needs: &["MEMBER_RATING", "LEID", "EUID"],
    some: (0, &[]),
    places: &[
        ("Email Address", "email"),
        ("Address", "address.*"),
        ("OPTIN_TIME", "consent.opted-in-at"),
        ("OPTIN_IP", "consent.opted-in-ip"),
        ("CONFIRM_TIME", "consent.confirmed-at"),
        ("CONFIRM_IP", "consent.confirmed-ip"),
        ("UNSUB_TIME", "consent.withdrawn-at"),
        ("UNSUB_REASON", "consent.reason"),
        ("UNSUB_CAMPAIGN_TITLE", "-"),
        ("UNSUB_CAMPAIGN_ID", "-"),
        ("CLEAN_TIME", "consent.bounced-at"),
        ("TAGS", layout::TAGS),
        // Where the network address lies, and not where the contact lives.
        ("CC", "-"),
        ("REGION", "-"),
        ("TIMEZONE", "-"),
    ],
};

/// The contacts of SmartEmailing, under the names that its interface gives their columns.
const SMARTEMAILING: KnownFile = KnownFile {
    id: "smartemailing-contacts",
    title: "a contact export of SmartEmailing",
    needs: &["emailaddress"],
    some: (
        2,
        &[
            "blacklisted",
            "hardbounced",
            "softbounced",
            "titlesbefore",
            "titlesafter",
            "salution",
            "nameday",
            "cellphone",
            "affilid",
        ],
    ),
    places: &[
        ("emailaddress", "email"),
        ("name", "firstname"),
        ("surname", "lastname"),
        ("company", "company"),
        ("street", "address.line1"),
        ("town", "address.city"),
        ("postalcode", "address.zip"),
        ("country", "address.country"),
        ("cellphone", "phone"),
        ("phone", "phone"),
        ("language", "language"),
        ("birthday", "birthday"),
        ("status", "consent.status"),
        // Blacklisted there means that the contact left everything.
        ("blacklisted", "consent.withdrawn"),
        ("hardbounced", "consent.bounced"),
    ],
};

/// Every known file, the one with the surest signs first.
const KNOWN: [&KnownFile; 3] = [&OWN, &MAILCHIMP, &SMARTEMAILING];

/// The beginnings of the names that Mailchimp gives its files, and what they state.
const MAILCHIMP_NAMES: [(&str, FileStates); 4] = [
    ("unsubscribed", FileStates::EveryoneWithdrew),
    ("cleaned", FileStates::EveryoneBounced),
    ("nonsubscribed", FileStates::NobodyGranted),
    ("transactional", FileStates::NobodyGranted),
];

/// Knows a file by the names of its columns. The name of the file tells what the columns do not: of
/// which status its contacts are.
#[must_use]
pub fn recognise(columns: &[String], file_name: &str) -> Option<Recognised> {
    let names: Vec<String> = columns.iter().map(|name| plain(name)).collect();
    let has = |name: &&&str| names.contains(&plain(name));
    let known = KNOWN.into_iter().find(|known| {
        let (least, some) = known.some;
        known.needs.iter().all(|name| has(&name)) && some.iter().filter(has).count() >= least
    })?;
    let states = if known.id == MAILCHIMP.id { mailchimp_states(&names, file_name) } else { FileStates::Nothing };
    Some(Recognised { id: known.id, title: known.title, states, known })
}

/// The files of members that left or bounced have a column of when they did in the place of that of
/// their last change. An audience may have fields of those names: then both are there, and only a
/// filled cell counts.
fn mailchimp_states(names: &[String], file_name: &str) -> FileStates {
    let name = file_name.to_lowercase();
    if let Some((_, states)) = MAILCHIMP_NAMES.iter().find(|(start, _)| name.starts_with(start)) {
        return *states;
    }
    let has = |name: &str| names.contains(&plain(name));
    match (has("LAST_CHANGED"), has("UNSUB_TIME"), has("CLEAN_TIME")) {
        (false, true, _) => FileStates::EveryoneWithdrew,
        (false, _, true) => FileStates::EveryoneBounced,
        _ => FileStates::Nothing,
    }
}

impl Recognised {
    /// The place of a column, as in a mapping rule, if the description names it.
    pub(crate) fn place(&self, plain_name: &str) -> Option<&'static str> {
        self.known.places.iter().find(|(name, _)| plain(name) == plain_name).map(|(_, place)| *place)
    }

    /// Whether this program wrote the file.
    pub(crate) fn is_own(&self) -> bool {
        self.id == OWN.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &str = "Email Address,First Name,Address,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,\
        LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION";

    fn known(header: &str, file: &str) -> Option<(&'static str, FileStates)> {
        let columns: Vec<String> = header.split(',').map(str::to_owned).collect();
        recognise(&columns, file).map(|known| (known.id, known.states))
    }

    #[test]
    fn a_file_is_known_by_its_columns_and_its_status_by_its_name() {
        let tail = "LEID,EUID,NOTES,TAGS";
        let subscribed = format!("{MEMBERS},LAST_CHANGED,{tail}");
        let unsubscribed = format!("{MEMBERS},UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,{tail}");
        let cleaned = format!("{MEMBERS},CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,{tail}");
        let own_fields = format!("UNSUB_TIME,{subscribed}");
        let mailchimp = |states| Some(("mailchimp-audience", states));
        for (header, file, expected) in [
            (&subscribed, "subscribed_members_export_1a.csv", mailchimp(FileStates::Nothing)),
            (&subscribed, "list.csv", mailchimp(FileStates::Nothing)),
            (&subscribed, "nonsubscribed_members_export_1a.csv", mailchimp(FileStates::NobodyGranted)),
            (&unsubscribed, "list.csv", mailchimp(FileStates::EveryoneWithdrew)),
            (&cleaned, "list.csv", mailchimp(FileStates::EveryoneBounced)),
            (&cleaned, "Cleaned_members_export_1a.csv", mailchimp(FileStates::EveryoneBounced)),
            (&own_fields, "list.csv", mailchimp(FileStates::Nothing)),
        ] {
            assert_eq!(known(header, file), expected, "{file}: {header}");
        }
        let smart = "id,emailaddress,name,surname,titlesbefore,blacklisted,created";
        assert_eq!(known(smart, "x.csv"), Some(("smartemailing-contacts", FileStates::Nothing)));
        for header in ["emailaddress,name,surname", "Email Address,First Name,LEID", ""] {
            assert_eq!(known(header, "unsubscribed.csv"), None, "{header}");
        }
        assert_eq!(known(&layout::COLUMNS.join(","), "x.csv"), Some(("postroom", FileStates::Nothing)));
    }
}
