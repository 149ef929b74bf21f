//! Segments: saved filters over contacts (rows D6 and D7), and the members that their syncs take.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use postroom_domain::segment::{Condition, Explanation, PREDEFINED, predefined, read};
use postroom_store::contacts::{Contact, ContactRef};
use postroom_store::segments::Segment;
use postroom_store::syncs::Sync;
use serde::Serialize;

use crate::contacts::contact_ref;
use crate::lists::OldTag;
use crate::{Result, Service, ServiceError, names, paging};

/// Which segment is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// One that is there, saved or predefined, by its name.
    Named(String),
    /// One that is only asked: its text.
    Written(String),
}

/// A question to a segment.
#[derive(Debug, Clone)]
pub struct AskSegment {
    /// Which.
    pub which: Which,
    /// The time zone whose days are counted, as `Europe/Prague`; none counts the days of universal time,
    /// as syncs do.
    pub time_zone: Option<String>,
}

/// A segment with what people need to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentInfo {
    /// The segment.
    #[serde(flatten)]
    pub segment: Segment,
    /// Who is in it, in words; none where its text is all that was said.
    pub description: Option<&'static str>,
    /// Whether it asks for what campaigns did, so that nobody answers to it until that is recorded.
    pub needs_activity: bool,
}

/// A segment under its new name.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentRenamed {
    /// The segment.
    pub segment: SegmentInfo,
    /// Syncs whose tag is the old name (row A8): each may take the new one.
    pub old_tags: Vec<OldTag>,
}

/// What was asked, and from when it was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// The segment's name; none for one that was only asked.
    pub segment: Option<String>,
    /// Its text, in its canonical form.
    pub text: String,
    /// The moment that its times were seen from.
    pub at: Timestamp,
    /// The time zone whose days were counted.
    pub time_zone: String,
}

/// How many contacts are in a segment, and the first of them (row D6).
#[derive(Debug, Clone, Serialize)]
pub struct SegmentCounted {
    /// What was asked.
    #[serde(flatten)]
    pub asked: Asked,
    /// How many contacts.
    pub count: u64,
    /// The first of them, by number.
    pub first: Vec<Contact>,
}

/// A page of a segment's contacts.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentPage {
    /// What was asked.
    #[serde(flatten)]
    pub asked: Asked,
    /// The contacts, by number.
    pub contacts: Vec<Contact>,
    /// The contact behind which the next page begins; none at the end.
    pub next: Option<ContactId>,
}

/// Why a contact is in a segment, or is not (row D6).
#[derive(Debug, Clone, Serialize)]
pub struct SegmentExplained {
    /// What was asked.
    #[serde(flatten)]
    pub asked: Asked,
    /// The contact's number.
    pub contact: ContactId,
    /// Its address.
    pub email: EmailAddress,
    /// Every condition with its verdict.
    pub explanation: Explanation,
}

/// A question that was understood.
struct Question {
    condition: Condition,
    now: Zoned,
    asked: Asked,
}

