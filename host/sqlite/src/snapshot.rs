//! What a run reads: entries of its list with everything that their decisions need, and the
//! contacts that left. Each page is one statement.

use postroom_domain::consent::Will;
use postroom_domain::contact::{ContactId, EntryId};
use postroom_domain::decision::{Confirmed, Memory, RefusedTag, RemoteStatus, TagState};
use postroom_domain::email::EmailAddress;
use postroom_domain::outcome::Reason;
use postroom_domain::projection::ContentHash;
use postroom_store::StoreError;
use postroom_store::runs::{ContactSnapshot, DepartedRow, SnapshotContent, SnapshotRow};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, ToSql};
use siphasher::sip128::SipHasher13;

use crate::columns::{address, from_word, hash16};
use crate::failure::{Failure, Step};

/// A sync's list, as it is shown, its audience, and what narrows the consent of its contacts.
pub(crate) struct Scope {
    pub(crate) sync: i64,
    pub(crate) list: i64,
    first_generation: i64,
    last_generation: i64,
    pub(crate) audience: i64,
    purpose: Option<i64>,
    /// Whether anything narrows here: the sync has a purpose, or somebody withdrew for the list. Nobody
    /// subscribes to the hidden list of a segment, so that nobody can have withdrawn for it.
    pub(crate) is_narrowed: bool,
}

impl Scope {
    /// What a sync reads from.
    pub(crate) fn of(connection: &Connection, sync: i64) -> Step<Self> {
        connection
            .prepare_cached(
                "SELECT s.list_id, l.first_generation, l.last_generation, s.audience_id, s.purpose_id,
                        s.purpose_id IS NOT NULL
                        OR EXISTS (SELECT 1 FROM list_withdrawals w WHERE w.list_id = s.list_id)
                 FROM syncs s JOIN lists l ON l.id = s.list_id WHERE s.id = ?",
            )?
            .query_row([sync], |row| {
                Ok(Self {
                    sync,
                    list: row.get(0)?,
                    first_generation: row.get(1)?,
                    last_generation: row.get(2)?,
                    audience: row.get(3)?,
                    purpose: row.get(4)?,
                    is_narrowed: row.get(5)?,
                })
            })
            .optional()?
            .ok_or_else(|| {
                let mend = "it was removed: look at the syncs that there are".to_owned();
                StoreError::NotFound { kind: "sync", name: sync.to_string(), mend }.into()
            })
    }

    /// The parameters of a statement that reads the list's entries.
    pub(crate) fn entries(&self) -> Vec<(&'static str, &dyn ToSql)> {
        vec![(":list", &self.list), (":first", &self.first_generation), (":last", &self.last_generation)]
    }

    /// The same with what the audience and the sync know of them.
    pub(crate) fn members(&self) -> Vec<(&'static str, &dyn ToSql)> {
        let mut parameters = self.entries();
        parameters.extend([(":audience", &self.audience as &dyn ToSql), (":sync", &self.sync)]);
        parameters.extend(self.narrowing());
        parameters
    }

    /// The parameters of what narrows.
    pub(crate) fn narrowing(&self) -> Option<(&'static str, &dyn ToSql)> {
        self.is_narrowed.then_some((":purpose", &self.purpose))
    }
}

/// Whether a contact withdrew for the list or the purpose and not as a whole, which is
/// [`withdrawn_here`](postroom_domain::narrowing::Narrowed::withdrawn_here) in SQL.
macro_rules! withdrew_here {
    () => {
        "coalesce(c.shown NOT IN ('withdrawn', 'unusable')
                  AND (w.contact_id IS NOT NULL OR p.will = 'withdrawn'), 0)"
    };
}
/// What narrows a contact's consent here, as columns behind all others: what it said for the list and for the
/// purpose, and what follows. A statement has them only where something narrows, so that a million entries cost no
/// search for it where nothing does.
macro_rules! narrowed_facts {
    () => {
        concat!(", w.contact_id, p.will, ", withdrew_here!())
    };
}
/// The tables of [`narrowed_facts`], for the contacts of a column.
macro_rules! narrowed_tables {
    ($contact:literal) => {
        concat!(
            " LEFT JOIN list_withdrawals w ON w.list_id = :list AND w.contact_id = ",
            $contact,
            " LEFT JOIN purpose_wills p ON p.purpose_id = :purpose AND p.contact_id = ",
            $contact
        )
    };
}

