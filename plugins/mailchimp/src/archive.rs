//! Who lies in the audience's archive.
//!
//! An archived member is hidden, and so is the status that it had: it may have opted out before it
//! was put away. The creating step would bring it back with the status for creation (MC-16), and a
//! bulk call does not tell archived members apart beforehand. So the archive is read before a run,
//! and whoever lies there is updated without a status, which leaves them where they are.

use std::borrow::Cow;

use postroom_sdk::errors as sdk;
use postroom_sdk::prelude::*;

use crate::lists;
use crate::member;
use crate::paging;
use crate::wire::{MemberId, MembersPage};

/// The most archived members that are remembered for a run: 100 pages to read, and 800 KB that go
/// along with every batch. Beyond, each contact that may be created is looked up by itself.
const MOST_LISTED: usize = 100_000;

/// The part of a member's hash that is kept. Two of 100,000 members share it once in billions of
/// runs, and then a contact is refused as missing, not subscribed.
const KEY_BYTES: usize = 8;

/// The archived members of an audience, as of the beginning of a run.
pub(crate) enum Archive<'a> {
    /// The first bytes of their hashes, in order.
    Listed(Cow<'a, [[u8; KEY_BYTES]]>),
    /// There are too many to remember.
    TooLarge,
}

impl Archive<'static> {
    /// Reads the archive of an audience.
    pub(crate) fn read(job: &Job, audience: &str) -> Result<Self, ProviderError> {
        let path = format!("{}/members", lists::path(audience));
        let query = [("status", "archived"), ("fields", "members.id,total_items")];
        match paging::at_most::<MembersPage>(job, &path, &query, MOST_LISTED)? {
            Some(members) => Self::of(&members),
            None => Ok(Self::TooLarge),
        }
    }

    /// The archive that holds these members.
    pub(crate) fn of(members: &[MemberId]) -> Result<Self, ProviderError> {
        let keys = members.iter().map(|member| {
            key(&member.id).ok_or_else(|| {
                sdk::other(
                    "unreadable-answer",
                    format!("Mailchimp names an archived member by {:?}, which is no hash.", member.id),
                    true,
                )
            })
        });
        let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
        keys.sort_unstable();
        Ok(Self::Listed(Cow::Owned(keys)))
    }
}

impl<'a> Archive<'a> {
    /// The archive back from [`Self::as_bytes`]; `None` stands for one that is too large.
    pub(crate) fn from_bytes(keys: Option<&'a [u8]>) -> Result<Self, ProviderError> {
        let Some(keys) = keys else {
            return Ok(Self::TooLarge);
        };
        match keys.as_chunks() {
            (keys, []) => Ok(Self::Listed(Cow::Borrowed(keys))),
            _ => Err(sdk::invalid_request("prepared", "What `prepare` returned was cut off.")),
        }
    }

    /// The keys one after another; `None` if there are too many.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Listed(keys) => Some(keys.as_flattened()),
            Self::TooLarge => None,
        }
    }

    /// Whether the member of this address is archived.
    pub(crate) fn holds(&self, job: &Job, audience: &str, address: &str) -> Result<bool, ProviderError> {
        match self {
            Self::Listed(keys) => Ok(key(&member::hash(address)).is_some_and(|key| keys.binary_search(&key).is_ok())),
            Self::TooLarge => {
                let found = member::look_up(job, audience, address, None, "")?;
                Ok(found.is_some_and(|member| member.status() == Some(RemoteStatus::Archived)))
            }
        }
    }
}

/// The first bytes of a member's hash, which is written in hexadecimal digits.
fn key(hash: &str) -> Option<[u8; KEY_BYTES]> {
    let digits = hash.get(..KEY_BYTES * 2)?;
    u64::from_str_radix(digits, 16).ok().map(u64::to_be_bytes)
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
