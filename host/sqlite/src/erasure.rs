//! Erasing a person from the tables, the log and the file.

use std::collections::BTreeSet;
use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use postroom_store::contacts::ContactRef;
use postroom_store::erasure::{Erasure, ErasureAnswer, ErasureAt, ErasureDue, ErasureState, ErasureStore};
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OptionalExtension, named_params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::columns::{from_word, hex, micros, timestamp};
use crate::contact_rows::{self, StoredContact};
use crate::erasure_journal::{self, Line};
use crate::failure::{Failure, Step};
use crate::intent_contacts::{self, Parting};
use crate::key::SecretKey;
use crate::limits::CONTACTS_DIGESTED_AT_ONCE;
use crate::member_rows::audiences_of;
use crate::sequence::{Change, Numbers};
use crate::store::SqliteStore;
use crate::{aliases, history_rows, list_rows, suppression};

/// What a sealed member is bound to, beside its erasure.
const SLOT: &str = "erased member";

/// What stands sealed until a provider has answered.
#[derive(Serialize, Deserialize)]
struct SealedMember {
    address: String,
    remote_id: Option<String>,
}

#[async_trait]
impl ErasureStore for SqliteStore {
    async fn erase_contact(&self, who: &ContactRef, at: Timestamp) -> Result<Erasure> {
        let (who, key, folder) = (who.clone(), self.key(), self.folder().to_owned());
        let erasure = self
            .write("erase a contact", move |connection| {
                let stored = contact_rows::require(connection, &who)?;
                let addresses = addresses_of(connection, &stored)?;
                let digests = |keys: &BTreeSet<String>| keys.iter().map(|of| hex(&key.address_hash(of))).collect();
                let line = Line {
                    contact: hex(&public_hash(connection, stored.id)?),
                    addresses: digests(&addresses.own),
                    former: digests(&addresses.former),
                    at: micros(at),
                };
                // First the journal: what it does not know of comes back with an older database.
                erasure_journal::append(&folder, &line)?;
                let id = erase(connection, &key, &stored, &addresses, at)?;
                read(connection, id)
            })
            .await?;
        self.cut_the_log_back().await?;
        Ok(erasure)
    }

    async fn erasures_due(&self, account: Option<&str>) -> Result<Vec<ErasureDue>> {
        let (account, key) = (account.map(str::to_owned), self.key());
        self.read("read what providers are to erase", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT m.id, a.name, au.remote_id, m.erasure_id, m.sealed
                 FROM erasure_members m JOIN audiences au ON au.id = m.audience_id JOIN accounts a ON a.id = au.account_id
                 WHERE m.state = 'owed' AND (:account IS NULL OR a.name = :account) ORDER BY m.id",
            )?;
            let mut rows = statement.query(named_params! { ":account": account })?;
            let mut due = Vec::new();
            while let Some(row) = rows.next()? {
                let (erasure, sealed): (i64, Vec<u8>) = (row.get(3)?, row.get(4)?);
                let opened = key.open(erasure, SLOT, &sealed).ok_or_else(|| {
                    Failure::Cause("what a provider is to erase does not open with the store's key".to_owned())
                })?;
                let SealedMember { address, remote_id } = serde_json::from_str(&opened)?;
                let (id, account, audience) = (row.get(0)?, row.get(1)?, row.get(2)?);
                due.push(ErasureDue { id, account, audience, address, remote_id });
            }
            Ok(due)
        })
        .await
    }

    async fn answer_erasure(&self, due: i64, answer: ErasureAnswer, at: Timestamp) -> Result<()> {
        self.write("record what a provider erased", move |connection| {
            let overtook = "it was not there yet while a request of a run was under way: it is asked for again";
            let (state, reason) = match &answer {
                ErasureAnswer::Erased => ("erased", None),
                ErasureAnswer::Absent if is_on_its_way(connection, due)? => ("owed", Some(overtook)),
                ErasureAnswer::Absent => ("absent", None),
                ErasureAnswer::Not(reason) => ("owed", Some(reason.as_str())),
            };
            connection.execute(
                "UPDATE erasure_members
                 SET state = :state, reason = :reason, answered_at = :at,
                     sealed = CASE WHEN :state = 'owed' THEN sealed END
                 WHERE id = :due AND state = 'owed'",
                named_params! { ":state": state, ":reason": reason, ":at": micros(at), ":due": due },
            )?;
            Ok(())
        })
        .await?;
        self.cut_the_log_back().await
    }

    async fn erasures(&self, limit: u32) -> Result<Vec<Erasure>> {
        self.read("read its erasures", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM erasures ORDER BY id DESC LIMIT ? /* all: as many as are asked for */",
            )?;
            let ids = statement.query_map([limit], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
            ids.into_iter().map(|id| read(connection, id)).collect()
        })
        .await
    }
}

