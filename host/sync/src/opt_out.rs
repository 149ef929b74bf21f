//! Opt-outs on their way to the provider (invariant 2): the one status change that a run makes.

use std::collections::HashMap;

use postroom_delivery::{Failure, Patience, convert};
use postroom_domain::contact::ContactId;
use postroom_domain::decision::{Memory, RemoteStatus, WITHDRAWN};
use postroom_domain::intent::IntentKind;
use postroom_domain::outcome::{OutcomeClass, Reason};
use postroom_runtime::contract::{Act, ActOutcome, ActResult, Member};
use postroom_store::runs::{BatchIntent, BatchRecord, Confirmation};

use crate::error::SyncError;
use crate::judge::{OptOut, outcome_of};
use crate::post::{Ends, Post, Stop, end};
use crate::push::Fault;

/// What became of a batch of opt-outs.
#[derive(Debug, Default)]
pub(crate) struct OptedOut {
    pub(crate) record: BatchRecord,
    pub(crate) stop: Option<Stop>,
}

/// Unsubscribes a batch of members. Each entry is *blocked*: the contact said no. One that could not
/// be unsubscribed is *failed*, and the next run tries again.
/// Fails only when the store does.
pub(crate) async fn opt_out(post: Post<'_>, batch: Vec<OptOut>) -> Result<OptedOut, SyncError> {
    let mut done = OptedOut::default();
    if !post.provider.has_subscriptions() {
        let reason = Reason::new(
            "cannot-unsubscribe",
            "the contact withdrew its consent, and this plugin cannot unsubscribe it: do it at the provider",
        );
        let failed = |item: &OptOut| outcome_of(item.place, item.contact, OutcomeClass::Failed, Some(reason.clone()));
        done.record.outcomes = batch.iter().map(failed).collect();
        return Ok(done);
    }
    let mut answers: HashMap<u64, ActResult> = HashMap::new();
    let mut left: HashMap<ContactId, Reason> = HashMap::new();
    let mut stack = vec![batch.iter().collect::<Vec<_>>()];
    while let Some(part) = stack.pop() {
        let (open, fault) = attempt(post, part, &mut answers, &mut left, &mut done.record.ends).await?;
        match fault {
            None => {}
            // One contact at fault keeps no other from being unsubscribed.
            Some(Fault::Call(Failure::Request(_))) if open.len() > 1 => {
                let mut first = open;
                let second = first.split_off(first.len() / 2);
                stack.extend([second, first]);
            }
            Some(Fault::Call(Failure::Request(reason))) => answers.extend(open.into_iter().map(|item| {
                let (key, outcome) = (convert::key(item.contact), ActOutcome::Failed(reason.message.clone()));
                (key, ActResult { key, outcome, status: None })
            })),
            Some(fault) => {
                done.stop = Some(fault.stop());
                break;
            }
        }
    }
    for item in &batch {
        match left.remove(&item.contact) {
            // What it said since is looked at by the next run.
            Some(reason) => {
                done.record.outcomes.push(outcome_of(item.place, item.contact, OutcomeClass::Pending, Some(reason)));
            }
            None => conclude(item, answers.get(&convert::key(item.contact)), &mut done),
        }
    }
    Ok(done)
}

fn member(item: &OptOut) -> Member {
    Member { key: convert::key(item.contact), address: item.address.clone(), remote_id: item.remote_id.clone() }
}

/// Unsubscribes a part of a batch until it is concluded, fails for good, or patience ends; answers
/// with those that were not concluded.
async fn attempt<'b>(
    post: Post<'_>,
    mut open: Vec<&'b OptOut>,
    answers: &mut HashMap<u64, ActResult>,
    left: &mut HashMap<ContactId, Reason>,
    ends: &mut Ends,
) -> Result<(Vec<&'b OptOut>, Option<Fault>), SyncError> {
    let mut patience = Patience::default();
    loop {
        let as_of = open.iter().map(|item| item.as_of).min().unwrap_or_default();
        let contacts = open.iter().map(|item| item.contact).collect();
        let passed = match post.pass(BatchIntent::new(IntentKind::Unsubscribe, as_of, contacts)).await? {
            Ok(passed) => passed,
            Err(stop) => return Ok((open, Some(Fault::Halted(stop)))),
        };
        left.extend(passed.left);
        open.retain(|item| !left.contains_key(&item.contact));
        if open.is_empty() {
            return Ok((open, None));
        }
        let members: Vec<Member> = open.iter().map(|item| member(item)).collect();
        let answer = post.provider.change(post.audience, Act::Unsubscribe, &members).await;
        drop(passed.turn);
        end(ends, passed.intent, &answer);
        let failure = match answer {
            Ok(answer) => {
                answers.extend(answer.items.into_iter().map(|item| (item.key, item)));
                open.retain(|item| !answers.contains_key(&convert::key(item.contact)));
                match answer.stopped {
                    Some(error) if !open.is_empty() => Failure::from(error),
                    _ => return Ok((open, None)),
                }
            }
            Err(failure) => failure,
        };
        if let Err(failure) = patience.wait(failure).await {
            return Ok((open, Some(Fault::Call(failure))));
        }
    }
}

fn conclude(item: &OptOut, answer: Option<&ActResult>, done: &mut OptedOut) {
    let blocked = Reason::new("withdrawn", WITHDRAWN);
    let (class, reason, status) = match answer.map(|answer| &answer.outcome) {
        Some(ActOutcome::Done) => (OutcomeClass::Blocked, blocked, Some(RemoteStatus::Unsubscribed)),
        Some(ActOutcome::Already) => {
            let seen = answer.and_then(|answer| answer.status.as_ref()).map(convert::status);
            (OutcomeClass::Blocked, blocked, Some(seen.unwrap_or(RemoteStatus::Unsubscribed)))
        }
        Some(ActOutcome::Absent) => (OutcomeClass::Blocked, blocked, Some(RemoteStatus::Absent)),
        Some(ActOutcome::Refused(why) | ActOutcome::Failed(why)) => {
            let message = format!("{WITHDRAWN}, but the provider did not unsubscribe it: {why}");
            (OutcomeClass::Failed, Reason::new("unsubscribe-failed", message), None)
        }
        None => {
            let message = format!("{WITHDRAWN}; the provider is still to be told");
            (OutcomeClass::Pending, Reason::new("unsubscribe-open", message), None)
        }
    };
    if let Some(status) = status {
        done.record.confirmed.push(Confirmation {
            contact: item.contact,
            remote_id: item.remote_id.clone(),
            status: Some(status),
            content: None,
        });
        let memory = Memory { class, reason: reason.clone(), attempt: item.attempt };
        done.record.memories.push((item.contact, Some(memory)));
    }
    done.record.outcomes.push(outcome_of(item.place, item.contact, class, Some(reason)));
}
