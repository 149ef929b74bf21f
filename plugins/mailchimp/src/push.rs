//! Pushing a batch: what goes which way.

use postroom_sdk::prelude::*;

use crate::archive::Archive;
use crate::bulk::Bulk;
use crate::entry::Entry;
use crate::member;
use crate::prepared::Prepared;
use crate::single::{self, Renamed};

/// Reads the audience's merge fields and its archive, once per run.
pub(crate) fn prepare(job: &Job, audience: &str) -> Result<Vec<u8>, ProviderError> {
    Prepared::read(job, audience)?.to_bytes()
}

/// Pushes a batch. What goes singly goes first: a change of address whose member is gone joins the
/// bulk.
pub(crate) fn push(
    job: &Job,
    audience: &str,
    prepared: &[u8],
    writes: &[ContactWrite],
) -> Result<BatchAnswer, ProviderError> {
    let Prepared { rules, archive } = Prepared::from_bytes(prepared)?;
    let mut items = Vec::with_capacity(writes.len());
    let mut together = Vec::with_capacity(writes.len());
    for write in writes {
        let entry = Entry::new(write, &rules);
        match push_single(job, audience, &archive, entry) {
            Ok(Way::Concluded(item)) => items.push(item),
            Ok(Way::Together(entry)) => together.push(entry),
            Err(error) => return BatchAnswer::concluded(items, Some(error)),
        }
    }
    let mut bulk = Bulk::new(job, audience, items);
    let stopped = bulk.push(together).err();
    BatchAnswer::concluded(bulk.into_items(), stopped)
}

/// How far a contact got before the bulk.
enum Way<'a> {
    Concluded(ItemResult),
    Together(Entry<'a>),
}

fn push_single<'a>(
    job: &Job,
    audience: &str,
    archive: &Archive<'_>,
    entry: Entry<'a>,
) -> Result<Way<'a>, ProviderError> {
    let previous = entry.write.previous_address.as_deref();
    let renamed_from = previous.filter(|previous| member::address_key(previous) != entry.address_key);
    let entry = match renamed_from {
        Some(previous) => match single::rename(job, audience, previous, entry)? {
            Renamed::Concluded(item) => return Ok(Way::Concluded(item)),
            // Nothing is left to rename, so the contact is a contact like any other.
            Renamed::Gone(entry) => entry,
        },
        None => entry,
    };
    let only_update =
        entry.write.on_create == OnCreate::DoNotCreate || archive.holds(job, audience, entry.address())?;
    if only_update {
        return single::update(job, audience, entry).map(Way::Concluded);
    }
    Ok(Way::Together(entry))
}

#[cfg(test)]
#[path = "push_tests.rs"]
mod tests;
