//! Opt-outs on their way to the provider (invariant 2): the one status change that a run makes.

use std::collections::HashMap;

use postroom_domain::decision::{Memory, RemoteStatus, WITHDRAWN};
use postroom_domain::outcome::{OutcomeClass, Reason};
use postroom_runtime::contract::{Act, ActOutcome, ActResult, Member};
use postroom_store::runs::{BatchRecord, Confirmation};

use crate::convert;
use crate::error::Failure;
use crate::judge::{OptOut, outcome_of};
use crate::patience::Patience;
use crate::provider::Provider;

/// What became of a batch of opt-outs.
#[derive(Debug, Default)]
pub(crate) struct OptedOut {
    pub(crate) record: BatchRecord,
    pub(crate) stop: Option<Reason>,
}

/// Unsubscribes a batch of members. Each entry is *blocked*: the contact said no. One that could not
/// be unsubscribed is *failed*, and the next run tries again.
pub(crate) async fn opt_out(provider: &dyn Provider, audience: &str, batch: Vec<OptOut>) -> OptedOut {
    let mut done = OptedOut::default();
    if !provider.has_subscriptions() {
        let reason = Reason::new(
            "cannot-unsubscribe",
            "the contact withdrew its consent, and this plugin cannot unsubscribe it: do it at the provider",
        );
        let failed = |item: &OptOut| outcome_of(item.place, item.contact, OutcomeClass::Failed, Some(reason.clone()));
        done.record.outcomes = batch.iter().map(failed).collect();
        return done;
    }
    let mut answers: HashMap<u64, ActResult> = HashMap::new();
    let mut stack = vec![batch.iter().map(member).collect::<Vec<_>>()];
    while let Some(part) = stack.pop() {
        let (open, failure) = attempt(provider, audience, part, &mut answers).await;
        match failure {
            None => {}
            // One contact at fault keeps no other from being unsubscribed.
            Some(Failure::Request(_)) if open.len() > 1 => {
                let mut first = open;
                let second = first.split_off(first.len() / 2);
                stack.extend([second, first]);
            }
            Some(Failure::Request(reason)) => answers.extend(open.into_iter().map(|member| {
                let outcome = ActOutcome::Failed(reason.message.clone());
                (member.key, ActResult { key: member.key, outcome, status: None })
            })),
            Some(failure) => {
                done.stop = Some(failure.reason().clone());
                break;
            }
        }
    }
    for item in &batch {
        conclude(item, answers.get(&convert::key(item.contact)), &mut done);
    }
    done
}

fn member(item: &OptOut) -> Member {
    Member { key: convert::key(item.contact), address: item.address.clone(), remote_id: item.remote_id.clone() }
}

/// Unsubscribes a part of a batch until it is concluded, fails for good, or patience ends; answers
/// with those that were not concluded.
async fn attempt(
    provider: &dyn Provider,
    audience: &str,
    mut open: Vec<Member>,
    answers: &mut HashMap<u64, ActResult>,
) -> (Vec<Member>, Option<Failure>) {
    let mut patience = Patience::default();
    loop {
        let failure = match provider.change(audience, Act::Unsubscribe, &open).await {
            Ok(answer) => {
                answers.extend(answer.items.into_iter().map(|item| (item.key, item)));
                open.retain(|member| !answers.contains_key(&member.key));
                match answer.stopped {
                    Some(error) if !open.is_empty() => Failure::from(error),
                    _ => return (open, None),
                }
            }
            Err(failure) => failure,
        };
        if let Err(failure) = patience.wait(failure).await {
            return (open, Some(failure));
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
