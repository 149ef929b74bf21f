//! The use cases of lists.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::consent::ConsentSource;
use postroom_domain::contact::ContactId;
use postroom_domain::order::{Place, moved};
use postroom_store::contacts::{ContactRef, ContactUpsert, Written};
use postroom_store::lists::{Entry, EntryTrouble, List, ListStore};
use postroom_store::{Result, StoreError};
use rusqlite::Connection;
use serde_json::json;

use crate::columns::{micros, timestamp};
use crate::contact_rows;
use crate::failure::{Step, refuse_used};
use crate::history_rows::{self, Note};
use crate::list_rows::{self, ListRow, NO_ENTRIES};
use crate::segment::rows;
use crate::sequence::{Change, Numbers};
use crate::store::SqliteStore;
use crate::{contacts, entry_rows};

#[async_trait]
impl ListStore for SqliteStore {
    async fn lists(&self) -> Result<Vec<List>> {
        self.read("read its lists", |connection| {
            list_rows::all(connection)?.into_iter().map(|list| describe(connection, list)).collect()
        })
        .await
    }

    async fn list(&self, name: &str) -> Result<List> {
        let name = name.to_owned();
        self.read("read a list", move |connection| describe(connection, list_rows::require(connection, &name)?)).await
    }

    async fn move_list(&self, name: &str, to: &Place<String>) -> Result<()> {
        let (name, to) = (name.to_owned(), to.clone());
        self.write("order its lists", move |connection| {
            let list = list_rows::require(connection, &name)?.id;
            let to = match to {
                Place::First => Place::First,
                Place::Last => Place::Last,
                Place::Before(other) => Place::Before(list_rows::require(connection, &other)?.id),
            };
            let order = list_rows::all(connection)?.into_iter().map(|list| list.id).collect();
            list_rows::place(connection, &moved(order, list, &to))
        })
        .await
    }

    async fn create_list(&self, name: &str, at: Timestamp) -> Result<List> {
        let name = checked_name(name)?;
        self.write("create a list", move |connection| {
            rows::refuse_held(connection, &name)?;
            match list_rows::by_name(connection, &name)? {
                Some(list) if list.is_shown => return Err(StoreError::Taken { kind: "list", name }.into()),
                // An import is filling a list of that name: it becomes this one.
                Some(list) => {
                    connection
                        .execute("UPDATE lists SET shown = 1, created_at = ? WHERE id = ?", (micros(at), list.id))?;
                    list_rows::place_last(connection, list.id)?;
                }
                None => insert(connection, &name, true, at)?,
            }
            describe(connection, list_rows::require(connection, &name)?)
        })
        .await
    }

    async fn rename_list(&self, name: &str, to: &str, _at: Timestamp) -> Result<()> {
        let (name, to) = (name.to_owned(), checked_name(to)?);
        self.write("rename a list", move |connection| {
            let list = list_rows::require(connection, &name)?;
            if to == name {
                return Ok(());
            }
            rows::refuse_held(connection, &to)?;
            match list_rows::by_name(connection, &to)? {
                Some(taken) if taken.is_shown => return Err(StoreError::Taken { kind: "list", name: to }.into()),
                // Only an unfinished import knew of it: it ends with its list.
                Some(hidden) => delete(connection, hidden.id)?,
                None => {}
            }
            connection.execute("UPDATE lists SET name = ? WHERE id = ?", (&to, list.id))?;
            let segments = rows::naming_list(connection, list.id)?;
            rows::rewrite(connection, &segments, |condition| condition.with_list_renamed(&name, &to))
        })
        .await
    }

    async fn delete_list(&self, name: &str, at: Timestamp) -> Result<()> {
        let name = name.to_owned();
        self.write("delete a list", move |connection| {
            let list = list_rows::require(connection, &name)?;
            let users =
                [("sync", syncs_of(connection, list.id)?), ("segment", rows::naming_list(connection, list.id)?)];
            refuse_used("list", &name, &users)?;
            forget_subscriptions(connection, &list)?;
            delete(connection, list.id)?;
            let mut numbers = Numbers::begin(connection, at)?;
            numbers.take(Change::List, None, Some(list.id))?;
            numbers.end("list-deleted", &json!({ "list": list.id }))?;
            Ok(())
        })
        .await
    }

    async fn entries(&self, list: &str, after: u64, limit: u32) -> Result<Vec<Entry>> {
        let list = list.to_owned();
        self.read("read the entries of a list", move |connection| {
            let list = list_rows::require(connection, &list)?;
            entry_rows::page(connection, &list, None, after, limit)
        })
        .await
    }

    async fn add_entry(&self, list: &str, who: &ContactRef, at: Timestamp) -> Result<bool> {
        let (list, who) = (list.to_owned(), who.clone());
        self.write("put a contact on a list", move |connection| {
            let list = list_rows::require(connection, &list)?;
            let contact = contact_rows::require(connection, &who)?.id;
            if list_rows::on_list_since(connection, &list, contact)?.is_some() {
                return Ok(false);
            }
            let mut numbers = Numbers::begin(connection, at)?;
            list_rows::append(connection, &mut numbers, &list, contact, at)?;
            history_rows::append(connection, contact, at, ConsentSource::Operator, &Note::Joined(&list))?;
            numbers.end("list-joined", &json!({ "list": list.id, "contact": contact }))?;
            Ok(true)
        })
        .await
    }

    async fn remove_contact_entries(&self, list: &str, who: &ContactRef, at: Timestamp) -> Result<u64> {
        let (list, who) = (list.to_owned(), who.clone());
        self.write("take a contact off a list", move |connection| {
            let list = list_rows::require(connection, &list)?;
            let contact = contact_rows::require(connection, &who)?.id;
            let mut numbers = Numbers::begin(connection, at)?;
            let removed = list_rows::remove_shown(connection, &mut numbers, &list, contact)?;
            if removed > 0 {
                history_rows::append(connection, contact, at, ConsentSource::Operator, &Note::Left(&list))?;
            }
            numbers.end("list-left", &json!({ "list": list.id, "contact": contact }))?;
            Ok(removed)
        })
        .await
    }