/// What the decision about a contact is made from, in one order for all who read it: the contact itself.
macro_rules! contact_facts {
    () => {
        "c.email, c.email_key, c.fields, c.shown"
    };
}
/// What its audience confirmed of it.
macro_rules! member_facts {
    () => {
        "m.contact_id, m.remote_id, m.status, m.address, m.hash, m.base"
    };
}
/// The rest of it: what the sync remembers of the contact.
macro_rules! remembered_facts {
    () => {
        "s.tag_owned, s.refused_change, s.refused_tag, s.refused_reason,
         s.memory_class, s.memory_code, s.memory_message, s.memory_attempt"
    };
}
pub(crate) use {contact_facts, member_facts, narrowed_facts, narrowed_tables, remembered_facts, withdrew_here};

/// How many columns [`contact_facts`] names.
pub(crate) const CONTACT_FACTS: usize = 4;
/// How many columns [`member_facts`] names.
pub(crate) const MEMBER_FACTS: usize = 6;
/// How many columns [`remembered_facts`] names.
const REMEMBERED_FACTS: usize = 8;
/// How many of the columns that [`narrowed_facts`] names are facts of their own; the last follows from others.
pub(crate) const NARROWED_FACTS: usize = 2;
/// Where the facts begin in the rows of [`entries`].
const FIRST_FACT: usize = 5;
/// Where the narrowed facts do.
const FIRST_NARROWED: usize = FIRST_REMEMBERED + REMEMBERED_FACTS;
/// Where the member's do.
const FIRST_MEMBER: usize = FIRST_FACT + CONTACT_FACTS;
/// Where the remembered ones do.
const FIRST_REMEMBERED: usize = FIRST_MEMBER + MEMBER_FACTS;

/// These places in the order of their contacts.
pub(crate) fn in_order_of_contacts(connection: &Connection, scope: &Scope, positions: &[u64]) -> Step<Vec<u64>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.position FROM json_each(:positions) j
         CROSS JOIN entries e ON e.list_id = :list AND e.position = j.value
                             AND e.generation BETWEEN :first AND :last
         ORDER BY e.contact_id, e.position",
    )?;
    let places = serde_json::to_string(positions)?;
    let mut parameters = scope.entries();
    parameters.push((":positions", &places));
    let mut rows = statement.query(parameters.as_slice())?;
    let mut ordered = Vec::with_capacity(positions.len());
    while let Some(row) = rows.next()? {
        ordered.push(row.get(0)?);
    }
    Ok(ordered)
}

/// The entries at these places, in this order. The first entry of a contact is found by one
/// look into an index, so a page costs the same wherever it lies.
pub(crate) fn entries(
    connection: &Connection,
    scope: &Scope,
    settings: &ContentHash,
    positions: &[u64],
) -> Step<Vec<SnapshotRow>> {
    macro_rules! select {
        ($facts:expr, $tables:expr) => {
            concat!(
                "SELECT e.id, e.position, e.contact_id, e.fault,
                        (SELECT f.position FROM entries f
                         WHERE f.list_id = :list AND f.contact_id = e.contact_id
                           AND f.generation BETWEEN :first AND :last
                         ORDER BY f.position LIMIT 1), ",
                contact_facts!(),
                ", ",
                member_facts!(),
                ", ",
                remembered_facts!(),
                $facts,
                " FROM json_each(:positions) j
                 CROSS JOIN entries e ON e.list_id = :list AND e.position = j.value
                                     AND e.generation BETWEEN :first AND :last
                 LEFT JOIN contacts c ON c.id = e.contact_id
                 LEFT JOIN remote_members m ON m.audience_id = :audience AND m.contact_id = e.contact_id
                 LEFT JOIN sync_members s ON s.sync_id = :sync AND s.contact_id = e.contact_id",
                $tables
            )
        };
    }
    let mut statement = connection.prepare_cached(if scope.is_narrowed {
        select!(narrowed_facts!(), narrowed_tables!("e.contact_id"))
    } else {
        select!("", "")
    })?;
    let places = serde_json::to_string(positions)?;
    let mut parameters = scope.members();
    parameters.push((":positions", &places));
    let mut rows = statement.query(parameters.as_slice())?;
    let mut fingerprints = Fingerprints::new(settings);
    let mut entries = Vec::with_capacity(positions.len());
    while let Some(row) = rows.next()? {
        entries.push(SnapshotRow {
            entry: EntryId(row.get(0)?),
            position: row.get(1)?,
            content: content(row, scope, &mut fingerprints)?,
        });
    }
    Ok(entries)
}

