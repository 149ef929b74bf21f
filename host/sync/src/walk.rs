//! The order in which a run walks its list: that of its contacts.
//!
//! An import makes its contacts in the order of their addresses, so that contacts that follow each other on a list stand
//! anywhere in the tables. A batch in the list's order would touch a page of the database for each row that it writes;
//! five hundred contacts that follow each other share a few dozen.

use postroom_domain::projection::ContentHash;
use postroom_store::discovery::OpenEntries;
use postroom_store::runs::SnapshotPage;
use postroom_store::{Result, Store};

use crate::planning::PAGE;

/// So many places are put in order at a time: twice what an import makes of contacts at once, since the two do not begin
/// at the same place. The numbers take less than a megabyte.
const WINDOW: usize = 100_000;

/// The places of a list that are to be judged, page by page.
pub(crate) struct Walk<'a> {
    store: &'a dyn Store,
    sync: i64,
    open: &'a OpenEntries,
    /// How many places are put in order at a time.
    window: usize,
    /// The last place that was put in order.
    behind: u64,
    ordered: std::vec::IntoIter<u64>,
}

impl<'a> Walk<'a> {
    /// The walk in the order of the contacts.
    pub(crate) fn by_contact(store: &'a dyn Store, sync: i64, open: &'a OpenEntries) -> Self {
        Self { store, sync, open, window: WINDOW, behind: 0, ordered: Vec::new().into_iter() }
    }

    /// The walk in the list's order, for a run that ends after its first contacts.
    pub(crate) fn by_place(store: &'a dyn Store, sync: i64, open: &'a OpenEntries) -> Self {
        Self { window: PAGE, ..Self::by_contact(store, sync, open) }
    }

    /// The next entries; none at the end.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub(crate) async fn next(&mut self, settings: ContentHash) -> Result<Option<SnapshotPage>> {
        let places = self.places().await?;
        if places.is_empty() { Ok(None) } else { self.store.snapshot(self.sync, settings, &places).await.map(Some) }
    }

    /// The next places; none at the end.
    async fn places(&mut self) -> Result<Vec<u64>> {
        loop {
            let page: Vec<u64> = self.ordered.by_ref().take(PAGE).collect();
            if !page.is_empty() {
                return Ok(page);
            }
            let places = self.open.page(self.behind, self.window);
            let Some(last) = places.last() else { return Ok(Vec::new()) };
            self.behind = *last;
            // What is read at once anyway need not be in any order.
            let ordered =
                if places.len() > PAGE { self.store.in_order_of_contacts(self.sync, &places).await? } else { places };
            self.ordered = ordered.into_iter();
        }
    }
}
