//! The use cases of segments.

use async_trait::async_trait;
use jiff::{Timestamp, Zoned};
use postroom_domain::contact::ContactId;
use postroom_domain::field::FieldName;
use postroom_domain::segment::{Condition, Explanation, Known, Moment, explain, predefined};
use postroom_store::contacts::{Contact, ContactRef};
use postroom_store::segments::{
    ActivityRow, Filterable, MAX_ACTIVITY_ROWS, Segment, SegmentPreview, SegmentRefresh, SegmentStore,
};
use postroom_store::{Result, StoreError};
use rusqlite::Connection;

use crate::columns::micros;
use crate::failure::{Failure, Step, refuse_used};
use crate::segment::{compile, facts, filterable, members, refresh, rows};
use crate::store::SqliteStore;
use crate::{contact_rows, contacts, field_rows, list_rows, lists};

#[async_trait]
impl SegmentStore for SqliteStore {
    async fn segment_vocabulary(&self) -> Result<Known> {
        self.read("read what segments may name", rows::vocabulary).await
    }

    async fn segments(&self) -> Result<Vec<Segment>> {
        self.read("read its segments", |connection| {
            let all = rows::all(connection)?.into_iter().map(|row| row.segment);
            Ok(all.filter(|segment| !segment.is_predefined).collect())
        })
        .await
    }

    async fn segment(&self, name: &str) -> Result<Segment> {
        let name = name.to_owned();
        self.read("read a segment", move |connection| rows::require(connection, &name)).await
    }

    async fn save_segment(&self, name: &str, condition: &Condition, at: Timestamp) -> Result<Segment> {
        let (name, condition) = (checked_name(name)?, condition.clone());
        self.write("save a segment", move |connection| {
            rows::refuse_reserved(&name)?;
            compile::require_fit(&condition, &rows::vocabulary(connection)?)?;
            rows::save(connection, &name, &condition, at)?;
            rows::refuse_unfit_nesting(connection, &name, &condition)?;
            rows::require(connection, &name)
        })
        .await
    }

    async fn rename_segment(&self, name: &str, to: &str) -> Result<()> {
        let (name, to) = (name.to_owned(), checked_name(to)?);
        self.write("rename a segment", move |connection| {
            let found = own(connection, &name)?;
            rows::refuse_reserved(&to)?;
            if to == name {
                return Ok(());
            }
            if rows::by_name(connection, &to)?.is_some() {
                return Err(StoreError::Taken { kind: "segment", name: to }.into());
            }
            if list_rows::by_name(connection, &to)?.is_some() {
                return Err(StoreError::Taken { kind: "list", name: to }.into());
            }
            let users = rows::naming_segment_itself(connection, &name)?;
            connection.execute("UPDATE lists SET name = ? WHERE id = ?", (&to, found.list))?;
            rows::rewrite(connection, &users, |condition| condition.with_segment_renamed(&name, &to))
        })
        .await
    }

    async fn delete_segment(&self, name: &str) -> Result<()> {
        const DOING: &str = "delete a segment";
        // Its members may be many: they are put out of sight and cleared before the row goes.
        let _turn = self.refreshing().lock().await;
        let wanted = name.to_owned();
        let list = self
            .write(DOING, move |connection| {
                let list = unused(connection, &wanted)?;
                connection.execute(
                    "UPDATE lists SET first_generation = next_generation, last_generation = next_generation,
                                      next_generation = next_generation + 1
                     WHERE id = ?",
                    [list],
                )?;
                Ok(list)
            })
            .await?;
        self.clear_hidden(list).await?;
        let wanted = name.to_owned();
        self.write(DOING, move |connection| lists::delete(connection, unused(connection, &wanted)?)).await
    }

    async fn preview_segment(&self, condition: &Condition, now: &Zoned, limit: u32) -> Result<SegmentPreview> {
        const DOING: &str = "preview a segment";
        let members = members::all(self, DOING, condition.clone(), Moment::new(now)).await?;
        self.read(DOING, move |connection| {
            let first = contacts::by_ids(connection, &members::first(&members, limit)?)?;
            Ok(SegmentPreview { count: members.len(), first })
        })
        .await
    }

