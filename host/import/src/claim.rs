//! What the columns of a file say about consent, row by row.
//!
//! A claim is never more than the cells say. Where they speak against each other, the withdrawal
//! counts, then the bounce, then the grant (invariant 2): only a status that says *granted* beside an
//! opt-in that is later than the withdrawal shows that the contact came back. A status that says anything else, or that is
//! left empty as an unticked box is, is a claim that nothing was granted. When a claim counts is a
//! rule of [`postroom_domain::claim`].

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use postroom_domain::claim::{ClaimedAct, ConsentClaim};
use postroom_domain::field::{FieldType, FieldValue};
use serde::{Deserialize, Serialize};

use crate::dates::{DateOrder, moment};
use crate::vocabulary::plain;

/// How much of one cell goes into the evidence: a reason for leaving is a sentence or two.
const EVIDENCE_CELL_CHARS: usize = 200;

/// What a column tells about consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentRole {
    /// A word: `subscribed`, `granted`, `yes`, `unsubscribed`, `cleaned`; anything else is no grant, and nothing is none.
    Status,
    /// When the contact opted in.
    OptedInAt,
    /// From which network address.
    OptedInIp,
    /// When the contact confirmed that.
    ConfirmedAt,
    /// From which network address.
    ConfirmedIp,
    /// When the contact took its consent back.
    WithdrawnAt,
    /// Yes, or a one, if it did.
    Withdrawn,
    /// Why it did.
    Reason,
    /// When the address was found not to take mail.
    BouncedAt,
    /// Yes, or a number above zero, if it was.
    Bounced,
}

impl ConsentRole {
    /// Every role.
    pub const ALL: [Self; 10] = [
        Self::Status,
        Self::OptedInAt,
        Self::OptedInIp,
        Self::ConfirmedAt,
        Self::ConfirmedIp,
        Self::WithdrawnAt,
        Self::Withdrawn,
        Self::Reason,
        Self::BouncedAt,
        Self::Bounced,
    ];

    /// Whether it tells when something happened.
    pub(crate) fn is_moment(self) -> bool {
        matches!(self, Self::OptedInAt | Self::ConfirmedAt | Self::WithdrawnAt | Self::BouncedAt)
    }

    /// The role's word; as a place it stands after `consent.`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::OptedInAt => "opted-in-at",
            Self::OptedInIp => "opted-in-ip",
            Self::ConfirmedAt => "confirmed-at",
            Self::ConfirmedIp => "confirmed-ip",
            Self::WithdrawnAt => "withdrawn-at",
            Self::Withdrawn => "withdrawn",
            Self::Reason => "reason",
            Self::BouncedAt => "bounced-at",
            Self::Bounced => "bounced",
        }
    }
}

impl fmt::Display for ConsentRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ConsentRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            format!("`{text}` tells nothing about consent: use one of {}", all.join(", "))
        })
    }
}

/// What a file states about every row by being the file that it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileStates {
    /// Nothing: the rows speak for themselves.
    #[default]
    Nothing,
    /// Its contacts have left.
    EveryoneWithdrew,
    /// Its addresses do not take mail.
    EveryoneBounced,
    /// Its contacts never agreed, whatever times stand in the rows.
    NobodyGranted,
}

/// The columns that tell about consent, by their positions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsentColumns {
    /// [`ConsentRole::Status`].
    pub status: Option<usize>,
    /// [`ConsentRole::OptedInAt`].
    pub opted_in_at: Option<usize>,
    /// [`ConsentRole::OptedInIp`].
    pub opted_in_ip: Option<usize>,
    /// [`ConsentRole::ConfirmedAt`].
    pub confirmed_at: Option<usize>,
    /// [`ConsentRole::ConfirmedIp`].
    pub confirmed_ip: Option<usize>,
    /// [`ConsentRole::WithdrawnAt`].
    pub withdrawn_at: Option<usize>,
    /// [`ConsentRole::Withdrawn`].
    pub withdrawn: Option<usize>,
    /// [`ConsentRole::Reason`].
    pub reason: Option<usize>,
    /// [`ConsentRole::BouncedAt`].
    pub bounced_at: Option<usize>,
    /// [`ConsentRole::Bounced`].
    pub bounced: Option<usize>,
    /// Whether a row without a moment of consent says that there is none. In exports of known systems others agreed
    /// elsewhere.
    pub moments_decide: bool,
    /// What the file states about every row.
    pub file: FileStates,
    /// How dates are written in which the day and the month could be either.
    pub date_order: DateOrder,
}