/// Facts in a row that has them from a column on.
type From<'r, 'stmt> = (&'r Row<'stmt>, usize);

/// What the decision about a contact is made from.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'r, 'stmt> {
    pub(crate) contact: From<'r, 'stmt>,
    /// None where the audience has no row of it.
    pub(crate) member: Option<From<'r, 'stmt>>,
    pub(crate) remembered: From<'r, 'stmt>,
    /// What narrows, where anything may.
    pub(crate) narrowed: Option<From<'r, 'stmt>>,
}

/// Takes the fingerprints of rows, one after the other in one piece of memory: hashing a row
/// at once is twice as fast as column by column.
///
/// The key of the hash are the settings that the rows are judged under. A cryptographic hash would be safe also from
/// somebody who looks for two contents with one fingerprint; but all that would come of it is that a change of
/// their own data is not sent, and it takes a sixth of a comparison.
pub(crate) struct Fingerprints {
    hasher: SipHasher13,
    bytes: Vec<u8>,
}

impl Fingerprints {
    /// For rows that are judged under these settings.
    pub(crate) fn new(settings: &ContentHash) -> Self {
        Self { hasher: SipHasher13::new_with_key(settings), bytes: Vec::new() }
    }

    /// The fingerprint of the facts. A contact about whom nothing narrows has one fingerprint, whether others are
    /// narrowed or not; and one that is no member has the one that it has with a member of nothing but NULL.
    pub(crate) fn of(&mut self, facts: &Facts<'_, '_>) -> Step<ContentHash> {
        let Facts { contact, member, remembered, narrowed } = *facts;
        self.bytes.clear();
        self.add(contact, CONTACT_FACTS)?;
        match member {
            Some(member) => self.add(member, MEMBER_FACTS)?,
            None => (0..MEMBER_FACTS).try_for_each(|_| self.add_value(ValueRef::Null))?,
        }
        self.add(remembered, REMEMBERED_FACTS)?;
        if let Some((row, first)) = narrowed
            && (row.get_ref(first)?, row.get_ref(first + 1)?) != (ValueRef::Null, ValueRef::Null)
        {
            self.add((row, first), NARROWED_FACTS)?;
        }
        Ok(self.hasher.hash(&self.bytes).as_bytes())
    }

