//! The use cases of syncs, and the audiences that they fill.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::mapping::{Mapping, TargetSource};
use postroom_domain::purpose::PurposeTerms;
use postroom_store::syncs::{Audience, Sync, SyncDraft, SyncStore};
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::accounts;
use crate::columns::{from_word, micros, timestamp};
use crate::failure::{Failure, Step, refuse_used};
use crate::member_rows;
use crate::purpose_rows;
use crate::segment::rows;
use crate::store::SqliteStore;

/// The columns of a [`Sync`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.name, l.name, l.id, au.id, a.name, au.remote_id, au.name, s.pairs, s.mapping, s.newcomers,
                    s.tag, s.tag_is_own, s.breaker_percent, s.tag_warning, s.last_run, s.finished_runs,
                    s.created_at, s.updated_at, EXISTS (SELECT 1 FROM segments g WHERE g.list_id = l.id),
                    p.name, p.basis
             FROM syncs s
             JOIN lists l ON l.id = s.list_id
             JOIN audiences au ON au.id = s.audience_id
             JOIN accounts a ON a.id = au.account_id
             LEFT JOIN purposes p ON p.id = s.purpose_id ",
            $rest
        )
    };
}

#[async_trait]
impl SyncStore for SqliteStore {
    async fn syncs(&self) -> Result<Vec<Sync>> {
        self.read("read its syncs", |connection| {
            let mut statement = connection.prepare_cached(select!("ORDER BY s.name"))?;
            let mut rows = statement.query([])?;
            let mut syncs = Vec::new();
            while let Some(row) = rows.next()? {
                syncs.push(read(row)?);
            }
            Ok(syncs)
        })
        .await
    }

    async fn sync(&self, name: &str) -> Result<Sync> {
        let name = name.to_owned();
        self.read("read a sync", move |connection| named(connection, &name)).await
    }

    async fn add_sync(&self, draft: &SyncDraft, at: Timestamp) -> Result<Sync> {
        let draft = draft.clone();
        self.write("add a sync", move |connection| {
            refuse_taken(connection, &draft.name, None)?;
            let list = rows::source(connection, &draft.list, at)?;
            let audience = audience_of(connection, &draft)?;
            refuse_conflicts(connection, &draft, audience, None)?;
            let purpose = purpose_of(connection, &draft)?;
            connection.execute(
                "INSERT INTO syncs (name, list_id, audience_id, pairs, mapping, newcomers, tag, tag_key, tag_is_own,
                                    purpose_id, breaker_percent, created_at, updated_at)
                 VALUES (:name, :list, :audience, :pairs, :mapping, :newcomers, :tag, :tag_key, :tag_is_own,
                         :purpose, :breaker, :at, :at)",
                named_params! {
                    ":name": draft.name, ":list": list, ":audience": audience,
                    ":pairs": serde_json::to_string(&draft.pairs)?,
                    ":mapping": serde_json::to_string(&draft.mapping)?,
                    ":newcomers": draft.newcomers.as_str(),
                    ":tag": draft.tag, ":tag_key": draft.tag.as_deref().map(str::to_lowercase),
                    ":tag_is_own": draft.tag_is_own, ":purpose": purpose, ":breaker": draft.breaker_percent,
                    ":at": micros(at),
                },
            )?;
            named(connection, &draft.name)
        })
        .await
    }

    async fn edit_sync(&self, name: &str, draft: &SyncDraft, at: Timestamp) -> Result<Sync> {
        let (name, draft) = (name.to_owned(), draft.clone());
        self.write("change a sync", move |connection| {
            let sync = named(connection, &name)?;
            refuse_exchange(&sync, &draft)?;
            refuse_taken(connection, &draft.name, Some(sync.id))?;
            let audience = audience_of(connection, &draft)?;
            refuse_conflicts(connection, &draft, audience, Some(sync.id))?;
            let purpose = purpose_of(connection, &draft)?;
            connection.execute(
                "UPDATE syncs SET name = :name, pairs = :pairs, mapping = :mapping, newcomers = :newcomers, tag = :tag,
                                  tag_key = :tag_key, tag_is_own = :tag_is_own, purpose_id = :purpose,
                                  breaker_percent = :breaker, updated_at = :at
                 WHERE id = :id",
                named_params! {
                    ":id": sync.id, ":name": draft.name,
                    ":pairs": serde_json::to_string(&draft.pairs)?,
                    ":mapping": serde_json::to_string(&draft.mapping)?,
                    ":newcomers": draft.newcomers.as_str(),
                    ":tag": draft.tag, ":tag_key": draft.tag.as_deref().map(str::to_lowercase),
                    ":tag_is_own": draft.tag_is_own, ":purpose": purpose, ":breaker": draft.breaker_percent,
                    ":at": micros(at),
                },
            )?;
            if draft.name != name {
                let segments = rows::naming_sync(connection, sync.id)?;
                rows::rewrite(connection, &segments, |condition| condition.with_sync_renamed(&name, &draft.name))?;
            }
            named(connection, &draft.name)
        })
        .await
    }

    async fn remove_sync(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.write("remove a sync", move |connection| {
            let sync = named(connection, &name)?;
            refuse_used("sync", &name, &[("segment", rows::naming_sync(connection, sync.id)?)])?;
            connection.execute("DELETE FROM syncs WHERE id = ?", [sync.id])?;
            member_rows::forget_untagged(connection, sync.audience.id)
        })
        .await
    }
}

fn named(connection: &Connection, name: &str) -> Step<Sync> {
    let mut statement = connection.prepare_cached(select!("WHERE s.name = ?"))?;
    let mut rows = statement.query([name])?;
    match rows.next()? {
        Some(row) => read(row),
        None => {
            let mend = "look the name up among the syncs, or add one".to_owned();
            Err(StoreError::NotFound { kind: "sync", name: name.to_owned(), mend }.into())
        }
    }
}