    async fn segment_members(
        &self,
        condition: &Condition,
        now: &Zoned,
        after: Option<ContactId>,
        limit: u32,
    ) -> Result<Vec<Contact>> {
        let (condition, moment) = (condition.clone(), Moment::new(now));
        self.read("read the contacts of a segment", move |connection| {
            let page = members::page(connection, &condition, &moment, after.unwrap_or(ContactId(0)), limit)?;
            contacts::by_ids(connection, &page)
        })
        .await
    }

    async fn explain_segment(&self, condition: &Condition, who: &ContactRef, now: &Zoned) -> Result<Explanation> {
        let (condition, who, moment) = (condition.clone(), who.clone(), Moment::new(now));
        self.read("explain a segment", move |connection| {
            compile::require_fit(&condition, &rows::vocabulary(connection)?)?;
            let id = contact_rows::require(connection, &who)?.id;
            let contact = contacts::by_ids(connection, &[id.0])?.pop();
            let contact = contact.ok_or_else(|| Failure::Cause("a contact was not found by its number".to_owned()))?;
            let condition = rows::expanded(connection, &condition, None)?;
            Ok(explain(&condition, &facts::of(connection, contact)?, &moment))
        })
        .await
    }

    async fn refresh_segment(&self, name: &str, now: &Zoned) -> Result<SegmentRefresh> {
        refresh::refresh(self, name, Moment::new(now)).await
    }

    async fn record_activity(&self, rows: Vec<ActivityRow>) -> Result<u64> {
        self.write("record what campaigns did", move |connection| {
            if rows.len() > MAX_ACTIVITY_ROWS {
                return Err(StoreError::Refused(format!(
                    "{} rows of activity came at once: hand over {MAX_ACTIVITY_ROWS} at most",
                    rows.len()
                ))
                .into());
            }
            let mut insert = connection.prepare_cached(
                "INSERT INTO activity (contact_id, kind, campaign, at)
                 SELECT id, ?2, ?3, ?4 FROM contacts WHERE id = ?1
                 ON CONFLICT DO NOTHING",
            )?;
            let mut new = 0;
            for row in &rows {
                new += insert.execute((row.contact.0, row.kind.as_str(), &row.campaign, micros(row.at)))?;
            }
            Ok(u64::try_from(new)?)
        })
        .await
    }

    async fn filterable_fields(&self) -> Result<Vec<FieldName>> {
        self.read("read which fields are filterable", |connection| {
            let all = field_rows::all(connection)?.into_iter();
            Ok(all.filter(|field| field.is_filterable).map(|field| field.name).collect())
        })
        .await
    }

    async fn set_filterable(&self, change: &Filterable) -> Result<()> {
        let change = change.clone();
        self.write("change the index of a field", move |connection| filterable::set(connection, &change)).await
    }
}

/// A segment's name without the spaces around it.
fn checked_name(name: &str) -> Result<String> {
    match name.trim() {
        "" => Err(StoreError::Refused("a segment needs a name: write at least one letter".to_owned())),
        name => Ok(name.to_owned()),
    }
}

/// A segment that the operator made.
fn own(connection: &Connection, name: &str) -> Step<rows::SegmentRow> {
    if predefined(name).is_some() {
        let refusal = format!("`{name}` is a predefined segment and stays as it is: save one of your own");
        return Err(StoreError::Refused(refusal).into());
    }
    rows::by_name(connection, name)?.ok_or_else(|| {
        let mend = "look the name up among the segments".to_owned();
        StoreError::NotFound { kind: "segment", name: name.to_owned(), mend }.into()
    })
}

/// The list of a segment that the operator made, and that no sync takes and no segment names.
fn unused(connection: &Connection, name: &str) -> Step<i64> {
    let found = own(connection, name)?;
    let users = [("sync", found.segment.syncs), ("segment", rows::naming_segment_itself(connection, name)?)];
    refuse_used("segment", name, &users)?;
    Ok(found.list)
}
