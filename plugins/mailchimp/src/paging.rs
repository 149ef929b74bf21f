//! Reading collections to their end.

use postroom_sdk::prelude::*;
use serde::de::DeserializeOwned;

use crate::describe::API;
use crate::errors;
use crate::wire::{List, ListsPage, MemberId, MembersPage, MergeField, MergeFieldsPage, SegmentsPage, Tag};

/// The most items of one page; without a `count` Mailchimp gives ten (MC-05).
const PAGE: usize = 1000;

/// One page of a collection.
pub(crate) trait Page: DeserializeOwned {
    /// What it holds.
    type Item;

    /// Its items, and how many the collection has, if the answer says so.
    fn unpack(self) -> (Vec<Self::Item>, Option<u64>);
}

impl Page for ListsPage {
    type Item = List;
    fn unpack(self) -> (Vec<List>, Option<u64>) {
        (self.lists, self.total_items)
    }
}

impl Page for MergeFieldsPage {
    type Item = MergeField;
    fn unpack(self) -> (Vec<MergeField>, Option<u64>) {
        (self.merge_fields, self.total_items)
    }
}

impl Page for SegmentsPage {
    type Item = Tag;
    fn unpack(self) -> (Vec<Tag>, Option<u64>) {
        (self.segments, self.total_items)
    }
}

impl Page for MembersPage {
    type Item = MemberId;
    fn unpack(self) -> (Vec<MemberId>, Option<u64>) {
        (self.members, self.total_items)
    }
}

/// Reads all pages of a collection. `query` holds the projection and the filters.
pub(crate) fn all<P: Page>(job: &Job, path: &str, query: &[(&str, &str)]) -> Result<Vec<P::Item>, ProviderError> {
    at_most::<P>(job, path, query, usize::MAX).map(Option::unwrap_or_default)
}

/// Reads all pages of a collection, unless it turns out to hold more than `most` items: then there
/// is nothing, as early as that is known.
pub(crate) fn at_most<P: Page>(
    job: &Job,
    path: &str,
    query: &[(&str, &str)],
    most: usize,
) -> Result<Option<Vec<P::Item>>, ProviderError> {
    let count = PAGE.to_string();
    let mut items = Vec::new();
    loop {
        let mut call = job.get(API, path).query("count", &count);
        call = call.query("offset", &items.len().to_string());
        for (name, value) in query {
            call = call.query(name, value);
        }
        let page: P = errors::accepted(call.send()?)?.json()?;
        let (page, total) = page.unpack();
        let full = page.len() >= PAGE;
        items.extend(page);
        let known = total.unwrap_or(0).max(items.len() as u64);
        if known > most as u64 {
            return Ok(None);
        }
        let complete = total.is_some_and(|total| items.len() as u64 >= total);
        if !full || complete {
            return Ok(Some(items));
        }
    }
}
