//! Members that are written one by one: changes of address, and contacts that must not be created.

use postroom_sdk::prelude::*;

use crate::describe::API;
use crate::entry::Entry;
use crate::errors::{Fault, Problem, found_out_by_repeating};
use crate::member;
use crate::wire::{self, MemberPatch};

/// What became of a change of address.
pub(crate) enum Renamed<'a> {
    /// It has its result.
    Concluded(ItemResult),
    /// The member that was to be renamed is not there.
    Gone(Entry<'a>),
}

/// What became of one attempt to change a member.
enum Patched {
    Done(wire::Member),
    Absent,
    Refused(Fault),
}

/// Gives a member its new address, its fields with it, its status and tags untouched (MC-18).
///
/// The member is looked for under its id and then under the old address, so that an attempt whose
/// answer was lost is found to have worked.
pub(crate) fn rename<'a>(
    job: &Job,
    audience: &str,
    previous: &str,
    mut entry: Entry<'a>,
) -> Result<Renamed<'a>, ProviderError> {
    let remote_id = entry.write.remote_id.as_deref();
    let address = entry.address();
    for path in member::paths(audience, previous, remote_id) {
        match patch(job, &path, Some(address), &mut entry).map_err(found_out_by_repeating)? {
            Patched::Absent => {}
            Patched::Done(member) => {
                return Ok(Renamed::Concluded(entry.settled(ItemOutcome::Updated, &member)));
            }
            Patched::Refused(fault) => {
                let fault = blame_target(job, audience, address, fault)?;
                return Ok(Renamed::Concluded(entry.refused(fault)));
            }
        }
    }
    Ok(Renamed::Gone(entry))
}

/// A refusal of the new address says in many ways that another member bears it, so that is looked
/// at rather than read.
fn blame_target(job: &Job, audience: &str, address: &str, fault: Fault) -> Result<Fault, ProviderError> {
    if !matches!(fault, Fault::Other(_) | Fault::Address(_)) {
        return Ok(fault);
    }
    Ok(match member::look_up(job, audience, address, None, "")? {
        Some(_) => Fault::Exists("The new address belongs to another member.".to_owned()),
        None => fault,
    })
}

/// Updates a member that must not be created.
pub(crate) fn update(job: &Job, audience: &str, mut entry: Entry<'_>) -> Result<ItemResult, ProviderError> {
    let path = member::path(audience, &member::hash(entry.address()));
    Ok(match patch(job, &path, None, &mut entry)? {
        Patched::Done(member) => entry.settled(ItemOutcome::Updated, &member),
        Patched::Absent => entry.refused(Fault::Missing(
            "The contact is not a member of the audience, and may not be made one.".to_owned(),
        )),
        Patched::Refused(fault) => entry.refused(fault),
    })
}

/// Changes a member, leaving out the fields that Mailchimp refuses. It carries no status.
fn patch(job: &Job, path: &str, new_address: Option<&str>, entry: &mut Entry<'_>) -> Result<Patched, ProviderError> {
    loop {
        let mut call = job
            .patch(API, path)
            .query("fields", member::PROJECTION)
            .json(&MemberPatch { email_address: new_address, merge_fields: &entry.merge_fields });
        if entry.skip_validation {
            call = call.query("skip_merge_validation", "true");
        }
        // A change of address moves the member, so its repetition would not find it.
        if new_address.is_none() {
            call = call.safe_to_repeat();
        }
        let reply = call.send()?;
        if reply.is_success() {
            return reply.json().map(Patched::Done);
        }
        let problem = Problem::of(&reply);
        if reply.status() == 404 {
            return Ok(Patched::Absent);
        }
        if !problem.is_about_content() {
            return Err(problem.as_call());
        }
        let fault = problem.as_fault();
        if !entry.mend(&fault) {
            return Ok(Patched::Refused(fault));
        }
    }
}

#[cfg(test)]
#[path = "single_tests.rs"]
mod tests;