/// A row, as a claim is read from it.
pub trait ConsentRow {
    /// The cell of a column, cleaned.
    fn cell(&self, index: usize) -> Cow<'_, str>;
    /// The name of a column.
    fn column(&self, index: usize) -> &str;
    /// Where the row stands: the file and the line.
    fn place(&self) -> String;
}

impl ConsentColumns {
    /// Puts a column to its role.
    pub(crate) fn set(&mut self, role: ConsentRole, index: usize) {
        *self.slot(role) = Some(index);
    }

    fn slot(&mut self, role: ConsentRole) -> &mut Option<usize> {
        match role {
            ConsentRole::Status => &mut self.status,
            ConsentRole::OptedInAt => &mut self.opted_in_at,
            ConsentRole::OptedInIp => &mut self.opted_in_ip,
            ConsentRole::ConfirmedAt => &mut self.confirmed_at,
            ConsentRole::ConfirmedIp => &mut self.confirmed_ip,
            ConsentRole::WithdrawnAt => &mut self.withdrawn_at,
            ConsentRole::Withdrawn => &mut self.withdrawn,
            ConsentRole::Reason => &mut self.reason,
            ConsentRole::BouncedAt => &mut self.bounced_at,
            ConsentRole::Bounced => &mut self.bounced,
        }
    }

    /// The columns in the order of their roles.
    fn all(&self) -> [Option<usize>; 10] {
        [
            self.status,
            self.opted_in_at,
            self.opted_in_ip,
            self.confirmed_at,
            self.confirmed_ip,
            self.withdrawn_at,
            self.withdrawn,
            self.reason,
            self.bounced_at,
            self.bounced,
        ]
    }

    /// What a row says; none where it says nothing.
    #[must_use]
    pub fn claim(&self, row: &impl ConsentRow) -> Option<ConsentClaim> {
        let cell = |index: Option<usize>| index.map(|index| row.cell(index)).filter(|cell| !cell.is_empty());
        let time = |index: Option<usize>| cell(index).and_then(|cell| moment(&cell, self.date_order));
        let is_set = |index: Option<usize>| cell(index).is_some_and(|cell| says_yes(&cell));
        let status = cell(self.status).map(|cell| Status::read(&cell));

        let agreed_at = time(self.confirmed_at).or_else(|| time(self.opted_in_at));
        let came_back = status == Some(Status::Granted)
            && time(self.withdrawn_at).zip(agreed_at).is_some_and(|(withdrew, agreed)| agreed > withdrew);
        let withdrew = status == Some(Status::Withdrawn)
            || self.file == FileStates::EveryoneWithdrew
            || is_set(self.withdrawn)
            || cell(self.withdrawn).is_some_and(|cell| Status::read(&cell) == Status::Withdrawn)
            || (cell(self.withdrawn_at).is_some() && !came_back);
        let bounced = status == Some(Status::Bounced)
            || self.file == FileStates::EveryoneBounced
            || is_set(self.bounced)
            || cell(self.bounced).is_some_and(|cell| Status::read(&cell) == Status::Bounced)
            || cell(self.bounced_at).is_some();
        let granted = self.file != FileStates::NobodyGranted
            && match status {
                Some(status) => status == Status::Granted,
                None => self.status.is_none() && agreed_at.is_some(),
            };
        let (act, at, ip) = if withdrew {
            (ClaimedAct::Withdrawn, time(self.withdrawn_at), None)
        } else if bounced {
            (ClaimedAct::Bounced, time(self.bounced_at), None)
        } else if granted {
            let ip = cell(self.confirmed_ip).or_else(|| cell(self.opted_in_ip));
            (ClaimedAct::Granted, agreed_at, ip.filter(|ip| ip.parse::<IpAddr>().is_ok()).map(Cow::into_owned))
        } else if self.should_say() || self.file == FileStates::NobodyGranted {
            (ClaimedAct::NotGranted, None, None)
        } else {
            return None;
        };
        Some(ConsentClaim { act, at, evidence: self.evidence(row), ip })
    }