impl Service {
    /// Every segment: the saved ones by name, then the predefined ones.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn segments(&self) -> Result<Vec<SegmentInfo>> {
        let mut all = self.store().segments().await?;
        for known in PREDEFINED {
            all.push(self.store().segment(known.name).await?);
        }
        Ok(all.into_iter().map(SegmentInfo::from).collect())
    }

    /// One segment, saved or predefined.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn segment(&self, name: &str) -> Result<SegmentInfo> {
        Ok(self.store().segment(name).await?.into())
    }

    /// Saves a segment: it is made, or the one of that name gets this text.
    ///
    /// # Errors
    ///
    /// Bad input for an unusable name, and with the place of the fault for a text that does not fit; a
    /// conflict for the name of a list and for a reserved one.
    pub async fn save_segment(&self, name: &str, text: &str) -> Result<SegmentInfo> {
        let name = names::checked("a segment", name)?;
        let condition = self.condition(text).await?;
        Ok(self.store().save_segment(name, &condition, self.now()).await?.into())
    }

    /// Gives a segment another name, and names the syncs whose tag is still the old one.
    ///
    /// # Errors
    ///
    /// Bad input for an unusable name, not found; a conflict for a taken or a reserved name, and for a
    /// predefined segment.
    pub async fn rename_segment(&self, name: &str, to: &str) -> Result<SegmentRenamed> {
        let to = names::checked("a segment", to)?;
        self.store().rename_segment(name, to).await?;
        Ok(SegmentRenamed { segment: self.segment(to).await?, old_tags: self.old_tags(to).await? })
    }

    /// Deletes a segment; its contacts stay.
    ///
    /// # Errors
    ///
    /// Not found; a conflict that names the syncs that take it, and for a predefined segment.
    pub async fn remove_segment(&self, name: &str) -> Result<()> {
        Ok(self.store().delete_segment(name).await?)
    }

    /// How many contacts are in a segment now, and at most `limit` of them.
    ///
    /// # Errors
    ///
    /// Not found; bad input for a time zone that is none, and with the place of the fault for a text that
    /// does not fit.
    pub async fn preview_segment(&self, ask: &AskSegment, limit: u32) -> Result<SegmentCounted> {
        let Question { condition, now, asked } = self.question(ask).await?;
        let preview = self.store().preview_segment(&condition, &now, limit).await?;
        Ok(SegmentCounted { asked, count: preview.count, first: preview.first })
    }

    /// At most `limit` of the contacts in a segment, above the number `after`.
    ///
    /// # Errors
    ///
    /// As [`preview_segment`](Self::preview_segment).
    pub async fn segment_members(&self, ask: &AskSegment, after: Option<ContactId>, limit: u32) -> Result<SegmentPage> {
        let Question { condition, now, asked } = self.question(ask).await?;
        let contacts = self.store().segment_members(&condition, &now, after, limit).await?;
        let next = paging::next(&contacts, limit, |contact| contact.id);
        Ok(SegmentPage { asked, contacts, next })
    }

    /// Why a contact is in a segment, or is not: every condition with its verdict and what it saw.
    ///
    /// # Errors
    ///
    /// As [`preview_segment`](Self::preview_segment); not found for the contact.
    pub async fn explain_segment(&self, ask: &AskSegment, who: &str) -> Result<SegmentExplained> {
        let Question { condition, now, asked } = self.question(ask).await?;
        let contact = self.detail(&contact_ref(who)?, who).await?.contact;
        let explanation = self.store().explain_segment(&condition, &ContactRef::Id(contact.id), &now).await?;
        Ok(SegmentExplained { asked, contact: contact.id, email: contact.email, explanation })
    }

    /// Gathers the members of the segment that a sync takes, as they are now; nothing for a sync of a
    /// list. What the sync is planned from is theirs.
    pub(crate) async fn gather(&self, sync: &Sync) -> Result<()> {
        if sync.is_segment {
            self.store().refresh_segment(&sync.list, &self.now().to_zoned(TimeZone::UTC)).await?;
        }
        Ok(())
    }

    async fn question(&self, ask: &AskSegment) -> Result<Question> {
        let zone = ask.time_zone.as_deref().map_or(Ok(TimeZone::UTC), zone)?;
        let now = self.now().to_zoned(zone);
        let (segment, condition) = match &ask.which {
            Which::Named(name) => (Some(name.clone()), self.store().segment(name).await?.condition),
            Which::Written(text) => (None, self.condition(text).await?),
        };
        let time_zone = now.time_zone().iana_name().unwrap_or_default().to_owned();
        let asked = Asked { segment, text: condition.to_string(), at: now.timestamp(), time_zone };
        Ok(Question { condition, now, asked })
    }

    /// The condition that is asked for, by name or as text.
    pub(crate) async fn condition_asked(&self, ask: &AskSegment) -> Result<Condition> {
        Ok(self.question(ask).await?.condition)
    }

    async fn condition(&self, text: &str) -> Result<Condition> {
        let known = self.store().segment_vocabulary().await?;
        Ok(read(text, &known).map_err(|fault| ServiceError::Segment(Box::new(fault)))?.condition)
    }
}

/// The time zone of a name.
fn zone(name: &str) -> Result<TimeZone> {
    TimeZoneDatabase::bundled().get(name.trim()).map_err(|_| {
        ServiceError::BadInput(format!("there is no time zone `{name}`: write its IANA name, such as Europe/Prague"))
    })
}

impl From<Segment> for SegmentInfo {
    fn from(segment: Segment) -> Self {
        let known = predefined(&segment.name).filter(|_| segment.is_predefined);
        Self {
            description: known.map(|known| known.description),
            needs_activity: known.is_some_and(|known| known.needs_activity),
            segment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_a_time_zone_is_named_as_iana_names_it() {
        assert_eq!(zone("europe/prague").unwrap().iana_name(), Some("Europe/Prague"));
        for name in ["Prague", "+02:00", ""] {
            assert!(zone(name).unwrap_err().to_string().contains("Europe/Prague"), "{name}");
        }
    }
}
