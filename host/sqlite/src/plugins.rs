//! Installed plugins: a row each, and the component's bytes in a file beside the database, named by
//! their digest so that a file never changes under a running plugin.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use postroom_store::accounts::InstalledPlugin;
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use crate::columns::{hex, micros, timestamp};
use crate::failure::{Failure, Step, in_use};
use crate::folder;
use crate::store::SqliteStore;

/// How a digest begins; hexadecimal digits follow.
const DIGEST_PREFIX: &str = "sha256:";

/// The installed plugins, by id.
pub(crate) async fn all(store: &SqliteStore) -> Result<Vec<InstalledPlugin>> {
    store
        .read("read its plugins", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, version, digest, source, approved, installed_at FROM plugins ORDER BY id",
            )?;
            let mut rows = statement.query([])?;
            let mut plugins = Vec::new();
            while let Some(row) = rows.next()? {
                plugins.push(InstalledPlugin {
                    id: row.get(0)?,
                    version: row.get(1)?,
                    digest: row.get(2)?,
                    source: row.get(3)?,
                    approved: row.get(4)?,
                    installed_at: timestamp(row.get(5)?)?,
                });
            }
            Ok(plugins)
        })
        .await
}

/// Keeps a component and its row. The file is there before the row that names it.
pub(crate) async fn install(store: &SqliteStore, plugin: &InstalledPlugin, component: &[u8]) -> Result<()> {
    const DOING: &str = "install a plugin";
    if digest_of(component) != plugin.digest {
        return Err(StoreError::Refused(format!(
            "the component of the plugin `{}` is not the one of its digest {}: fetch it again",
            plugin.id, plugin.digest
        )));
    }
    let (plugin, bytes, folder) = (plugin.clone(), component.to_vec(), store.folder().to_owned());
    store
        .write(DOING, move |connection| {
            keep(&folder, &plugin.digest, &bytes)?;
            let replaced = digest_of_installed(connection, &plugin.id)?;
            connection.execute(
                "INSERT INTO plugins (id, version, digest, source, approved, installed_at) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET version = excluded.version, digest = excluded.digest,
                     source = excluded.source, approved = excluded.approved, installed_at = excluded.installed_at",
                (
                    &plugin.id,
                    &plugin.version,
                    &plugin.digest,
                    &plugin.source,
                    &plugin.approved,
                    micros(plugin.installed_at),
                ),
            )?;
            match replaced {
                Some(digest) => drop_unused(connection, &folder, &digest),
                None => Ok(()),
            }
        })
        .await
}

/// The bytes of an installed plugin, checked against its digest.
pub(crate) async fn component(store: &SqliteStore, id: &str) -> Result<Vec<u8>> {
    let (id, folder) = (id.to_owned(), store.folder().to_owned());
    store
        .read("read a plugin", move |connection| {
            let digest = digest_of_installed(connection, &id)?.ok_or_else(|| not_found(&id))?;
            let file = file_of(&folder, &digest)?;
            let bytes = match std::fs::read(&file) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            if digest_of(&bytes) != digest {
                return Err(StoreError::Unusable(format!(
                    "the component of the plugin `{id}` in {} is missing or not the one that was installed: install \
                     the plugin again",
                    file.display()
                ))
                .into());
            }
            Ok(bytes)
        })
        .await
}

/// Removes a plugin that no account uses.
pub(crate) async fn remove(store: &SqliteStore, id: &str) -> Result<()> {
    let (id, folder) = (id.to_owned(), store.folder().to_owned());
    store
        .write("remove a plugin", move |connection| {
            let digest = digest_of_installed(connection, &id)?.ok_or_else(|| not_found(&id))?;
            let mut statement = connection.prepare("SELECT name FROM accounts WHERE plugin = ? ORDER BY name")?;
            let users: Vec<String> = statement.query_map([&id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            if !users.is_empty() {
                return Err(in_use("plugin", &id, "account", &users).into());
            }
            connection.execute("DELETE FROM plugins WHERE id = ?", [&id])?;
            drop_unused(connection, &folder, &digest)
        })
        .await
}

fn not_found(id: &str) -> StoreError {
    let mend = "look its id up among the installed plugins, or install it".to_owned();
    StoreError::NotFound { kind: "plugin", name: id.to_owned(), mend }
}

fn digest_of(component: &[u8]) -> String {
    format!("{DIGEST_PREFIX}{}", hex(&Sha256::digest(component)))
}

fn digest_of_installed(connection: &Connection, id: &str) -> Step<Option<String>> {
    Ok(connection.query_row("SELECT digest FROM plugins WHERE id = ?", [id], |row| row.get(0)).optional()?)
}

/// Where a component lies. What is no digest names no file.
fn file_of(folder: &Path, digest: &str) -> Step<PathBuf> {
    digest
        .strip_prefix(DIGEST_PREFIX)
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(|digits| folder::plugins(folder).join(format!("{digits}.wasm")))
        .ok_or_else(|| Failure::unreadable("digest", digest))
}

/// Writes a component under its digest, entirely or not at all.
fn keep(folder: &Path, digest: &str, component: &[u8]) -> Step<()> {
    let plugins = folder::plugins(folder);
    folder::make(&plugins)?;
    let file = file_of(folder, digest)?;
    let unfinished = file.with_extension("new");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    folder::write_new(&unfinished, component)?;
    std::fs::rename(&unfinished, &file)?;
    Ok(folder::sync(&plugins)?)
}

/// Deletes the file of a component that no row names any more. If the transaction is taken back
/// after this, `component` says so and installing again mends it.
fn drop_unused(connection: &Connection, folder: &Path, digest: &str) -> Step<()> {
    let used: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM plugins WHERE digest = ?)", [digest], |row| row.get(0))?;
    if used {
        return Ok(());
    }
    match std::fs::remove_file(file_of(folder, digest)?) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
