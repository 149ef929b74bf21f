//! Drives a store and the model through the same steps, and compares their answers.

use std::any::Any;
use std::fmt::Debug;

use jiff::{SignedDuration, Timestamp};
use postroom_domain::consent::{ConsentEvent, ConsentState};
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{FieldChange, FieldDefinition};
use postroom_domain::narrowing::Scope;
use postroom_domain::order;
use postroom_domain::purpose::{LegalBasis, Purpose, PurposeFault, PurposeName};

use super::look::Known;
use super::model::{Model, Place, Refusal, choice};
use super::step::{About, Import, Step, Who, grade, patch};
use crate::contacts::{ContactRef, ContactUpsert, Written};
use crate::lists::{ImportMode, ImportReport, ImportStart, StatedConsent};
use crate::workspace::ChoiceRename;
use crate::{Store, StoreError};

/// The second since 1970 at which the steps begin: any, a little after the epoch of every other test.
const BEGINNING: i64 = 1_800_000_000;
/// Seconds between two steps: fewer than consent events are late, so that they fall between steps.
const BETWEEN_STEPS: i64 = 10;
/// A number that no contact has.
const NOBODY: ContactId = ContactId(i64::MAX);
/// The line of the first row, behind a header.
const FIRST_LINE: u64 = 2;

/// The basis of every purpose: the one under which most follows from what was said.
pub(super) const BASIS: LegalBasis = LegalBasis::Consent;

/// A new and empty store.
pub struct Opened {
    /// The store.
    pub store: Box<dyn Store>,
    /// What must last as long as the store: its folder, say.
    pub keeps: Box<dyn Any>,
}

/// A difference between a store and the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("after step {number}, {step}: {what}")]
pub struct Difference {
    /// Which step, counting from 1.
    pub number: usize,
    /// The step.
    pub step: String,
    /// What differs.
    pub what: String,
}

/// What a step answers, with contacts named by `C`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer<C> {
    Written(C, Written),
    Contact(C),
    State(ConsentState),
    Changed(bool),
    Count(u64),
    Imported(ImportReport, Vec<u64>),
    Done,
}

/// Carries steps out in a new store and in the model, and compares the answer of every step and all that can
/// be seen after it.
///
/// # Errors
///
/// The first difference.
pub async fn compare(open: impl AsyncFnOnce() -> Opened, steps: &[Step]) -> Result<(), Difference> {
    let opened = open().await;
    let grade = begin(opened.store.as_ref()).await;
    let beginning = |what| Difference { number: 0, step: "the field of the suite".to_owned(), what };
    let (mut model, mut known) = (Model::new(grade.map_err(beginning)?), Known::default());
    for (number, step) in (1..).zip(steps) {
        let outcome = one(opened.store.as_ref(), &mut model, &mut known, number, step).await;
        outcome.map_err(|what| Difference { number, step: format!("{step:?}"), what })?;
    }
    Ok(())
}

/// Adds the field whose choices change.
async fn begin(store: &dyn Store) -> Result<FieldDefinition, String> {
    let grade = grade()?;
    store.add_field(grade.clone()).await.map_err(|error| error.to_string())?;
    Ok(grade)
}

/// Says that two things are the same, or what differs.
pub(super) fn same<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, and the store has {found:?}"))
}

async fn one(
    store: &dyn Store,
    model: &mut Model,
    known: &mut Known,
    number: usize,
    step: &Step,
) -> Result<(), String> {
    let seconds = i64::try_from(number).map_err(|error| error.to_string())?;
    let at = Timestamp::from_second(BEGINNING + BETWEEN_STEPS * seconds).map_err(|error| error.to_string())?;
    let found = ask(store, &Names { model, known }, step, at).await?;
    let expected = expect(model, step, at)?;
    known.look(store, model).await?;
    let expected = expected.and_then(|answer| answer.named(known));
    same("the answer", &expected, &found)
}

