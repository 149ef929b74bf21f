//! The tags of an audience. At Mailchimp a tag is a static segment, with one id and one name.

use std::collections::BTreeMap;

use postroom_sdk::errors as sdk;
use postroom_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::describe::API;
use crate::errors::{Problem, found_out_by_repeating};
use crate::lists;
use crate::paging;
use crate::wire::{NewTag, SegmentsPage, Tag};

/// The tags of an audience that a run touches: their ids by their folded names.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct Known(BTreeMap<String, u64>);

impl Known {
    /// The id of the tag of this name.
    pub(crate) fn id(&self, name: &str) -> Option<u64> {
        self.0.get(&folded(name)).copied()
    }

    /// Takes over those of these tags whose names are wanted.
    fn learn(&mut self, tags: Vec<Tag>, wanted: &[&String]) {
        let names: Vec<String> = wanted.iter().map(|name| folded(name)).collect();
        for tag in tags {
            let name = folded(&tag.name);
            if names.contains(&name) {
                self.0.insert(name, tag.id);
            }
        }
    }
}

/// Mailchimp matches tags without regard to case, and may give a name back in another (MC-28).
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Finds the tags of a run, and makes those that are to be put on and are missing.
pub(crate) fn prepare(job: &Job, audience: &str, add: &[String], remove: &[String]) -> Result<Vec<u8>, ProviderError> {
    let wanted: Vec<&String> = add.iter().chain(remove).collect();
    let mut known = Known::default();
    if !wanted.is_empty() {
        known.learn(read_all(job, audience)?, &wanted);
    }
    for name in add {
        if known.id(name).is_none() {
            make(job, audience, name, &wanted, &mut known)?;
        }
    }
    serde_json::to_vec(&known)
        .map_err(|error| sdk::invalid_request("prepared", format!("The tags can't be kept: {error}.")))
}

/// The path of an audience's segments.
pub(crate) fn segments_path(audience: &str) -> String {
    format!("{}/segments", lists::path(audience))
}

fn read_all(job: &Job, audience: &str) -> Result<Vec<Tag>, ProviderError> {
    let query = [("type", "static"), ("fields", "segments.id,segments.name,total_items")];
    paging::all::<SegmentsPage>(job, &segments_path(audience), &query)
}

/// Makes an empty tag. If somebody else made it meanwhile, or a lost request of ours, it is read.
fn make(job: &Job, audience: &str, name: &str, wanted: &[&String], known: &mut Known) -> Result<(), ProviderError> {
    let reply = job
        .post(API, &segments_path(audience))
        .query("fields", "id,name")
        .json(&NewTag { name: name.trim(), static_segment: [] })
        .send()
        .map_err(found_out_by_repeating)?;
    if reply.is_success() {
        let tag: Tag = reply.json()?;
        known.0.insert(folded(name), tag.id);
        return Ok(());
    }
    let problem = Problem::of(&reply);
    if !problem.is_about_content() || reply.status() == 404 {
        return Err(problem.as_call());
    }
    known.learn(read_all(job, audience)?, wanted);
    if known.id(name).is_some() {
        return Ok(());
    }
    let ProviderError::InvalidRequest(said) = problem.as_call() else {
        return Err(problem.as_call());
    };
    Err(sdk::invalid_request(&said.code, format!("Mailchimp does not make the tag `{name}`: {}", said.message)))
}

/// The tags that `prepare` found, back from the bytes that the host kept.
pub(crate) fn known(prepared: &[u8]) -> Result<Known, ProviderError> {
    serde_json::from_slice(prepared).map_err(|error| {
        sdk::invalid_request("prepared", format!("What `prepare` returned did not come back whole: {error}."))
    })
}

#[cfg(test)]
#[path = "tags_tests.rs"]
mod tests;