    fn add(&mut self, (row, first): (&Row<'_>, usize), number: usize) -> Step<()> {
        (first..first + number).try_for_each(|column| self.add_value(row.get_ref(column)?))
    }

    fn add_value(&mut self, value: ValueRef<'_>) -> Step<()> {
        let (kind, bytes): (u8, &[u8]) = match value {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(number) => (1, &number.to_le_bytes()),
            ValueRef::Real(number) => (2, &number.to_le_bytes()),
            ValueRef::Text(bytes) => (3, bytes),
            ValueRef::Blob(bytes) => (4, bytes),
        };
        // Kind and length in front, so that no two rows run into the same bytes.
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&u32::try_from(bytes.len())?.to_le_bytes());
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

fn content(row: &Row<'_>, scope: &Scope, fingerprints: &mut Fingerprints) -> Step<SnapshotContent> {
    let position: u64 = row.get(1)?;
    let Some(contact) = row.get::<_, Option<i64>>(2)?.map(ContactId) else {
        let fault: String = row.get(3)?;
        return Ok(SnapshotContent::Invalid(serde_json::from_str(&fault)?));
    };
    if let Some(first) = row.get::<_, Option<u64>>(4)?
        && first < position
    {
        return Ok(SnapshotContent::Duplicate { contact, first });
    }
    let email: Option<String> = row.get(5)?;
    let email = email.ok_or_else(|| Failure::Cause(format!("entry {position} has a contact that is not there")))?;
    let text = |column| -> Step<&str> { Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?) };
    let own = EmailAddress::kept(email, row.get(6)?);
    let narrowed = scope.is_narrowed.then_some((row, FIRST_NARROWED));
    let (list_will, purpose_will) = narrowed.map(wills).transpose()?.unwrap_or_default();
    Ok(SnapshotContent::Contact(Box::new(ContactSnapshot {
        contact,
        fields: serde_json::from_str(text(7)?)?,
        consent: from_word("consent state", text(8)?)?,
        list_will,
        purpose_will,
        confirmed: confirmed(row, &own)?,
        memory: memory(row)?,
        tag: tag(row, 15)?,
        fingerprint: fingerprints.of(&Facts {
            contact: (row, FIRST_FACT),
            member: Some((row, FIRST_MEMBER)),
            remembered: (row, FIRST_REMEMBERED),
            narrowed,
        })?,
        address: own,
    })))
}

/// What a contact said for the list and for the purpose, from a column on.
fn wills((row, first): (&Row<'_>, usize)) -> Step<(Will, Will)> {
    let list = if row.get_ref(first)? == ValueRef::Null { Will::Unknown } else { Will::Withdrawn };
    let purpose: Option<String> = row.get(first + 1)?;
    Ok((list, purpose.map(|will| from_word("will", &will)).transpose()?.unwrap_or_default()))
}

/// What the audience confirmed, from column 9 on.
///
/// A row without a hash is a status that was seen of a contact that nothing of ours was written to; one
/// without a status either is a contact that was sent and not answered. It holds an empty base, the hash
/// of nothing, and the contact's own address where no other is known: whatever is to be there differs
/// from it.
fn confirmed(row: &Row<'_>, own: &EmailAddress) -> Step<Option<Confirmed>> {
    if row.get::<_, Option<i64>>(9)?.is_none() {
        return Ok(None);
    }
    let (status, there, hash, base): (Option<String>, Option<String>, Option<Vec<u8>>, String) =
        (row.get(11)?, row.get(12)?, row.get(13)?, row.get(14)?);
    Ok(Some(Confirmed {
        remote_id: row.get(10)?,
        status: status.as_deref().map(RemoteStatus::from_word),
        address: match there {
            Some(there) if there != own.as_str() => address(&there)?,
            Some(_) | None => own.clone(),
        },
        hash: hash.as_deref().map(hash16).transpose()?.unwrap_or_default(),
        base: serde_json::from_str(&base)?,
    }))
}

/// What the sync remembers, from column 19 on.
fn memory(row: &Row<'_>) -> Step<Option<Memory>> {
    let Some(class) = row.get::<_, Option<String>>(19)? else { return Ok(None) };
    let (code, message, attempt): (String, String, Vec<u8>) = (row.get(20)?, row.get(21)?, row.get(22)?);
    Ok(Some(Memory {
        class: from_word("outcome class", &class)?,
        reason: Reason { code, message },
        attempt: hash16(&attempt)?,
    }))
}

/// The tag's state in four columns.
fn tag(row: &Row<'_>, first: usize) -> Step<TagState> {
    let refused = match row.get::<_, Option<String>>(first + 1)? {
        Some(change) => Some(RefusedTag {
            change: from_word("change of tag", &change)?,
            tag: row.get(first + 2)?,
            reason: row.get(first + 3)?,
        }),
        None => None,
    };
    Ok(TagState { owned: row.get(first)?, refused })
}

/// A page of the contacts that are not on the sync's list and whose tag or opt-out is still to be
/// told to the audience, and of those on it that bear the tag and withdrew for the list or the purpose. Whoever
/// was sent and not answered may get mail there, and so may whoever was seen opted out, if that was not on our
/// word.
pub(crate) fn departed(
    connection: &Connection,
    scope: &Scope,
    tagged: bool,
    after: ContactId,
    limit: u32,
) -> Step<Vec<DepartedRow>> {
    macro_rules! select {
        ($tables:expr, $or_withdrew_here:expr) => {
            concat!(
                "SELECT d.contact_id, coalesce(m.address, c.email), m.remote_id,
                        s.tag_owned, s.refused_change, s.refused_tag, s.refused_reason,
                        coalesce(c.will = 'withdrawn', 0) AND m.contact_id IS NOT NULL
                        AND (coalesce(m.status, 'pending') IN ('subscribed', 'pending')
                             OR s.memory_code IS NOT 'withdrawn'),
                        EXISTS (SELECT 1 FROM entries e
                                WHERE e.list_id = :list AND e.contact_id = d.contact_id
                                  AND e.generation BETWEEN :first AND :last) AS is_on_list
                 FROM (SELECT contact_id FROM sync_members
                       WHERE :tagged AND sync_id = :sync AND contact_id > :after AND tag_owned IS NOT NULL
                       UNION
                       SELECT k.id FROM contacts k INDEXED BY contacts_withdrawn
                       CROSS JOIN remote_members r ON r.audience_id = :audience AND r.contact_id = k.id
                       LEFT JOIN sync_members t ON t.sync_id = :sync AND t.contact_id = k.id
                       WHERE k.will = 'withdrawn' AND k.id > :after
                         AND (coalesce(r.status, 'pending') IN ('subscribed', 'pending')
                              OR t.memory_code IS NOT 'withdrawn')) d
                 LEFT JOIN sync_members s ON s.sync_id = :sync AND s.contact_id = d.contact_id
                 LEFT JOIN remote_members m ON m.audience_id = :audience AND m.contact_id = d.contact_id
                 LEFT JOIN contacts c ON c.id = d.contact_id",
                $tables,
                " WHERE coalesce(m.address, c.email) IS NOT NULL AND (NOT is_on_list",
                $or_withdrew_here,
                ") ORDER BY d.contact_id LIMIT :limit"
            )
        };
    }
    let mut statement = connection.prepare_cached(if scope.is_narrowed {
        select!(narrowed_tables!("d.contact_id"), concat!(" OR ", withdrew_here!()))
    } else {
        select!("", "")
    })?;
    let mut parameters = scope.members();
    parameters.extend([(":tagged", &tagged as &dyn ToSql), (":after", &after.0), (":limit", &limit)]);
    let mut rows = statement.query(parameters.as_slice())?;
    let mut departed = Vec::new();
    while let Some(row) = rows.next()? {
        let (contact, there): (ContactId, String) = (ContactId(row.get(0)?), row.get(1)?);
        departed.push(DepartedRow {
            contact,
            is_taken_over: is_taken_over(connection, scope, contact, &there)?,
            address: there,
            remote_id: row.get(2)?,
            tag: tag(row, 3)?,
            owes_opt_out: row.get(7)?,
            withdrew_here: row.get(8)?,
        });
    }
    Ok(departed)
}

/// Whether another contact of the list has the address that a departed one is known by, and bears the
/// sync's tag: one that was deleted and came back, or one that took the address over.
fn is_taken_over(connection: &Connection, scope: &Scope, contact: ContactId, there: &str) -> Step<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM contacts k
                        JOIN sync_members s ON s.sync_id = :sync AND s.contact_id = k.id AND s.tag_owned IS NOT NULL
                        WHERE k.email_key = :key AND k.id <> :contact
                          AND EXISTS (SELECT 1 FROM entries e
                                      WHERE e.list_id = :list AND e.contact_id = k.id
                                        AND e.generation BETWEEN :first AND :last))",
    )?;
    let there = address(there)?;
    let key = there.key();
    let mut parameters = scope.entries();
    parameters.extend([(":sync", &scope.sync as &dyn ToSql), (":key", &key), (":contact", &contact.0)]);
    Ok(statement.query_row(parameters.as_slice(), |row| row.get(0))?)
}