impl Answer<Place> {
    fn named(self, known: &Known) -> Result<Answer<ContactId>, Refusal> {
        let name = |place: Place| known.number(place).ok_or(Refusal::NotFound);
        Ok(match self {
            Self::Written(place, written) => Answer::Written(name(place)?, written),
            Self::Contact(place) => Answer::Contact(name(place)?),
            Self::State(state) => Answer::State(state),
            Self::Changed(is_changed) => Answer::Changed(is_changed),
            Self::Count(count) => Answer::Count(count),
            Self::Imported(report, refused) => Answer::Imported(report, refused),
            Self::Done => Answer::Done,
        })
    }
}

/// How contacts are named in the store at this moment.
struct Names<'a> {
    model: &'a Model,
    known: &'a Known,
}

impl Names<'_> {
    fn of(&self, who: Who) -> Result<ContactRef, String> {
        Ok(match who {
            Who::Address(text) => ContactRef::Email(email(text)?),
            Who::Number(nth) => {
                ContactRef::Id(self.model.nth(nth).and_then(|place| self.known.number(place)).unwrap_or(NOBODY))
            }
            Who::Hash(nth) => ContactRef::Hash(
                self.model.nth(nth).and_then(|place| self.known.hash(place)).unwrap_or_else(|| "0".repeat(32)),
            ),
            Who::Key(key) => ContactRef::ExternalId(key.to_owned()),
        })
    }
}

fn email(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(text).map_err(|fault| fault.to_string())
}

fn event(step: &Step, at: Timestamp) -> Option<ConsentEvent> {
    let Step::Consent { about, act, source, evidence, delay, .. } = step else { return None };
    let scope = match about {
        About::Whole => Scope::Whole,
        About::List(list) => Scope::List((*list).to_owned()),
        About::Purpose(name) => Scope::Purpose(name.parse().ok()?),
    };
    let event = ConsentEvent::new(at + SignedDuration::from_secs(*delay), *act, *source).about(scope);
    Some(ConsentEvent { evidence: evidence.map(str::to_owned), ..event })
}

/// A name of a purpose.
fn purpose(name: &str) -> Result<PurposeName, String> {
    name.parse().map_err(|fault: PurposeFault| fault.to_string())
}

fn start(import: &Import, at: Timestamp) -> Result<ImportStart, String> {
    let purposes = import.purposes.iter().copied().map(purpose).collect::<Result<Vec<_>, String>>()?;
    Ok(ImportStart {
        list: import.list.map(str::to_owned),
        mode: if import.replaces { ImportMode::Replace } else { ImportMode::Add },
        file: "guests.csv".to_owned(),
        digest: "00".to_owned(),
        reading: "as ever".to_owned(),
        consent: import.states_consent.then(|| StatedConsent { evidence: "form of May".to_owned(), purposes }),
        believes_file: false,
        at,
    })
}