fn refuse_taken(connection: &Connection, name: &str, own: Option<i64>) -> Step<()> {
    let holder: Option<i64> =
        connection.query_row("SELECT id FROM syncs WHERE name = ?", [name], |row| row.get(0)).optional()?;
    if holder.is_some() && holder != own {
        return Err(StoreError::Taken { kind: "sync", name: name.to_owned() }.into());
    }
    Ok(())
}

/// A sync keeps its list and its audience: its members and their tags are theirs.
fn refuse_exchange(sync: &Sync, draft: &SyncDraft) -> Step<()> {
    let what = if draft.list != sync.list {
        format!("takes the list `{}`", sync.list)
    } else if draft.account != sync.audience.account || draft.audience_remote_id != sync.audience.remote_id {
        format!("fills the audience `{}` of the account `{}`", sync.audience.name, sync.audience.account)
    } else {
        return Ok(());
    };
    Err(StoreError::Refused(format!(
        "the sync `{}` {what}, and neither can be exchanged: add another sync instead",
        sync.name
    ))
    .into())
}

/// The audience of a draft, under its name of today; made when a sync first fills it.
fn audience_of(connection: &Connection, draft: &SyncDraft) -> Step<i64> {
    let account = accounts::id_of(connection, &draft.account)?;
    Ok(connection.query_row(
        "INSERT INTO audiences (account_id, remote_id, name) VALUES (?, ?, ?)
         ON CONFLICT (account_id, remote_id) DO UPDATE SET name = excluded.name
         RETURNING id",
        (account, &draft.audience_remote_id, &draft.audience_name),
        |row| row.get(0),
    )?)
}

/// The number of a draft's purpose.
fn purpose_of(connection: &Connection, draft: &SyncDraft) -> Step<Option<i64>> {
    let purpose = draft.purpose.as_ref();
    purpose.map(|name| Ok(purpose_rows::require(connection, name.as_str())?.id)).transpose()
}

/// Refuses what two syncs into one audience would fight over: a tag, or a remote field that they
/// fill from different places.
fn refuse_conflicts(connection: &Connection, draft: &SyncDraft, audience: i64, own: Option<i64>) -> Step<()> {
    let mut statement = connection
        .prepare("SELECT name, tag, mapping FROM syncs WHERE audience_id = ? AND id IS NOT ? ORDER BY name")?;
    let mut rows = statement.query((audience, own))?;
    while let Some(row) = rows.next()? {
        let (name, tag, mapping): (String, Option<String>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if let (Some(theirs), Some(ours)) = (&tag, &draft.tag)
            && theirs.to_lowercase() == ours.to_lowercase()
        {
            return Err(StoreError::Refused(format!(
                "the sync `{name}` puts the tag `{theirs}` on members of the same audience: give this sync a tag of \
                 its own"
            ))
            .into());
        }
        if let Some(field) = filled_differently(&draft.mapping, &serde_json::from_str(&mapping)?) {
            return Err(StoreError::Refused(format!(
                "the sync `{name}` into the same audience fills the remote field `{field}` from another place: map it \
                 alike in both, or leave it out of one"
            ))
            .into());
        }
    }
    Ok(())
}

/// The first remote field that two mappings fill from different places. A part that only one of them
/// fills counts: a composite field goes as a whole.
fn filled_differently(ours: &Mapping, theirs: &Mapping) -> Option<String> {
    ours.targets.iter().find_map(|target| {
        let other = theirs.targets.iter().find(|other| other.field == target.field)?;
        match (&target.source, &other.source) {
            (TargetSource::Value(a), TargetSource::Value(b)) if a == b => None,
            (TargetSource::Parts(a), TargetSource::Parts(b)) => {
                let source_of = |parts: &[postroom_domain::mapping::PartSource], name: &str| {
                    parts.iter().find(|part| part.part == name).and_then(|part| part.source.clone())
                };
                a.iter()
                    .chain(b)
                    .find(|part| source_of(a, &part.part) != source_of(b, &part.part))
                    .map(|part| format!("{}.{}", target.field, part.part))
            }
            _ => Some(target.field.clone()),
        }
    })
}

fn read(row: &Row<'_>) -> Step<Sync> {
    let (pairs, mapping, newcomers): (String, String, String) = (row.get(8)?, row.get(9)?, row.get(10)?);
    Ok(Sync {
        id: row.get(0)?,
        name: row.get(1)?,
        list: row.get(2)?,
        list_id: row.get(3)?,
        is_segment: row.get(19)?,
        audience: Audience { id: row.get(4)?, account: row.get(5)?, remote_id: row.get(6)?, name: row.get(7)? },
        pairs: serde_json::from_str(&pairs)?,
        mapping: serde_json::from_str(&mapping)?,
        newcomers: from_word("policy for newcomers", &newcomers)?,
        tag: row.get(11)?,
        tag_is_own: row.get(12)?,
        purpose: purpose(row.get(20)?, row.get(21)?)?,
        breaker_percent: row.get(13)?,
        tag_warning: row.get(14)?,
        last_run: row.get(15)?,
        finished_runs: row.get(16)?,
        created_at: timestamp(row.get(17)?)?,
        updated_at: timestamp(row.get(18)?)?,
    })
}

fn purpose(name: Option<String>, basis: Option<String>) -> Step<Option<PurposeTerms>> {
    let (Some(name), Some(basis)) = (name, basis) else { return Ok(None) };
    let name = name.parse().map_err(|_| Failure::unreadable("name of a purpose", &name))?;
    Ok(Some(PurposeTerms { name, basis: from_word("legal basis", &basis)? }))
}