/// Whether a request of a run into the same audience has not come to its end: it may make the member that is not there
/// yet.
fn is_on_its_way(connection: &Connection, due: i64) -> Step<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM erasure_members m JOIN audiences a ON a.id = m.audience_id
                            JOIN intents i ON i.account_id = a.account_id AND i.state IN ('armed', 'in-doubt')
                                              AND i.run_id IS NOT NULL AND i.target = 'audience ' || a.id
                            WHERE m.id = ?)",
        )?
        .query_row([due], |row| row.get(0))?)
}

/// Does again what the journal tells of and the database does not: it is an older one that was restored.
pub(crate) fn catch_up(connection: &mut Connection, key: &SecretKey, store: &Path) -> Step<()> {
    for line in erasure_journal::read(store)? {
        let digests = line.addresses.iter().map(|digest| from_hex(digest)).collect::<Step<BTreeSet<[u8; 16]>>>()?;
        let hash = from_hex(&line.contact)?;
        let is_known: bool = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM erasures WHERE public_hash = ?)",
            [hash.as_slice()],
            |row| row.get(0),
        )?;
        if is_known {
            continue;
        }
        tracing::warn!(contact = line.contact, "an erasure that this database does not know of is done again");
        let transaction = connection.transaction()?;
        let at = timestamp(line.at)?;
        for digest in &digests {
            suppression::erase(&transaction, digest, at)?;
        }
        let mut found = contacts_of(&transaction, key, &digests)?;
        let by_hash = ContactRef::Hash(line.contact.clone());
        found.extend(contact_rows::find(&transaction, &by_hash)?.map(|contact| contact.id.0));
        for id in found {
            let stored = contact_rows::require(&transaction, &ContactRef::Id(ContactId(id)))?;
            let addresses = addresses_of(&transaction, &stored)?;
            erase(&transaction, key, &stored, &addresses, at)?;
        }
        for former in line.former.iter().map(|digest| from_hex(digest)) {
            let former = former?;
            if contacts_of(&transaction, key, &BTreeSet::from([former]))?.is_empty() {
                suppression::erase(&transaction, &former, at)?;
            }
        }
        transaction.execute(
            "INSERT INTO erasures (contact_id, public_hash, at) VALUES (0, ?, ?) ON CONFLICT DO NOTHING",
            (hash.as_slice(), line.at),
        )?;
        transaction.commit()?;
    }
    Ok(())
}

/// The contacts whose address has one of these digests. There is no index of digests, so this goes over
/// all of them: once, after an older database was restored.
fn contacts_of(connection: &Connection, key: &SecretKey, digests: &BTreeSet<[u8; 16]>) -> Step<BTreeSet<i64>> {
    let aliases = aliases::all(connection)?.into_iter();
    let mut found: BTreeSet<i64> = aliases
        .filter(|(_, addresses)| addresses.iter().any(|address| digests.contains(&key.address_hash(address.key()))))
        .map(|(contact, _)| contact.0)
        .collect();
    let mut after = 0;
    loop {
        let mut statement =
            connection.prepare_cached("SELECT id, email_key FROM contacts WHERE id > ? ORDER BY id LIMIT ?")?;
        let mut rows = statement.query((after, CONTACTS_DIGESTED_AT_ONCE))?;
        let before = after;
        while let Some(row) = rows.next()? {
            after = row.get(0)?;
            if digests.contains(&key.address_hash(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)) {
                found.insert(after);
            }
        }
        if after == before {
            return Ok(found);
        }
    }
}

fn from_hex(text: &str) -> Step<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).map_err(|_| Failure::unreadable("digest", text))?;
    Ok(number.to_be_bytes())
}

fn public_hash(connection: &Connection, contact: ContactId) -> Step<Vec<u8>> {
    Ok(connection.query_row("SELECT public_hash FROM contacts WHERE id = ?", [contact.0], |row| row.get(0))?)
}

/// The keys of every address of a contact.
struct Addresses {
    /// Those that it is known under: its own, those of contacts that went into it, and those that providers have.
    own: BTreeSet<String>,
    /// Others that it had before, and that nobody has now.
    former: BTreeSet<String>,
}

impl Addresses {
    fn all(&self) -> BTreeSet<String> {
        self.own.union(&self.former).cloned().collect()
    }
}

fn addresses_of(connection: &Connection, stored: &StoredContact) -> Step<Addresses> {
    let mut addresses = BTreeSet::from([stored.email_key.clone()]);
    addresses.extend(aliases::addresses_of(connection, stored.id)?.iter().map(|alias| alias.key().to_owned()));
    let mut statement = connection.prepare_cached(concat!(
        "SELECT m.address FROM ",
        audiences_of!(),
        "? WHERE m.address IS NOT NULL"
    ))?;
    let mut rows = statement.query([stored.id.0])?;
    while let Some(row) = rows.next()? {
        let address: String = row.get(0)?;
        addresses.extend(EmailAddress::parse(&address).map(|address| address.key().to_owned()));
    }
    let mut former = BTreeSet::new();
    for address in history_rows::former_addresses(connection, stored.id)? {
        let is_free = contact_rows::other_with_email(connection, &address, stored.id)?.is_none();
        if is_free && !addresses.contains(address.key()) {
            former.insert(address.key().to_owned());
        }
    }
    Ok(Addresses { own: addresses, former })
}