    /// The cells that should say yes, no or how a contact stands, and say nothing that is understood, with the reason. What
    /// they meant may have been that the contact left.
    pub(crate) fn unclear(&self, row: &impl ConsentRow) -> impl Iterator<Item = (ConsentRole, String)> {
        let cell = |index: Option<usize>| index.map(|index| row.cell(index)).filter(|cell| !cell.is_empty());
        let status = cell(self.status).filter(|cell| Status::read(cell) == Status::Unclear);
        // In a column of flags, only what is meant by a flag.
        let flag = |index, means| {
            cell(index).filter(|cell| !says_yes(cell) && ![means, Status::Denied].contains(&Status::read(cell)))
        };
        let told = [
            (ConsentRole::Status, status),
            (ConsentRole::Withdrawn, flag(self.withdrawn, Status::Withdrawn)),
            (ConsentRole::Bounced, flag(self.bounced, Status::Bounced)),
        ];
        told.into_iter().filter_map(|(role, cell)| {
            let cell: String = cell?.chars().take(EVIDENCE_CELL_CHARS).collect();
            Some((role, format!("it is not understood what `{cell}` says: write yes, no or unsubscribed")))
        })
    }

    /// Whether a row should say that its contact agreed.
    fn should_say(&self) -> bool {
        let has_moments = self.opted_in_at.is_some() || self.confirmed_at.is_some();
        self.status.is_some() || (self.moments_decide && has_moments)
    }

    /// The cells that tell about consent, under their names.
    fn evidence(&self, row: &impl ConsentRow) -> String {
        let file = match self.file {
            FileStates::EveryoneWithdrew => Some("in the file of contacts that left".to_owned()),
            FileStates::EveryoneBounced => Some("in the file of addresses that take no mail".to_owned()),
            FileStates::NobodyGranted => Some("in the file of contacts that never agreed".to_owned()),
            FileStates::Nothing => None,
        };
        let cells = self.all().into_iter().flatten().filter_map(|index| {
            let cell: String = row.cell(index).chars().take(EVIDENCE_CELL_CHARS).collect();
            (!cell.is_empty()).then(|| format!("{} {cell}", row.column(index)))
        });
        let said = file.into_iter().chain(cells).collect::<Vec<String>>().join("; ");
        format!("{said} ({})", row.place())
    }
}

/// What a word in a column of statuses means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Granted,
    Withdrawn,
    Bounced,
    /// The contact did not agree, or not yet.
    Denied,
    /// Nobody here knows. It is no grant.
    Unclear,
}

/// Words for a contact that agreed, beside yes. All words are as [`plain`] makes them.
const GRANTED: &str = "granted subscribed confirmed optin optedin consented agreed accepted souhlasím souhlasim souhlas \
    súhlasím súhlas eingewilligt zugestimmt";
/// Words for one that left, and what such words begin with.
const WITHDRAWN: &str = "optout optedout blacklisted blocklisted complained complaint spam abuse unsub revok withdr \
    donotmail donotcontact odhláš odhlás odhlas odvolán odvolan odvolal abgemeldet widerruf widerspr désabonn desabonn \
    désinscri desinscri wypisan отпис відпис";
