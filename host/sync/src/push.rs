//! One batch of contacts, pushed: what became of each of them.
//!
//! A batch that is refused as a whole is cut in half again and again until the contact at fault
//! stands alone; the others go. When many single contacts fail with one and the same error it is not
//! they who are at fault but the request, and the run stops and says so ([`Offences`]). Two halves
//! that fail alike prove nothing yet: two contacts at fault look just the same.

use std::collections::HashMap;

use postroom_delivery::{Failure, Patience, convert};
use postroom_domain::decision::{OnCreate, PushKind, RemoteStatus};
use postroom_domain::intent::IntentKind;
use postroom_domain::outcome::{OutcomeClass, Reason};
use postroom_runtime::contract::{ConsentBlockUntil, ContactWrite, ItemOutcome, ItemResult, RejectionClass};
use postroom_store::runs::BatchIntent;

use crate::error::SyncError;
use crate::judge::Sending;
use crate::offences::REQUEST_REFUSED;
use crate::post::{Ends, Post, Stop, end, left_behind};

/// What became of one contact.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The provider has it.
    Taken {
        class: OutcomeClass,
        remote_id: Option<String>,
        status: Option<RemoteStatus>,
        left_out: Vec<(String, String)>,
        warnings: Vec<String>,
    },
    /// The answer about it refuses it, and the same attempt would be refused again.
    Refused { class: OutcomeClass, reason: Reason },
    /// The call fails on it alone, and would again. What the call had done by then is not known.
    Poison(Reason),
    /// It failed, and the next run tries again.
    Failed(Reason),
    /// It was not reached.
    Open(Reason),
}

/// A pushed batch.
#[derive(Debug)]
pub(crate) struct Pushed {
    /// Every contact of the batch with what became of it.
    pub(crate) verdicts: Vec<(Sending, Verdict)>,
    /// Why nothing more is to be sent in this run.
    pub(crate) stop: Option<Stop>,
    /// The requests that were made.
    pub(crate) ends: Ends,
}

/// Pushes a batch. Fails only when the store does.
pub(crate) async fn push(post: Post<'_>, batch: Vec<Sending>) -> Result<Pushed, SyncError> {
    let mut pushed = Pushed { verdicts: Vec::with_capacity(batch.len()), stop: None, ends: Ends::new() };
    let mut stack = vec![batch];
    while let Some(part) = stack.pop() {
        if let Some(stop) = &pushed.stop {
            let reason = stop.reason().clone();
            pushed.verdicts.extend(part.into_iter().map(|sending| (sending, Verdict::Open(reason.clone()))));
            continue;
        }
        let Tried { mut concluded, open, failure } = attempt(post, part, &mut pushed.ends).await?;
        if concluded.iter().any(|(_, verdict)| matches!(verdict, Verdict::Taken { .. })) {
            post.offences.others_went();
        }
        pushed.verdicts.append(&mut concluded);
        match failure {
            None => pushed.verdicts.extend(open.into_iter().map(|sending| {
                (sending, Verdict::Failed(Reason::new("no-answer", "the plugin gave no answer for this contact")))
            })),
            Some(Fault::Call(Failure::Request(reason))) if open.len() == 1 => {
                pushed.stop = post.offences.book(&reason).map(Stop::Everything);
                pushed.verdicts.extend(open.into_iter().map(|sending| (sending, Verdict::Poison(reason.clone()))));
            }
            Some(Fault::Call(Failure::Request(_))) => {
                let mut first = open;
                let second = first.split_off(first.len() / 2);
                stack.push(second);
                stack.push(first);
            }
            Some(fault) => {
                let stop = fault.stop();
                let reason = stop.reason();
                pushed.verdicts.extend(open.into_iter().map(|sending| (sending, Verdict::Open(reason.clone()))));
                pushed.stop = Some(stop);
            }
        }
    }
    // The request was at fault, not they: the next run sends them again.
    let stop = pushed.stop.as_ref().map(Stop::reason);
    if let Some(stop) = stop.filter(|stop| stop.code == REQUEST_REFUSED) {
        for (_, verdict) in &mut pushed.verdicts {
            if let Verdict::Poison(reason) = verdict
                && stop.message.ends_with(&reason.message)
            {
                *verdict = Verdict::Failed(reason.clone());
            }
        }
    }
    Ok(pushed)
}

/// A part of a batch that was tried.
struct Tried {
    concluded: Vec<(Sending, Verdict)>,
    open: Vec<Sending>,
    failure: Option<Fault>,
}

/// Why a part was not concluded.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The call failed.
    Call(Failure),
    /// It was not made.
    Halted(Stop),
}

impl Fault {
    /// Why nothing more is sent.
    pub(crate) fn stop(self) -> Stop {
        match self {
            Self::Call(failure) => Stop::Everything(failure.reason().clone()),
            Self::Halted(stop) => stop,
        }
    }
}