/// Takes a contact out of every table, and leaves behind what blocks its return and what providers need.
fn erase(
    connection: &Connection,
    key: &SecretKey,
    stored: &StoredContact,
    addresses: &Addresses,
    at: Timestamp,
) -> Step<i64> {
    let (contact, addresses) = (stored.id, &addresses.all());
    connection.execute(
        "INSERT INTO erasures (contact_id, public_hash, at) SELECT id, public_hash, ? FROM contacts WHERE id = ?",
        (micros(at), contact.0),
    )?;
    let erasure = connection.last_insert_rowid();
    seal_members(connection, key, stored, erasure)?;
    for address in addresses {
        suppression::erase(connection, &key.address_hash(address), at)?;
    }
    let mut numbers = Numbers::begin(connection, at)?;
    list_rows::remove_contact(connection, &mut numbers, contact)?;
    list_rows::remove_unread(connection, &mut numbers, addresses)?;
    connection.execute(
        "DELETE FROM remote_members WHERE audience_id IN (SELECT id FROM audiences) AND contact_id = ?",
        [contact.0],
    )?;
    connection
        .execute("DELETE FROM sync_members WHERE sync_id IN (SELECT id FROM syncs) AND contact_id = ?", [contact.0])?;
    forget_refused(connection, addresses)?;
    // What a provider said of a contact may repeat its address.
    connection.execute(
        "UPDATE outcomes SET message = NULL, left_out = NULL WHERE run_id IN (SELECT id FROM runs) AND contact_id = ?",
        [contact.0],
    )?;
    intent_contacts::part(connection, contact, Parting::Erased, at)?;
    connection.execute("DELETE FROM contacts WHERE id = ?", [contact.0])?;
    numbers.take(Change::ContactDeleted, Some(contact), None)?;
    numbers.end("contact-erased", &json!({ "contact": contact }))?;
    Ok(erasure)
}

/// Deletes the refused rows of open imports in which one of these addresses stands.
fn forget_refused(connection: &Connection, addresses: &BTreeSet<String>) -> Step<()> {
    let mut statement = connection.prepare_cached(
        "SELECT import_id, line, raw FROM import_refused /* all: of open imports, the few refused */",
    )?;
    let mut delete = connection.prepare_cached("DELETE FROM import_refused WHERE import_id = ? AND line = ?")?;
    let (mut rows, mut theirs) = (statement.query([])?, Vec::<(i64, i64)>::new());
    while let Some(row) = rows.next()? {
        if list_rows::names_any(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?, addresses)? {
            theirs.push((row.get(0)?, row.get(1)?));
        }
    }
    for row in theirs {
        delete.execute(row)?;
    }
    Ok(())
}

/// Seals what each audience needs to erase the member: where the provider may have it at all.
fn seal_members(connection: &Connection, key: &SecretKey, stored: &StoredContact, erasure: i64) -> Step<()> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT m.audience_id, m.address, m.remote_id FROM ",
        audiences_of!(),
        "?"
    ))?;
    let mut rows = statement.query([stored.id.0])?;
    while let Some(row) = rows.next()? {
        let (audience, address): (i64, Option<String>) = (row.get(0)?, row.get(1)?);
        let address = address.unwrap_or_else(|| stored.email.clone());
        let member = serde_json::to_string(&SealedMember { address, remote_id: row.get(2)? })?;
        connection.execute(
            "INSERT INTO erasure_members (erasure_id, audience_id, state, sealed) VALUES (?, ?, 'owed', ?)",
            (erasure, audience, key.seal(erasure, SLOT, &member)?),
        )?;
    }
    Ok(())
}

fn read(connection: &Connection, id: i64) -> Step<Erasure> {
    let (contact, at): (i64, i64) = connection
        .prepare_cached("SELECT contact_id, at FROM erasures WHERE id = ?")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(|| {
            let mend = "look at the erasures that there are".to_owned();
            StoreError::NotFound { kind: "erasure", name: id.to_string(), mend }
        })?;
    let mut statement = connection.prepare_cached(
        "SELECT a.name, au.name, m.state, m.reason, m.answered_at
         FROM erasure_members m JOIN audiences au ON au.id = m.audience_id JOIN accounts a ON a.id = au.account_id
         WHERE m.erasure_id = ? ORDER BY a.name, au.name",
    )?;
    let mut rows = statement.query([id])?;
    let mut audiences = Vec::new();
    while let Some(row) = rows.next()? {
        let state: String = row.get(2)?;
        let answered_at: Option<i64> = row.get(4)?;
        audiences.push(ErasureAt {
            account: row.get(0)?,
            audience: row.get(1)?,
            state: from_word::<ErasureState>("state of an erasure", &state)?,
            reason: row.get(3)?,
            answered_at: answered_at.map(timestamp).transpose()?,
        });
    }
    Ok(Erasure { id, contact: ContactId(contact), at: timestamp(at)?, audiences })
}
