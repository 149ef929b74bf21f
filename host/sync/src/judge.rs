//! A row of the store, turned into a piece of work by asking the domain.

use postroom_domain::contact::{ContactId, EntryId};
use postroom_domain::decision::{
    self, Confirmed, Decision, Facts, OnCreate, Policy, PushKind, RefusedTag, RemoteStatus, TagChange, TagState,
    TagStep,
};
use postroom_domain::mapping::Mapping;
use postroom_domain::narrowing::narrowed;
use postroom_domain::outcome::{OutcomeClass, Reason};
use postroom_domain::projection::{ContentHash, Projection, project};
use postroom_store::runs::{ContactSnapshot, Outcome, SnapshotContent, SnapshotRow, TagOutcome};

/// Where an entry stands in its list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) entry: EntryId,
    pub(crate) position: u64,
}

/// What a run has to do for one entry.
#[derive(Debug)]
pub(crate) enum Work {
    /// Nothing: it is counted.
    Settled(Outcome),
    /// Nothing at all. If that holds as long as nothing changes: for whom, and the fingerprint.
    Unchanged(Option<(ContactId, ContentHash)>),
    /// Its tag is changed, or is still owed; its data is as it should be.
    Tag(Tagging),
    /// It is sent.
    Send(Box<Sending>),
    /// Its member is unsubscribed.
    OptOut(Box<OptOut>),
}

/// A contact to be sent.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) place: Place,
    pub(crate) contact: ContactSnapshot,
    pub(crate) projection: Projection,
    pub(crate) kind: PushKind,
    pub(crate) on_create: OnCreate,
    pub(crate) tag: TagStep,
    pub(crate) attempt: ContentHash,
    /// The sequence number as of which this was decided.
    pub(crate) as_of: u64,
}

impl Sending {
    /// Whether the contact was sent under another address and not answered: nobody knows whether that
    /// made a member.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.kind == PushKind::Rename && self.contact.confirmed.as_ref().is_some_and(Confirmed::is_only_sent)
    }
}

/// A tag to be changed without anything being sent.
#[derive(Debug)]
pub(crate) struct Tagging {
    /// Its entry; none for a contact that left the list.
    pub(crate) place: Option<Place>,
    pub(crate) contact: ContactId,
    pub(crate) address: String,
    pub(crate) remote_id: Option<String>,
    /// The status that an answer of this run showed.
    pub(crate) observed: Option<RemoteStatus>,
    pub(crate) add: Option<String>,
    pub(crate) remove: Option<String>,
    pub(crate) state: TagState,
    /// The sequence number as of which this was decided.
    pub(crate) as_of: u64,
}

/// A member to be unsubscribed.
#[derive(Debug)]
pub(crate) struct OptOut {
    /// Its entry; none for a contact that left the list.
    pub(crate) place: Option<Place>,
    pub(crate) contact: ContactId,
    pub(crate) address: String,
    pub(crate) remote_id: Option<String>,
    pub(crate) attempt: ContentHash,
    /// The sequence number as of which this was decided.
    pub(crate) as_of: u64,
}

/// An outcome of a contact that may have left the list: then it has a reason and no count.
pub(crate) fn outcome_of(
    place: Option<Place>,
    contact: ContactId,
    class: OutcomeClass,
    reason: Option<Reason>,
) -> Outcome {
    match place {
        Some(place) => outcome(place, Some(contact), class, reason),
        None => Outcome {
            entry: None,
            position: 0,
            contact: Some(contact),
            class: None,
            reason,
            tag: None,
            left_out: Vec::new(),
            address_omitted: false,
        },
    }
}

/// An outcome with nothing but its count.
pub(crate) fn outcome(
    place: Place,
    contact: Option<ContactId>,
    class: OutcomeClass,
    reason: Option<Reason>,
) -> Outcome {
    Outcome {
        entry: Some(place.entry),
        position: place.position,
        contact,
        class: Some(class),
        reason,
        tag: None,
        left_out: Vec::new(),
        address_omitted: false,
    }
}

/// An outcome for a tag that stays owed (row A9).
pub(crate) fn owed(place: Option<Place>, contact: ContactId, refused: &RefusedTag) -> Outcome {
    let verb = match refused.change {
        TagChange::Add => "put on",
        TagChange::Remove => "taken off",
    };
    let reason = Reason::new("tag-refused", format!("the tag could not be {verb}: {}", refused.reason));
    let tag = Some(TagOutcome::Refused);
    Outcome { tag, ..outcome_of(place, contact, OutcomeClass::Unchanged, Some(reason)) }
}

/// What a run has to do for one entry, as it stood at a sequence number.
pub(crate) fn judge(row: SnapshotRow, as_of: u64, mapping: &Mapping, policy: &Policy) -> Work {
    let place = Place { entry: row.entry, position: row.position };
    let contact = match row.content {
        SnapshotContent::Invalid(fault) => {
            let (class, reason) = decision::invalid(&fault);
            return Work::Settled(outcome(place, None, class, Some(reason)));
        }
        SnapshotContent::Duplicate { contact, first } => {
            let (class, reason) = decision::duplicate(first);
            return Work::Settled(outcome(place, Some(contact), class, Some(reason)));
        }
        SnapshotContent::Contact(contact) => *contact,
    };
    let list = policy.list.as_deref().map(|list| (list, contact.list_will));
    let purpose = policy.purpose.as_ref().map(|purpose| (purpose, contact.purpose_will));
    let consent = narrowed(contact.consent, list, purpose);
    let base = contact.confirmed.as_ref().map(|confirmed| &confirmed.base);
    let projection = project(&contact.address, &contact.fields, mapping, base);
    let facts = Facts {
        consent: &consent,
        address: &contact.address,
        projection: &projection,
        confirmed: contact.confirmed.as_ref(),
        memory: contact.memory.as_ref(),
        tag: &contact.tag,
    };
    let attempt = decision::attempt_hash(&facts, policy);
    match decision::decide(&facts, policy) {
        Decision::Settle { class, reason } => Work::Settled(outcome(place, Some(contact.contact), class, Some(reason))),
        Decision::Withdraw => Work::OptOut(Box::new(OptOut {
            place: Some(place),
            contact: contact.contact,
            address: address_there(&contact),
            remote_id: remote_id(&contact),
            attempt,
            as_of,
        })),
        Decision::Unchanged { tag: TagStep::Keep } => Work::Unchanged(Some((contact.contact, contact.fingerprint))),
        Decision::Unchanged { tag: TagStep::Owed(refused) } => {
            Work::Settled(owed(Some(place), contact.contact, &refused))
        }
        Decision::Unchanged { tag: TagStep::Change { add, remove } } => Work::Tag(Tagging {
            place: Some(place),
            contact: contact.contact,
            address: address_there(&contact),
            remote_id: remote_id(&contact),
            observed: None,
            add,
            remove,
            state: contact.tag,
            as_of,
        }),
        Decision::Push { kind, on_create, tag } => {
            Work::Send(Box::new(Sending { place, contact, projection, kind, on_create, tag, attempt, as_of }))
        }
    }
}

/// The address that the provider knows the contact by.
fn address_there(contact: &ContactSnapshot) -> String {
    contact.confirmed.as_ref().map_or(contact.address.as_str(), |confirmed| confirmed.address.as_str()).to_owned()
}

fn remote_id(contact: &ContactSnapshot) -> Option<String> {
    contact.confirmed.as_ref().and_then(|confirmed| confirmed.remote_id.clone())
}
