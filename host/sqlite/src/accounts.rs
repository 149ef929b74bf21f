//! The use cases of accounts: a provider's plugin plus settings and sealed secrets.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_store::accounts::{
    Account, AccountDraft, AccountStore, InstalledPlugin, OriginPause, PluginSource, Secret, Successor,
};
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::columns::{micros, timestamp};
use crate::failure::{Step, refuse_used};
use crate::key::SecretKey;
use crate::store::SqliteStore;
use crate::{intent_ends, intent_lanes, plugins};

/// The columns of an [`Account`], its slots as a JSON array.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, a.name, a.plugin, a.auth_method, a.settings, a.origins, a.insecure_origin, a.remote_name,
                    a.created_at, a.updated_at, a.plugin_source,
                    (SELECT json_group_array(s.slot) FROM account_secrets s WHERE s.account_id = a.id)
             FROM accounts a ",
            $rest
        )
    };
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn plugins(&self) -> Result<Vec<InstalledPlugin>> {
        plugins::all(self).await
    }

    async fn earlier_plugins(&self, id: &str) -> Result<Vec<InstalledPlugin>> {
        plugins::earlier(self, id).await
    }

    async fn install_plugin(&self, plugin: &InstalledPlugin, component: &[u8]) -> Result<()> {
        plugins::install(self, plugin, component).await
    }

    async fn roll_back_plugin(&self, id: &str, expected: &str) -> Result<()> {
        plugins::roll_back(self, id, expected).await
    }

    async fn plugin_component(&self, plugin: &InstalledPlugin) -> Result<Vec<u8>> {
        plugins::component(self, plugin).await
    }

    async fn remove_plugin(&self, id: &str, successor: Successor) -> Result<()> {
        plugins::remove(self, id, successor).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.read("read its accounts", |connection| {
            let mut statement = connection.prepare_cached(select!("ORDER BY a.name"))?;
            let mut rows = statement.query([])?;
            let mut accounts = Vec::new();
            while let Some(row) = rows.next()? {
                accounts.push(read(row)?);
            }
            Ok(accounts)
        })
        .await
    }

    async fn account(&self, name: &str) -> Result<Account> {
        let name = name.to_owned();
        self.read("read an account", move |connection| named(connection, &name)).await
    }

    async fn add_account(&self, draft: &AccountDraft, at: Timestamp) -> Result<Account> {
        let (draft, key) = (draft.clone(), self.key());
        self.write("add an account", move |connection| {
            refuse_taken(connection, &draft.name, None)?;
            connection.execute(
                "INSERT INTO accounts (name, plugin, auth_method, settings, origins, insecure_origin, remote_name,
                                       created_at, updated_at, plugin_source)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)",
                (
                    &draft.name,
                    &draft.plugin,
                    &draft.auth_method,
                    serde_json::to_string(&draft.settings)?,
                    serde_json::to_string(&draft.origins)?,
                    draft.insecure_origin,
                    &draft.remote_name,
                    micros(at),
                    source_column(&draft.plugin_source),
                ),
            )?;
            seal(connection, &key, connection.last_insert_rowid(), &draft.secrets)?;
            named(connection, &draft.name)
        })
        .await
    }

    async fn edit_account(&self, name: &str, draft: &AccountDraft, at: Timestamp) -> Result<Account> {
        let (name, draft, key) = (name.to_owned(), draft.clone(), self.key());
        self.write("change an account", move |connection| {
            let id = id_of(connection, &name)?;
            refuse_taken(connection, &draft.name, Some(id))?;
            connection.execute(
                "UPDATE accounts SET name = ?, plugin = ?, auth_method = ?, settings = ?, origins = ?,
                                     insecure_origin = ?, remote_name = ?, updated_at = ?, plugin_source = ?
                 WHERE id = ?",
                (
                    &draft.name,
                    &draft.plugin,
                    &draft.auth_method,
                    serde_json::to_string(&draft.settings)?,
                    serde_json::to_string(&draft.origins)?,
                    draft.insecure_origin,
                    &draft.remote_name,
                    micros(at),
                    source_column(&draft.plugin_source),
                    id,
                ),
            )?;
            seal(connection, &key, id, &draft.secrets)?;
            named(connection, &draft.name)
        })
        .await
    }

    async fn account_secrets(&self, name: &str) -> Result<BTreeMap<String, Secret>> {
        let (name, key) = (name.to_owned(), self.key());
        self.read("open an account's secrets", move |connection| {
            let id = id_of(connection, &name)?;
            let mut statement = connection.prepare("SELECT slot, sealed FROM account_secrets WHERE account_id = ?")?;
            let mut rows = statement.query([id])?;
            let mut secrets = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let (slot, sealed): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let Some(secret) = key.open(id, &slot, &sealed) else {
                    return Err(StoreError::Unusable(format!(
                        "the key of this store does not open the secret `{slot}` of the account `{name}`: set it again \
                         with the account, or restore database and key from one backup"
                    ))
                    .into());
                };
                secrets.insert(slot, Secret(secret));
            }
            Ok(secrets)
        })
        .await
    }

    async fn keep_pauses(&self, account: i64, pauses: &[OriginPause]) -> Result<()> {
        let pauses = pauses.to_vec();
        self.write("keep an account's pauses", move |connection| {
            intent_lanes::require_account(connection, account)?;
            connection.execute("DELETE FROM origin_pauses WHERE account_id = ?", [account])?;
            let mut keep =
                connection.prepare_cached("INSERT INTO origin_pauses (account_id, origin, until) VALUES (?, ?, ?)")?;
            for pause in &pauses {
                keep.execute((account, &pause.origin, micros(pause.until)))?;
            }
            Ok(())
        })
        .await
    }

    async fn pauses(&self, account: i64) -> Result<Vec<OriginPause>> {
        self.read("read an account's pauses", move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT origin, until FROM origin_pauses WHERE account_id = ? ORDER BY origin")?;
            let mut rows = statement.query([account])?;
            let mut pauses = Vec::new();
            while let Some(row) = rows.next()? {
                pauses.push(OriginPause { origin: row.get(0)?, until: timestamp(row.get(1)?)? });
            }
            Ok(pauses)
        })
        .await
    }

    async fn remove_account(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.write("remove an account", move |connection| {
            let id = id_of(connection, &name)?;
            let mut statement = connection.prepare(
                "SELECT s.name FROM syncs s JOIN audiences au ON au.id = s.audience_id
                 WHERE au.account_id = ? ORDER BY s.name",
            )?;
            let users: Vec<String> = statement.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            refuse_used("account", &name, &[("sync", users)])?;
            intent_ends::leave_account(connection, id, &name)?;
            // Its secrets, its audiences and what they confirmed go with it.
            connection.execute("DELETE FROM accounts WHERE id = ?", [id])?;
            Ok(())
        })
        .await
    }
}

