//! One list at a time (rows D2, D5, and the editing that A3 and A6 ask for).

use postroom_domain::order::Place;
use postroom_store::contacts::{Contact, ContactRef, ContactUpsert, Written};
use postroom_store::lists::{Entry, EntryTrouble, List};
use serde::Serialize;

use crate::contacts::{address, contact_ref};
use crate::{Result, Service, ServiceError, names, paging};

/// A list with a page of its entries.
#[derive(Debug, Clone, Serialize)]
pub struct ListPage {
    /// The list.
    pub list: List,
    /// Entries in the list's order.
    pub entries: Vec<Entry>,
    /// The position behind which the next page begins; none at the end.
    pub next: Option<u64>,
}

/// A list under its new name.
#[derive(Debug, Clone, Serialize)]
pub struct ListRenamed {
    /// The list.
    pub list: List,
    /// Syncs whose tag is the old name (row A8): each may take the new one.
    pub old_tags: Vec<OldTag>,
}

/// A sync whose tag is a name that its list or its segment no longer bears.
#[derive(Debug, Clone, Serialize)]
pub struct OldTag {
    /// The sync.
    pub sync: String,
    /// Its tag.
    pub tag: String,
}

/// What left a list.
#[derive(Debug, Clone, Serialize)]
pub struct TakenOff {
    /// The list.
    pub list: String,
    /// How many entries.
    pub entries: u64,
}

/// An entry without a usable address that is to get one.
#[derive(Debug, Clone, Default)]
pub struct CorrectEntry {
    /// The list.
    pub list: String,
    /// The entry's position.
    pub position: u64,
    /// The address.
    pub email: String,
    /// As in [`AddContact::values`](crate::contacts::AddContact::values).
    pub values: Vec<(String, String)>,
}

/// What became of an entry that was corrected.
#[derive(Debug, Clone, Serialize)]
pub struct EntryCorrected {
    /// The list.
    pub list: String,
    /// The entry's position, which it kept.
    pub position: u64,
    /// Whether its contact is new, was changed, or was so already.
    pub outcome: Written,
    /// Its contact.
    pub contact: Contact,
    /// The position of an earlier entry of that contact, which makes this one a duplicate (row A6).
    pub duplicate_of: Option<u64>,
}

impl Service {
    /// All lists, in the order that the operator set; a new one comes last.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn lists(&self) -> Result<Vec<List>> {
        Ok(self.store().lists().await?)
    }

    /// Gives a list another place among the lists. Answers with all of them.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn move_list(&self, name: &str, to: &Place<String>) -> Result<Vec<List>> {
        self.store().move_list(name, to).await?;
        self.lists().await
    }

    /// A list with at most `limit` of its entries, from behind the position `after`.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn list(&self, name: &str, after: u64, limit: u32) -> Result<ListPage> {
        let list = self.store().list(name).await?;
        let entries = self.store().entries(name, after, limit).await?;
        let next = paging::next(&entries, limit, |entry| entry.position);
        Ok(ListPage { list, entries, next })
    }

    /// A list with at most `limit` of the entries with which this is wrong, from behind the position `after`.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn list_in_trouble(&self, name: &str, trouble: EntryTrouble, after: u64, limit: u32) -> Result<ListPage> {
        let list = self.store().list(name).await?;
        let entries = self.store().entries_in_trouble(name, trouble, after, limit).await?;
        let next = paging::next(&entries, limit, |entry| entry.position);
        Ok(ListPage { list, entries, next })
    }

    /// Gives an invalid entry an address, and with it a contact: the one of the address, or a new one. The
    /// entry stays where it is (row A5).
    ///
    /// # Errors
    ///
    /// Bad input for an address, a field or a value that is none; not found; a conflict for an entry that has
    /// a contact.
    pub async fn correct_entry(&self, request: CorrectEntry) -> Result<EntryCorrected> {
        let CorrectEntry { list, position, email, values } = request;
        let upsert = ContactUpsert {
            who: None,
            email: Some(address(&email)?),
            external_id: None,
            patch: self.patch(&values).await?,
            at: self.now(),
        };
        let (id, outcome) = self.store().correct_entry(&list, position, &upsert).await?;
        let contact = self.detail(&ContactRef::Id(id), &email).await?.contact;
        let corrected = self.store().entries(&list, position.saturating_sub(1), 1).await?;
        let duplicate_of = corrected.first().and_then(|entry| entry.duplicate_of);
        Ok(EntryCorrected { list, position, outcome, contact, duplicate_of })
    }

    /// Makes an empty list.
    ///
    /// # Errors
    ///
    /// Bad input for an unusable name, a conflict for a taken one.
    pub async fn create_list(&self, name: &str) -> Result<List> {
        Ok(self.store().create_list(names::checked("a list", name)?, self.now()).await?)
    }

    /// Gives a list another name, and names the syncs whose tag is still the old one.
    ///
    /// # Errors
    ///
    /// Bad input for an unusable name, not found, a conflict for a taken one.
    pub async fn rename_list(&self, name: &str, to: &str) -> Result<ListRenamed> {
        let to = names::checked("a list", to)?;
        self.store().rename_list(name, to, self.now()).await?;
        Ok(ListRenamed { list: self.store().list(to).await?, old_tags: self.old_tags(to).await? })
    }

    /// Deletes a list and its entries; its contacts stay.
    ///
    /// # Errors
    ///
    /// Not found; a conflict that names the syncs that use it and the segments that name it (row D5).
    pub async fn remove_list(&self, name: &str) -> Result<()> {
        Ok(self.store().delete_list(name, self.now()).await?)
    }

    /// Puts a contact at the end of a list; answers false when it is on it already.
    ///
    /// # Errors
    ///
    /// Bad input, not found.
    pub async fn put_on_list(&self, list: &str, who: &str) -> Result<bool> {
        Ok(self.store().add_entry(list, &contact_ref(who)?, self.now()).await?)
    }

    /// Takes a contact off a list, with all its entries.
    ///
    /// # Errors
    ///
    /// Bad input; not found when the list, the contact or its entry is not there.
    pub async fn take_off_list(&self, list: &str, who: &str) -> Result<TakenOff> {
        let entries = self.store().remove_contact_entries(list, &contact_ref(who)?, self.now()).await?;
        if entries == 0 {
            return Err(ServiceError::NotFound(format!("the contact `{who}` is not on the list `{list}`")));
        }
        Ok(TakenOff { list: list.to_owned(), entries })
    }

    /// Takes one entry off a list, by its position: the way to be rid of an invalid or a duplicate
    /// one (rows A5, A6).
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn take_off_entry(&self, list: &str, position: u64) -> Result<TakenOff> {
        self.store().remove_entry(list, position, self.now()).await?;
        Ok(TakenOff { list: list.to_owned(), entries: 1 })
    }

    /// The syncs of a list or a segment whose tag is a name that it no longer bears.
    pub(crate) async fn old_tags(&self, source: &str) -> Result<Vec<OldTag>> {
        let syncs = self.store().syncs().await?.into_iter();
        Ok(syncs
            .filter(|sync| sync.list == source && !sync.tag_is_own)
            .filter_map(|sync| Some(OldTag { tag: sync.tag.filter(|tag| tag != source)?, sync: sync.name }))
            .collect())
    }
}