/// Words for an address that takes no mail.
const BOUNCED: &str = "unusable cleaned bounce bounced hardbounced hardbounce invalid";
/// Words that say nothing, as an empty cell does.
const NOTHING: &str = "na null nil";
/// What words for one that did not agree begin with, beside no: also those of states of known systems.
const DENIED: &str = "pending unconfirmed awaiting waiting nonsubscribed notsubscribed transactional archived inactive \
    unknown none denied declined refused rejected nesouhlas nesúhlas odmít abgelehnt ablehn";

impl Status {
    fn read(word: &str) -> Self {
        // `Opt-out: no`, and the name of a law behind a box: neither is a withdrawal.
        let is_answered = word.rsplit_once([':', '=']).is_some_and(|(_, answer)| Self::read(answer) == Self::Denied);
        let word = word_of(word);
        if is_answered || word.starts_with("widerrufsbelehr") {
            return Self::Unclear;
        }
        let is_of = |words: &str| words.split_ascii_whitespace().any(|known| known == word);
        let begins_as = |words: &str| words.split_ascii_whitespace().any(|known| word.starts_with(known));
        if begins_as(WITHDRAWN) {
            Self::Withdrawn
        } else if is_of(BOUNCED) {
            Self::Bounced
        } else if is_of(NOTHING)
            || word.is_empty()
            || begins_as(DENIED)
            || FieldType::Boolean.read(&word) == Ok(Some(FieldValue::Boolean(false)))
        {
            Self::Denied
        // A number above one is a code of the file's system, and not a count.
        } else if is_of(GRANTED) || is_yes(&word) {
            Self::Granted
        } else {
            Self::Unclear
        }
    }
}

/// Whether a cell is a word that a column of statuses has.
pub(crate) fn is_status_word(cell: &str) -> bool {
    Status::read(cell) != Status::Unclear
}

/// The plain word of a cell; a tick is a yes.
fn word_of(cell: &str) -> String {
    match cell.trim().trim_end_matches('\u{fe0f}') {
        "✓" | "✔" | "☑" | "✅" => "yes".to_owned(),
        cell => plain(cell),
    }
}

/// Whether a flag is set: a yes, or a count above zero.
fn says_yes(cell: &str) -> bool {
    let word = word_of(cell);
    let is_count = word.bytes().all(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte != b'0');
    is_count || is_yes(&word)
}