/// Pushes a part until it is concluded, fails for good, or patience ends. What the plugin concluded
/// before it stopped stays concluded.
async fn attempt(post: Post<'_>, part: Vec<Sending>, ends: &mut Ends) -> Result<Tried, SyncError> {
    let mut tried = Tried { concluded: Vec::with_capacity(part.len()), open: part, failure: None };
    let mut patience = Patience::default();
    loop {
        let passed = match post.pass(request(&tried.open)).await? {
            Ok(passed) => passed,
            Err(stop) => {
                tried.failure = Some(Fault::Halted(stop));
                return Ok(tried);
            }
        };
        if !passed.left.is_empty() {
            for sending in std::mem::take(&mut tried.open) {
                match left_behind(&passed.left, sending.contact.contact) {
                    Some(reason) => tried.concluded.push((sending, Verdict::Open(reason.clone()))),
                    None => tried.open.push(sending),
                }
            }
        }
        if tried.open.is_empty() {
            return Ok(tried);
        }
        let writes: Vec<ContactWrite> = tried.open.iter().map(write).collect();
        let answer = post.provider.push(post.audience, post.prepared, writes).await;
        drop(passed.turn);
        end(ends, passed.intent, &answer);
        let failure = match answer {
            Ok(answer) => {
                let mut results: HashMap<u64, ItemResult> =
                    answer.items.into_iter().map(|item| (item.key, item)).collect();
                let asked = std::mem::take(&mut tried.open);
                for sending in asked {
                    match results.remove(&convert::key(sending.contact.contact)) {
                        Some(result) => {
                            let verdict = verdict(result);
                            tried.concluded.push((sending, verdict));
                        }
                        None => tried.open.push(sending),
                    }
                }
                match answer.stopped {
                    Some(error) if !tried.open.is_empty() => Failure::from(error),
                    _ => return Ok(tried),
                }
            }
            Err(failure) => failure,
        };
        if let Err(failure) = patience.wait(failure).await {
            tried.failure = Some(Fault::Call(failure));
            return Ok(tried);
        }
    }
}

/// What is to be armed for a push. From then on, those that it makes may be members.
fn request(open: &[Sending]) -> BatchIntent {
    let as_of = open.iter().map(|sending| sending.as_of).min().unwrap_or_default();
    let made = open.iter().filter(|sending| sending.kind == PushKind::Create);
    BatchIntent {
        members: made.map(|sending| (sending.contact.contact, sending.contact.address.clone())).collect(),
        ..BatchIntent::new(IntentKind::Push, as_of, open.iter().map(|sending| sending.contact.contact).collect())
    }
}

fn write(sending: &Sending) -> ContactWrite {
    let confirmed = sending.contact.confirmed.as_ref();
    let previous = match sending.kind {
        PushKind::Rename => confirmed.map(|confirmed| confirmed.address.as_str().to_owned()),
        PushKind::Create | PushKind::Update => None,
    };
    ContactWrite {
        key: convert::key(sending.contact.contact),
        address: sending.contact.address.as_str().to_owned(),
        remote_id: confirmed.and_then(|confirmed| confirmed.remote_id.clone()),
        previous_address: previous,
        on_create: convert::on_create(sending.on_create),
        fields: sending.projection.writes.iter().map(convert::field_write).collect(),
        extras: Vec::new(),
    }
}

fn verdict(result: ItemResult) -> Verdict {
    let taken = |class, result: ItemResult| Verdict::Taken {
        class,
        remote_id: result.remote_id,
        status: result.status.as_ref().map(convert::status),
        left_out: result.left_out.into_iter().map(|left| (left.field, left.reason)).collect(),
        warnings: result.warnings,
    };
    match &result.outcome {
        ItemOutcome::Created => taken(OutcomeClass::Added, result),
        ItemOutcome::Updated => taken(OutcomeClass::Updated, result),
        ItemOutcome::Unchanged => taken(OutcomeClass::Unchanged, result),
        ItemOutcome::Written => taken(OutcomeClass::Written, result),
        ItemOutcome::Accepted(_) => {
            Verdict::Open(Reason::new("accepted", "the provider accepted it and has not done it yet"))
        }
        ItemOutcome::Skipped(reason) => {
            Verdict::Refused { class: OutcomeClass::Skipped, reason: Reason::new("skipped", reason.clone()) }
        }
        // The provider keeps it out for now: the next run tries again.
        ItemOutcome::Rejected(rejection) if rejection.class == RejectionClass::Throttled => {
            Verdict::Failed(convert::rejection(rejection))
        }
        ItemOutcome::Rejected(rejection) => {
            Verdict::Refused { class: OutcomeClass::Failed, reason: convert::rejection(rejection) }
        }
        ItemOutcome::ConsentBlocked(block) => {
            let code = match block.until {
                ConsentBlockUntil::ContactActs => "blocked-until-contact-acts",
                ConsentBlockUntil::Forever => "blocked-forever",
            };
            Verdict::Refused { class: OutcomeClass::Blocked, reason: Reason::new(code, block.message.clone()) }
        }
        ItemOutcome::Other(what) => Verdict::Failed(Reason::new("other", what.clone())),
    }
}

/// Whether a write may make its contact a member that gets mail, if only a request to confirm: what
/// the volume breaker counts. One that was sent under another address and not answered may be none yet.
pub(crate) fn may_subscribe(sending: &Sending) -> bool {
    let may_create = match sending.kind {
        PushKind::Create => true,
        PushKind::Rename => sending.is_in_doubt(),
        PushKind::Update => false,
    };
    may_create && matches!(sending.on_create, OnCreate::Subscribed | OnCreate::Pending)
}

#[cfg(test)]
pub(crate) mod tests;