/// What the model answers; outside, what is wrong with this suite itself.
fn expect(model: &mut Model, step: &Step, at: Timestamp) -> Result<Result<Answer<Place>, Refusal>, String> {
    Ok(match step {
        Step::Upsert { who, address, key, patch } => {
            model.upsert(*who, *address, *key, patch, at).map(|(place, written)| Answer::Written(place, written))
        }
        Step::Choose { who, value } => {
            model.choose(*who, value, at).map(|(place, written)| Answer::Written(place, written))
        }
        Step::AddChoice(value) => {
            model.change_choices(&FieldChange::AddChoice((*value).to_owned())).map(|()| Answer::Done)
        }
        Step::RemoveChoice(value) => {
            model.change_choices(&FieldChange::RemoveChoice((*value).to_owned())).map(|()| Answer::Done)
        }
        Step::RenameChoice { value, to } => model.rename_choice(value, to, at).map(Answer::Count),
        Step::Merge { kept, other } => model.merge(*kept, *other, at).map(Answer::Contact),
        Step::Delete(who) => model.delete(*who, at).map(Answer::Contact),
        Step::Erase(who) => model.erase(*who, at).map(Answer::Contact),
        Step::Tag { who, tag, present } => model.tag(*who, tag, *present, at).map(Answer::Changed),
        Step::Consent { who, .. } => {
            let event = event(step, at).ok_or("a consent step has an event")?;
            model.consent(*who, event).map(Answer::State)
        }
        Step::AddPurpose(name) => model.add_purpose(purpose(name)?).map(|()| Answer::Done),
        Step::RemovePurpose(name) => model.remove_purpose(&purpose(name)?).map(|()| Answer::Done),
        Step::CreateList(name) => model.create_list(name, at).map(|()| Answer::Done),
        Step::RenameList { name, to } => model.rename_list(name, to).map(|()| Answer::Done),
        Step::DeleteList(name) => model.delete_list(name).map(|()| Answer::Done),
        Step::MoveList { name, to } => model.move_list(name, &owned(to)).map(|()| Answer::Done),
        Step::Join { list, who } => model.join(list, *who, at).map(Answer::Changed),
        Step::Leave { list, who } => model.leave(list, *who).map(|count| Answer::Count(count as u64)),
        Step::RemoveEntry { list, nth } => model.remove_entry(list, *nth).map(|()| Answer::Done),
        Step::Import(import) => {
            let rows = (FIRST_LINE..).zip(&import.rows).map(|(line, row)| row.read(line));
            let rows = rows.collect::<Result<Vec<_>, String>>()?;
            let done = model.import(&start(import, at)?, &rows, import.finishes);
            done.map(|(report, refused)| Answer::Imported(report, refused))
        }
    })
}

/// What the store answers; outside, a failure that no step explains.
async fn ask(
    store: &dyn Store,
    names: &Names<'_>,
    step: &Step,
    at: Timestamp,
) -> Result<Result<Answer<ContactId>, Refusal>, String> {
    let answer = match step {
        Step::Upsert { who, address, key, patch: changes } => {
            let upsert = ContactUpsert {
                who: who.map(|who| names.of(who)).transpose()?,
                email: address.map(email).transpose()?,
                external_id: key.map(str::to_owned),
                patch: patch(changes)?,
                at,
            };
            store.upsert_contact(&upsert).await.map(|(id, written)| Answer::Written(id, written))
        }
        Step::Choose { who, value } => match choice(&names.model.grade, value) {
            Ok(patch) => {
                let upsert = ContactUpsert { who: Some(names.of(*who)?), email: None, external_id: None, patch, at };
                store.upsert_contact(&upsert).await.map(|(id, written)| Answer::Written(id, written))
            }
            Err(refusal) => return Ok(Err(refusal)),
        },
        Step::AddChoice(value) => {
            let change = FieldChange::AddChoice((*value).to_owned());
            store.change_field(&names.model.grade.name, &change).await.map(|_| Answer::Done)
        }
        Step::RemoveChoice(value) => {
            let change = FieldChange::RemoveChoice((*value).to_owned());
            store.change_field(&names.model.grade.name, &change).await.map(|_| Answer::Done)
        }
        Step::RenameChoice { value, to } => {
            let field = names.model.grade.name.clone();
            let rename = ChoiceRename { field, value: (*value).to_owned(), to: (*to).to_owned(), at };
            match store.rename_choice(&rename).await {
                Ok(_) => follow(store).await.map(Answer::Count),
                Err(refusal) => Err(refusal),
            }
        }
        Step::Merge { kept, other } => {
            store.merge_contacts(&names.of(*kept)?, &names.of(*other)?, at).await.map(Answer::Contact)
        }
        Step::Delete(who) => store.delete_contact(&names.of(*who)?, at).await.map(Answer::Contact),
        Step::Erase(who) => {
            store.erase_contact(&names.of(*who)?, at).await.map(|erasure| Answer::Contact(erasure.contact))
        }
        Step::Tag { who, tag, present } => {
            store.tag_contact(&names.of(*who)?, tag, *present, at).await.map(Answer::Changed)
        }
        Step::Consent { who, .. } => {
            let event = event(step, at).ok_or("a consent step has an event")?;
            store.record_consent(&names.of(*who)?, &event).await.map(Answer::State)
        }
        Step::AddPurpose(name) => {
            let purpose = Purpose { name: purpose(name)?, label: (*name).to_owned(), basis: BASIS, wording: None };
            store.add_purpose(&purpose).await.map(|()| Answer::Done)
        }
        Step::RemovePurpose(name) => store.remove_purpose(&purpose(name)?).await.map(|()| Answer::Done),
        Step::CreateList(name) => store.create_list(name, at).await.map(|_| Answer::Done),
        Step::RenameList { name, to } => store.rename_list(name, to, at).await.map(|()| Answer::Done),
        Step::DeleteList(name) => store.delete_list(name, at).await.map(|()| Answer::Done),
        Step::MoveList { name, to } => store.move_list(name, &owned(to)).await.map(|()| Answer::Done),
        Step::Join { list, who } => store.add_entry(list, &names.of(*who)?, at).await.map(Answer::Changed),
        Step::Leave { list, who } => store.remove_contact_entries(list, &names.of(*who)?, at).await.map(Answer::Count),
        Step::RemoveEntry { list, nth } => {
            // A position that is gone is not there; one behind the last neither.
            let position = names.known.position(list, *nth).unwrap_or(u64::from(u32::MAX));
            store.remove_entry(list, position, at).await.map(|()| Answer::Done)
        }
        Step::Import(import) => import_into(store, import, at).await?,
    };
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(StoreError::NotFound { .. }) => Ok(Err(Refusal::NotFound)),
        Err(StoreError::Taken { .. }) => Ok(Err(Refusal::Taken)),
        Err(StoreError::Refused(_)) => Ok(Err(Refusal::Refused)),
        Err(other) => Err(format!("the store failed: {other}")),
    }
}