    async fn remove_entry(&self, list: &str, position: u64, at: Timestamp) -> Result<()> {
        let list = list.to_owned();
        self.write("take an entry off a list", move |connection| {
            let list = list_rows::require(connection, &list)?;
            let (entry, contact) = entry_rows::at(connection, &list, position)?;
            list_rows::remove(connection, &list, &[entry])?;
            list_rows::mark_removed(connection, list.id)?;
            let still_there = match contact {
                Some(contact) => list_rows::on_list_since(connection, &list, contact)?.is_some(),
                None => true,
            };
            if let Some(contact) = contact.filter(|_| !still_there) {
                history_rows::append(connection, contact, at, ConsentSource::Operator, &Note::Left(&list))?;
            }
            let mut numbers = Numbers::begin(connection, at)?;
            let change = if still_there { Change::Entries } else { Change::Left };
            numbers.take(change, contact, Some(list.id))?;
            numbers.end("entry-removed", &json!({ "list": list.id, "entry": entry }))?;
            Ok(())
        })
        .await
    }

    async fn entries_in_trouble(
        &self,
        list: &str,
        trouble: EntryTrouble,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        let list = list.to_owned();
        self.read("read the entries of a list that are at fault", move |connection| {
            let list = list_rows::require(connection, &list)?;
            entry_rows::page(connection, &list, Some(trouble), after, limit)
        })
        .await
    }

    async fn correct_entry(&self, list: &str, position: u64, upsert: &ContactUpsert) -> Result<(ContactId, Written)> {
        let (list, upsert, key) = (list.to_owned(), upsert.clone(), self.key());
        self.write("correct an entry of a list", move |connection| {
            let list = list_rows::require(connection, &list)?;
            let (entry, contact) = entry_rows::at(connection, &list, position)?;
            if contact.is_some() {
                return Err(StoreError::Refused(format!(
                    "the entry {position} of the list `{}` has a contact, and its address is changed there: edit the \
                     contact, or take the entry off the list",
                    list.name
                ))
                .into());
            }
            let mut numbers = Numbers::begin(connection, upsert.at)?;
            let (contact, written) = contacts::write_one(connection, &mut numbers, &key, &upsert)?;
            let is_on_list = list_rows::on_list_since(connection, &list, contact)?.is_some();
            entry_rows::give_contact(connection, &list, entry, contact)?;
            numbers.take(Change::Entries, None, Some(list.id))?;
            let change = if is_on_list { Change::Entries } else { Change::Joined };
            numbers.take(change, Some(contact), Some(list.id))?;
            numbers.end("entry-corrected", &json!({ "list": list.id, "entry": entry, "contact": contact }))?;
            Ok((contact, written))
        })
        .await
    }
}

/// A list's name without the spaces around it.
fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() {
        return Err(StoreError::Refused("a list needs a name: write at least one letter".to_owned()));
    }
    Ok(name.to_owned())
}

/// Makes a list; one that is not shown is known to its import only.
pub(crate) fn insert(connection: &Connection, name: &str, shown: bool, at: Timestamp) -> Step<()> {
    connection.execute(
        "INSERT INTO lists (name, shown, entries_hash, created_at, place)
         VALUES (?, ?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM lists))",
        (name, shown, NO_ENTRIES, micros(at)),
    )?;
    Ok(())
}

/// Removes a list with all its entries, and ends the import that was filling it.
pub(crate) fn delete(connection: &Connection, list: i64) -> Step<()> {
    connection.execute("UPDATE imports SET state = 'abandoned' WHERE list_id = ? AND state = 'open'", [list])?;
    connection.execute("DELETE FROM entries WHERE list_id = ?", [list])?;
    connection.execute("DELETE FROM lists WHERE id = ?", [list])?;
    Ok(())
}

/// Forgets who withdrew for a list that is about to be deleted. Histories know it by its name.
fn forget_subscriptions(connection: &Connection, list: &ListRow) -> Step<()> {
    connection.execute("INSERT INTO former_lists (list_id, name) VALUES (?, ?)", (list.id, &list.name))?;
    connection.execute("DELETE FROM list_withdrawals WHERE list_id = ?", [list.id])?;
    connection.execute(
        "DELETE FROM scope_suppressions WHERE list_id = ? /* all: addresses that are nobody's, when a list goes */",
        [list.id],
    )?;
    Ok(())
}

/// The names of the syncs that take a list.
fn syncs_of(connection: &Connection, list: i64) -> Step<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT name FROM syncs WHERE list_id = ? ORDER BY name")?;
    let names = statement.query_map([list], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(names)
}

fn describe(connection: &Connection, list: ListRow) -> Step<List> {
    let shown = (list.id, list.first_generation, list.last_generation);
    let entries = connection
        .prepare_cached("SELECT count(*) FROM entries WHERE list_id = ? AND generation BETWEEN ? AND ?")?
        .query_row(shown, |row| row.get(0))?;
    let contacts = connection
        .prepare_cached(
            "SELECT count(DISTINCT contact_id) FROM entries
             WHERE list_id = ? AND contact_id IS NOT NULL AND generation BETWEEN ? AND ?",
        )?
        .query_row(shown, |row| row.get(0))?;
    Ok(List {
        id: list.id,
        syncs: syncs_of(connection, list.id)?,
        name: list.name,
        entries,
        contacts,
        created_at: timestamp(list.created_at)?,
    })
}