/// The number of an account.
pub(crate) fn id_of(connection: &Connection, name: &str) -> Step<i64> {
    connection
        .query_row("SELECT id FROM accounts WHERE name = ?", [name], |row| row.get(0))
        .optional()?
        .ok_or_else(|| not_found(name).into())
}

fn named(connection: &Connection, name: &str) -> Step<Account> {
    let mut statement = connection.prepare_cached(select!("WHERE a.name = ?"))?;
    let mut rows = statement.query([name])?;
    match rows.next()? {
        Some(row) => read(row),
        None => Err(not_found(name).into()),
    }
}

fn not_found(name: &str) -> StoreError {
    let mend = "look the name up among the accounts, or connect one".to_owned();
    StoreError::NotFound { kind: "account", name: name.to_owned(), mend }
}

/// Refuses a name that another account has.
fn refuse_taken(connection: &Connection, name: &str, own: Option<i64>) -> Step<()> {
    let holder: Option<i64> =
        connection.query_row("SELECT id FROM accounts WHERE name = ?", [name], |row| row.get(0)).optional()?;
    if holder.is_some() && holder != own {
        return Err(StoreError::Taken { kind: "account", name: name.to_owned() }.into());
    }
    Ok(())
}

/// Seals secrets into their slots; the other slots keep theirs.
fn seal(connection: &Connection, key: &SecretKey, account: i64, secrets: &BTreeMap<String, Secret>) -> Step<()> {
    for (slot, secret) in secrets {
        connection.execute(
            "INSERT INTO account_secrets (account_id, slot, sealed) VALUES (?, ?, ?)
             ON CONFLICT (account_id, slot) DO UPDATE SET sealed = excluded.sealed",
            (account, slot, key.seal(account, slot, &secret.0)?),
        )?;
    }
    Ok(())
}

fn source_column(source: &PluginSource) -> Option<&str> {
    match source {
        PluginSource::Bundled => None,
        PluginSource::Installed(source) => Some(source),
    }
}

fn read(row: &Row<'_>) -> Step<Account> {
    let (settings, origins, slots): (String, String, String) = (row.get(4)?, row.get(5)?, row.get(11)?);
    let mut slots: Vec<String> = serde_json::from_str(&slots)?;
    slots.sort_unstable();
    Ok(Account {
        id: row.get(0)?,
        name: row.get(1)?,
        plugin: row.get(2)?,
        plugin_source: row.get::<_, Option<String>>(10)?.map_or(PluginSource::Bundled, PluginSource::Installed),
        auth_method: row.get(3)?,
        settings: serde_json::from_str(&settings)?,
        origins: serde_json::from_str(&origins)?,
        insecure_origin: row.get(6)?,
        slots,
        remote_name: row.get(7)?,
        created_at: timestamp(row.get(8)?)?,
        updated_at: timestamp(row.get(9)?)?,
    })
}
