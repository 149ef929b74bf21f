//! What is read once per run and handed to every batch.
//!
//! As bytes it is a line of JSON, and behind it the keys of the archived members as they are, so
//! that a batch reads them where they lie.

use postroom_sdk::errors as sdk;
use postroom_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::archive::Archive;
use crate::fields::Rules;
use crate::lists;

/// What a batch has to know of its audience.
pub(crate) struct Prepared<'a> {
    /// What the merge fields take.
    pub(crate) rules: Rules,
    /// Who must not be brought back.
    pub(crate) archive: Archive<'a>,
}

/// The line of JSON.
#[derive(Serialize, Deserialize)]
struct Head<R> {
    #[serde(rename = "f")]
    rules: R,
    /// Whether the archived members follow.
    #[serde(rename = "a")]
    archive_follows: bool,
}

impl Prepared<'static> {
    /// Reads it from Mailchimp.
    pub(crate) fn read(job: &Job, audience: &str) -> Result<Self, ProviderError> {
        let rules = Rules::of(lists::merge_fields(job, audience)?);
        Ok(Self { rules, archive: Archive::read(job, audience)? })
    }
}

impl<'a> Prepared<'a> {
    /// The bytes that the host keeps for the run.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ProviderError> {
        let archive = self.archive.as_bytes();
        let head = Head { rules: &self.rules, archive_follows: archive.is_some() };
        let mut bytes = serde_json::to_vec(&head)
            .map_err(|error| sdk::invalid_request("prepared", format!("The merge fields can't be kept: {error}.")))?;
        bytes.push(b'\n');
        bytes.extend_from_slice(archive.unwrap_or_default());
        Ok(bytes)
    }

    /// The same back from those bytes.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Result<Self, ProviderError> {
        let broken = |why: &str| {
            sdk::invalid_request("prepared", format!("What `prepare` returned did not come back whole: {why}."))
        };
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| broken("its first line has no end"))?;
        let (head, keys) = bytes.split_at(end);
        let head: Head<Rules> = serde_json::from_slice(head).map_err(|error| broken(&error.to_string()))?;
        let archive = Archive::from_bytes(head.archive_follows.then(|| keys.get(1..).unwrap_or_default()))?;
        Ok(Self { rules: head.rules, archive })
    }
}

#[cfg(test)]
#[path = "prepared_tests.rs"]
mod tests;