/// Whether a plain word is a yes, as a field of that type reads it; or the cross or the letter of a ticked box.
fn is_yes(plain: &str) -> bool {
    FieldType::Boolean.read(plain) == Ok(Some(FieldValue::Boolean(true))) || matches!(plain, "x" | "t")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Names and cells side by side.
    struct Cells(Vec<(ConsentRole, String)>);

    impl ConsentRow for Cells {
        fn cell(&self, index: usize) -> Cow<'_, str> {
            Cow::Borrowed(&self.0[index].1)
        }

        fn column(&self, index: usize) -> &str {
            self.0[index].0.as_str()
        }

        fn place(&self) -> String {
            "guests.csv:2".to_owned()
        }
    }

    fn claim(file: FileStates, cells: &[(ConsentRole, &str)]) -> Option<ConsentClaim> {
        let mut columns = ConsentColumns { file, ..ConsentColumns::default() };
        for (index, (role, _)) in cells.iter().enumerate() {
            columns.set(*role, index);
        }
        columns.claim(&Cells(cells.iter().map(|(role, cell)| (*role, (*cell).to_owned())).collect()))
    }

    fn act(file: FileStates, cells: &[(ConsentRole, &str)]) -> Option<ClaimedAct> {
        claim(file, cells).map(|claim| claim.act)
    }

    use ClaimedAct::{Bounced, Granted, NotGranted, Withdrawn};
    use ConsentRole as Role;

    #[test]
    fn d3_a_claim_keeps_when_how_and_from_where() {
        let claim = claim(
            FileStates::Nothing,
            &[
                (Role::OptedInAt, "2025-05-01 10:00:00"),
                (Role::ConfirmedAt, "2025-05-01 10:05:00"),
                (Role::ConfirmedIp, "192.0.2.7"),
                (Role::Reason, ""),
            ],
        );
        let claim = claim.unwrap();
        assert_eq!((claim.act, claim.ip.as_deref()), (Granted, Some("192.0.2.7")));
        assert_eq!(claim.at.unwrap().to_string(), "2025-05-01T10:05:00Z");
        assert_eq!(
            claim.evidence,
            "opted-in-at 2025-05-01 10:00:00; confirmed-at 2025-05-01 10:05:00; confirmed-ip 192.0.2.7 (guests.csv:2)"
        );
    }

    #[test]
    fn words_of_a_status_are_understood_or_told() {
        let unclear = |role, cell: &str| {
            let mut columns = ConsentColumns::default();
            columns.set(role, 0);
            let row = Cells(vec![(role, cell.to_owned())]);
            let told = columns.unclear(&row).map(|(role, _)| role).collect::<Vec<_>>();
            (columns.claim(&row).map(|claim| claim.act), told)
        };
        for word in ["Odhlášena", "unsubscribe", "ODVOLÁNO", "Abgemeldet", "widerrufen", "revoked", "do not contact"]
        {
            assert_eq!(unclear(Role::Status, word), (Some(Withdrawn), vec![]), "{word}");
        }
        for word in ["nesouhlasím", "Abgelehnt", "pending", "ne", "0", "Transactional", "", "-", "n/a", "NULL"] {
            assert_eq!(unclear(Role::Status, word), (Some(NotGranted), vec![]), "{word}");
        }
        for word in ["✓", "souhlasím", "Eingewilligt"] {
            assert_eq!(unclear(Role::Status, word), (Some(Granted), vec![]), "{word}");
        }
        for word in [
            "nevím",
            "neodhlášen",
            "not unsubscribed",
            "Opt-out: no",
            "Unsubscribed = 0",
            "Widerrufsbelehrung akzeptiert",
            "ano (GDPR)",
            "2",
        ] {
            assert_eq!(unclear(Role::Status, word), (Some(NotGranted), vec![Role::Status]), "{word}");
        }
        for word in ["vielleicht", "confirmed"] {
            assert_eq!(unclear(Role::Withdrawn, word), (None, vec![Role::Withdrawn]), "{word}");
        }
        for word in ["hard", "550 no mailbox", "granted"] {
            assert_eq!(unclear(Role::Bounced, word), (None, vec![Role::Bounced]), "{word}");
        }
        assert_eq!(unclear(Role::Bounced, "Bounced"), (Some(Bounced), vec![]));
        for word in ["ja", "1", "3", "2026-05-01", "✓", "✔\u{fe0f}", "Odhlasen", "odhla\u{301}s\u{30c}en"] {
            assert_eq!(unclear(Role::Withdrawn, word), (Some(Withdrawn), vec![]), "{word}");
        }
        assert_eq!(unclear(Role::Withdrawn, "nein"), (None, vec![]));
    }

    #[test]
    fn d3_only_what_plainly_says_so_is_a_grant() {
        for (cells, expected) in [
            (&[(Role::Status, "Subscribed")][..], Some(Granted)),
            (&[(Role::Status, "Ano")], Some(Granted)),
            (&[(Role::Status, "1")], Some(Granted)),
            (&[(Role::Status, "Tak")], Some(Granted)),
            (&[(Role::Status, "nie")], Some(NotGranted)),
            (&[(Role::Status, "2")], Some(NotGranted)),
            (&[(Role::Status, "ne")], Some(NotGranted)),
            (&[(Role::Status, "0")], Some(NotGranted)),
            (&[(Role::Status, "pending"), (Role::OptedInAt, "2025-05-01")], Some(NotGranted)),
            (&[(Role::Status, "aktivní"), (Role::OptedInAt, "2025-05-01")], Some(NotGranted)),
            (&[(Role::Status, ""), (Role::OptedInAt, "2025-05-01")], Some(NotGranted)),
            (&[(Role::Status, "")], Some(NotGranted)),
            (&[(Role::Status, " "), (Role::OptedInAt, "")], Some(NotGranted)),
            (&[(Role::OptedInAt, "yes")], None),
            (&[(Role::OptedInIp, "192.0.2.7")], None),
            (&[(Role::Withdrawn, "0"), (Role::Bounced, "0")], None),
        ] {
            assert_eq!(act(FileStates::Nothing, cells), expected, "{cells:?}");
        }
        assert_eq!(act(FileStates::NobodyGranted, &[(Role::ConfirmedAt, "2025-05-01")]), Some(NotGranted));
        assert_eq!(act(FileStates::Nothing, &[]), None);
    }

    #[test]
    fn d3_where_moments_decide_a_row_without_one_is_no_grant() {
        let mut columns = ConsentColumns { opted_in_at: Some(0), ..ConsentColumns::default() };
        let act = |columns: &ConsentColumns, cell: &str| {
            columns.claim(&Cells(vec![(Role::OptedInAt, cell.to_owned())])).map(|claim| claim.act)
        };
        assert_eq!(act(&columns, ""), None);
        columns.moments_decide = true;
        for (cell, expected) in [("2025-05-01", Granted), ("", NotGranted), ("some day", NotGranted)] {
            assert_eq!(act(&columns, cell), Some(expected), "{cell}");
        }
    }

    #[test]
    fn d3_a_withdrawal_counts_before_a_bounce_and_a_bounce_before_a_grant() {
        let (granted, left) = ((Role::Status, "subscribed"), (Role::WithdrawnAt, "2025-06-01 00:00:00"));
        for (cells, expected) in [
            (&[granted, left][..], Withdrawn),
            (&[granted, left, (Role::OptedInAt, "2025-05-01")], Withdrawn),
            (&[granted, left, (Role::OptedInAt, "2025-07-01")], Granted),
            (&[left, (Role::OptedInAt, "2025-07-01")], Withdrawn),
            (&[granted, (Role::WithdrawnAt, "long ago"), (Role::OptedInAt, "2025-07-01")], Withdrawn),
            (&[granted, (Role::Withdrawn, "1"), (Role::OptedInAt, "2025-07-01")], Withdrawn),
            (&[granted, (Role::Withdrawn, "opted out")], Withdrawn),
            (&[granted, (Role::Bounced, "3")], Bounced),
            (&[(Role::Status, "cleaned"), left], Withdrawn),
            (&[granted, (Role::BouncedAt, "?")], Bounced),
        ] {
            assert_eq!(act(FileStates::Nothing, cells), Some(expected), "{cells:?}");
        }
        let everyone = claim(FileStates::EveryoneWithdrew, &[(Role::WithdrawnAt, "")]).unwrap();
        assert_eq!((everyone.act, everyone.at), (Withdrawn, None));
        assert_eq!(everyone.evidence, "in the file of contacts that left (guests.csv:2)");
        assert_eq!(act(FileStates::EveryoneBounced, &[granted]), Some(Bounced));
    }

    proptest! {
        #[test]
        fn no_row_with_a_word_of_withdrawal_is_a_grant(
            time in "20[0-9]{2}-0[1-9]-1[0-9]", words in "[a-z0-9 ]{0,6}", left in "(1|yes|x)"
        ) {
            let cells =
                [(Role::Status, words.as_str()), (Role::ConfirmedAt, time.as_str()), (Role::Withdrawn, left.as_str())];
            prop_assert_eq!(act(FileStates::Nothing, &cells), Some(Withdrawn));
        }
    }
}