/// Lets all contacts follow; answers with how many did.
async fn follow(store: &dyn Store) -> crate::Result<u64> {
    let mut contacts = 0;
    while let Some(followed) = store.follow_choices().await? {
        contacts += followed.contacts;
    }
    Ok(contacts)
}

fn owned(to: &order::Place<&str>) -> order::Place<String> {
    match to {
        order::Place::First => order::Place::First,
        order::Place::Last => order::Place::Last,
        order::Place::Before(other) => order::Place::Before((*other).to_owned()),
    }
}

async fn import_into(
    store: &dyn Store,
    import: &Import,
    at: Timestamp,
) -> Result<crate::Result<Answer<ContactId>>, String> {
    let failed = |error: StoreError| format!("the import failed: {error}");
    let begun = match store.begin_import(&start(import, at)?).await {
        Ok(begun) => begun,
        // It names a purpose that there is not.
        Err(refusal @ StoreError::NotFound { .. }) => return Ok(Err(refusal)),
        Err(error) => return Err(failed(error)),
    };
    same("rows that were done before an import began", &0, &begun.done)?;
    let rows = (FIRST_LINE..).zip(&import.rows).map(|(line, row)| row.read(line));
    let rows = rows.collect::<Result<Vec<_>, String>>()?;
    let mut refused = Vec::new();
    for chunk in rows.chunks(import.chunk.max(1)) {
        refused.extend(store.import_rows(begun.import, chunk.to_vec()).await.map_err(failed)?);
    }
    let kept = store.refused_rows(begun.import, 0..=FIRST_LINE + import.rows.len() as u64).await.map_err(failed)?;
    same("the rows that an import keeps as refused", &refused, &kept)?;
    let preview = store.preview_import(begun.import).await.map_err(failed)?;
    if import.finishes {
        let report = store.finish_import(begun.import, at).await.map_err(failed)?;
        same("what a preview said that finishing does", &preview, &report)?;
    } else {
        store.abandon_import(begun.import).await.map_err(failed)?;
    }
    Ok(Ok(Answer::Imported(preview, refused.iter().map(|row| row.line).collect())))
}
