//! Installed plugins: a row each, and the component's bytes in a file beside the database, named by
//! their digest so that a file never changes under a running plugin.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use postroom_store::accounts::{InstalledPlugin, KEPT_EARLIER_VERSIONS, Successor};
use postroom_store::{Result, StoreError};
use ring::digest::SHA256;
use rusqlite::{Connection, Rows};

use crate::columns::{hex, micros, timestamp};
use crate::failure::{Failure, Step, refuse_used};
use crate::folder;
use crate::store::SqliteStore;

/// How a digest begins; hexadecimal digits follow.
const DIGEST_PREFIX: &str = "sha256:";

/// The columns of an [`InstalledPlugin`] after its id.
macro_rules! columns {
    () => {
        "version, digest, source, approved, installed_at"
    };
}

/// The installed plugins, by id.
pub(crate) async fn all(store: &SqliteStore) -> Result<Vec<InstalledPlugin>> {
    store
        .read("read its plugins", |connection| {
            let select = concat!("SELECT id, ", columns!(), " FROM plugins ORDER BY id");
            rows(&mut connection.prepare_cached(select)?.query([])?)
        })
        .await
}

/// The versions that a plugin had before, the latest first.
pub(crate) async fn earlier(store: &SqliteStore, id: &str) -> Result<Vec<InstalledPlugin>> {
    let id = id.to_owned();
    store.read("read the earlier versions of a plugin", move |connection| earlier_of(connection, &id)).await
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
            let replaced = installed(connection, &plugin.id)?;
            put(connection, &plugin)?;
            match replaced.filter(|known| known.digest != plugin.digest || known.source != plugin.source) {
                Some(known) => remember(connection, &folder, &known),
                None => Ok(()),
            }
        })
        .await
}

/// Puts the latest earlier version back.
pub(crate) async fn roll_back(store: &SqliteStore, id: &str, expected: &str) -> Result<()> {
    let (id, expected, folder) = (id.to_owned(), expected.to_owned(), store.folder().to_owned());
    store
        .write("roll a plugin back", move |connection| {
            let present = installed(connection, &id)?.ok_or_else(|| not_found(&id))?;
            let latest = earlier_of(connection, &id)?.into_iter().next();
            let Some(latest) = latest.filter(|latest| latest.digest == expected) else {
                return Err(StoreError::Refused(format!(
                    "{expected} is not the version that the plugin `{id}` had before: look at it again"
                ))
                .into());
            };
            put(connection, &latest)?;
            connection.execute(
                "DELETE FROM earlier_plugins
                 WHERE plugin = ?1 AND number = (SELECT max(number) FROM earlier_plugins WHERE plugin = ?1)",
                [&id],
            )?;
            drop_unused(connection, &folder, &present.digest)
        })
        .await
}

/// The bytes of a version, checked against its digest.
pub(crate) async fn component(store: &SqliteStore, plugin: &InstalledPlugin) -> Result<Vec<u8>> {
    let (id, digest, folder) = (plugin.id.clone(), plugin.digest.clone(), store.folder().to_owned());
    store
        .read("read a plugin", move |_| {
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

/// Removes a plugin with its earlier versions, if no account uses it or another one takes its place.
pub(crate) async fn remove(store: &SqliteStore, id: &str, successor: Successor) -> Result<()> {
    let (id, folder) = (id.to_owned(), store.folder().to_owned());
    store
        .write("remove a plugin", move |connection| {
            let present = installed(connection, &id)?.ok_or_else(|| not_found(&id))?;
            let mut statement = connection.prepare("SELECT name FROM accounts WHERE plugin = ? ORDER BY name")?;
            let users: Vec<String> = statement.query_map([&id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            if successor == Successor::None {
                refuse_used("plugin", &id, &[("account", users)])?;
            }
            let earlier = earlier_of(connection, &id)?;
            // The earlier versions go with it.
            connection.execute("DELETE FROM plugins WHERE id = ?", [&id])?;
            for version in std::iter::once(present).chain(earlier) {
                drop_unused(connection, &folder, &version.digest)?;
            }
            Ok(())
        })
        .await
}

fn installed(connection: &Connection, id: &str) -> Step<Option<InstalledPlugin>> {
    let select = concat!("SELECT id, ", columns!(), " FROM plugins WHERE id = ?");
    Ok(rows(&mut connection.prepare_cached(select)?.query([id])?)?.pop())
}

fn earlier_of(connection: &Connection, id: &str) -> Step<Vec<InstalledPlugin>> {
    let select = concat!("SELECT plugin, ", columns!(), " FROM earlier_plugins WHERE plugin = ? ORDER BY number DESC");
    rows(&mut connection.prepare_cached(select)?.query([id])?)
}

fn rows(rows: &mut Rows<'_>) -> Step<Vec<InstalledPlugin>> {
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
}

fn put(connection: &Connection, plugin: &InstalledPlugin) -> Step<()> {
    connection.execute(
        "INSERT INTO plugins (id, version, digest, source, approved, installed_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, digest = excluded.digest,
             source = excluded.source, approved = excluded.approved, installed_at = excluded.installed_at",
        (&plugin.id, &plugin.version, &plugin.digest, &plugin.source, &plugin.approved, micros(plugin.installed_at)),
    )?;
    Ok(())
}

/// Makes a version that was replaced the latest of the earlier ones, and forgets those beyond what
/// is kept.
fn remember(connection: &Connection, folder: &Path, plugin: &InstalledPlugin) -> Step<()> {
    connection.execute(
        "INSERT INTO earlier_plugins (plugin, number, version, digest, source, approved, installed_at)
         VALUES (?1, (SELECT ifnull(max(number), 0) + 1 FROM earlier_plugins WHERE plugin = ?1), ?2, ?3, ?4, ?5, ?6)",
        (&plugin.id, &plugin.version, &plugin.digest, &plugin.source, &plugin.approved, micros(plugin.installed_at)),
    )?;
    let earlier = earlier_of(connection, &plugin.id)?;
    connection.execute(
        "DELETE FROM earlier_plugins WHERE plugin = ?1
             AND number <= (SELECT max(number) FROM earlier_plugins WHERE plugin = ?1) - ?2",
        (&plugin.id, KEPT_EARLIER_VERSIONS),
    )?;
    for version in earlier.iter().skip(KEPT_EARLIER_VERSIONS) {
        drop_unused(connection, folder, &version.digest)?;
    }
    Ok(())
}

fn not_found(id: &str) -> StoreError {
    let mend = "look its id up among the installed plugins, or install it".to_owned();
    StoreError::NotFound { kind: "plugin", name: id.to_owned(), mend }
}

fn digest_of(component: &[u8]) -> String {
    format!("{DIGEST_PREFIX}{}", hex(ring::digest::digest(&SHA256, component).as_ref()))
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
    let used: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM plugins WHERE digest = ?1)
             OR EXISTS (SELECT 1 FROM earlier_plugins WHERE digest = ?1)",
        [digest],
        |row| row.get(0),
    )?;
    if used {
        return Ok(());
    }
    match std::fs::remove_file(file_of(folder, digest)?) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
