//! Changing the status of members that exist.
//!
//! Before a status is written the member is looked at: an opt-out must not overwrite `cleaned`, and
//! asking a subscriber to confirm would take the subscription away.

use postroom_sdk::prelude::*;

use crate::describe::API;
use crate::errors::{Problem, without_address};
use crate::member;
use crate::wire::{self, StatusPatch};

/// What became of one member, with the status that was seen.
type Done = (ActOutcome, Option<RemoteStatus>);

/// Does one act to these members, one after the other: Mailchimp has no bulk call that changes a
/// status and creates nobody.
pub(crate) fn change(job: &Job, audience: &str, act: Act, members: &[Member]) -> Result<ActAnswer, ProviderError> {
    let mut items = Vec::with_capacity(members.len());
    for member in members {
        let one = One { job, audience, member };
        let done = match act {
            Act::Unsubscribe => one.unsubscribe(),
            Act::Remove => one.remove(),
            Act::Confirm => one.confirm(),
            Act::Forget => one.forget(),
        };
        match done {
            Ok((outcome, status)) => items.push(ActResult { key: member.key, outcome, status }),
            Err(error) => return ActAnswer::concluded(items, Some(error)),
        }
    }
    ActAnswer::concluded(items, None)
}

/// One member to act on.
struct One<'a> {
    job: &'a Job<'a>,
    audience: &'a str,
    member: &'a Member,
}

impl One<'_> {
    /// Opts the member out. Nobody becomes a member by it.
    fn unsubscribe(&self) -> Result<Done, ProviderError> {
        let Some(found) = self.look()? else {
            return Ok(absent());
        };
        match found.status() {
            status @ Some(RemoteStatus::Unsubscribed | RemoteStatus::Cleaned | RemoteStatus::Archived) => {
                Ok((ActOutcome::Already, status))
            }
            _ => self.write(&found, "unsubscribed", &RemoteStatus::Unsubscribed),
        }
    }

    /// Asks the contact to confirm: Mailchimp sends its message when a status becomes pending
    /// (MC-14). One that was asked already is not asked again.
    fn confirm(&self) -> Result<Done, ProviderError> {
        let Some(found) = self.look()? else {
            return Ok(absent());
        };
        match found.status() {
            status @ Some(RemoteStatus::Subscribed | RemoteStatus::Pending) => Ok((ActOutcome::Already, status)),
            status @ Some(RemoteStatus::Cleaned) => {
                let reason = "The address does not take mail, so it can't be asked to confirm.";
                Ok((ActOutcome::Refused(reason.to_owned()), status))
            }
            _ => self.write(&found, "pending", &RemoteStatus::Pending),
        }
    }

    /// Archives the member: it keeps its data and history, and a second time changes nothing
    /// (MC-16).
    fn remove(&self) -> Result<Done, ProviderError> {
        for path in self.paths() {
            let reply = self.job.delete(API, &path).safe_to_repeat().send()?;
            match reply.status() {
                404 => {}
                405 => return Ok((ActOutcome::Already, None)),
                _ if reply.is_success() => {
                    return Ok((ActOutcome::Done, Some(RemoteStatus::Archived)));
                }
                _ => return self.refused(&Problem::of(&reply)),
            }
        }
        Ok(absent())
    }

    /// Erases the member for good (MC-17).
    fn forget(&self) -> Result<Done, ProviderError> {
        for path in self.paths() {
            let path = format!("{path}/actions/delete-permanent");
            let reply = self.job.post(API, &path).safe_to_repeat().send()?;
            match reply.status() {
                404 => {}
                _ if reply.is_success() => {
                    return Ok((ActOutcome::Done, Some(RemoteStatus::Absent)));
                }
                _ => return self.refused(&Problem::of(&reply)),
            }
        }
        Ok(absent())
    }

    fn paths(&self) -> Vec<String> {
        let remote_id = self.member.remote_id.as_deref();
        member::paths(self.audience, &self.member.address, remote_id)
    }

    fn look(&self) -> Result<Option<wire::Member>, ProviderError> {
        let remote_id = self.member.remote_id.as_deref();
        member::look_up(self.job, self.audience, &self.member.address, remote_id, "")
    }

    /// Writes a status, under the id that the member was found with.
    fn write(&self, found: &wire::Member, status: &'static str, wanted: &RemoteStatus) -> Result<Done, ProviderError> {
        let id = match found.id.as_str() {
            "" => member::hash(&self.member.address),
            id => id.to_owned(),
        };
        let call = self
            .job
            .patch(API, &member::path(self.audience, &id))
            .query("fields", member::PROJECTION)
            .json(&StatusPatch { status });
        // Each change to pending sends the contact a message, so that is not repeated blindly.
        let reply = match wanted {
            RemoteStatus::Pending => call.send()?,
            _ => call.safe_to_repeat().send()?,
        };
        if reply.status() == 404 {
            return Ok(absent());
        }
        if !reply.is_success() {
            return self.refused(&Problem::of(&reply));
        }
        let seen = reply.json::<wire::Member>()?.status();
        if seen.as_ref().is_none_or(|seen| seen == wanted) {
            return Ok((ActOutcome::Done, seen));
        }
        let words = seen.as_ref().map_or("unknown", RemoteStatus::as_words);
        let reason = format!("Mailchimp took the change to {status}, but the status is {words}.");
        Ok((ActOutcome::Failed(reason), seen))
    }

    fn refused(&self, problem: &Problem) -> Result<Done, ProviderError> {
        if !problem.is_about_content() {
            return Err(problem.as_call());
        }
        let fault = problem.as_fault();
        let reason = without_address(fault.message(), &self.member.address);
        Ok((ActOutcome::Refused(reason), None))
    }
}

fn absent() -> Done {
    (ActOutcome::Absent, Some(RemoteStatus::Absent))
}

#[cfg(test)]
#[path = "subscriptions_tests.rs"]
mod tests;
