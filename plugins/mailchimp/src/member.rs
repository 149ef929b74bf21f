//! How Mailchimp names members, and what their statuses mean.

use std::fmt::Write as _;

use md5::{Digest, Md5};
use postroom_sdk::prelude::{Job, ProviderError, RemoteStatus, segment};

use crate::describe::API;
use crate::errors;
use crate::lists;
use crate::wire;

/// What is read of a single member.
pub(crate) const PROJECTION: &str = "id,contact_id,email_address,status";

/// What two spellings of one address have in common. Beyond ASCII, what Mailchimp does to case is
/// not defined, so that is left as it is.
pub(crate) fn address_key(address: &str) -> String {
    address.trim().to_ascii_lowercase()
}

/// The id that Mailchimp derives from an address: the MD5 of its lower-case form (MC-07).
pub(crate) fn hash(address: &str) -> String {
    let digest = Md5::digest(address_key(address).as_bytes());
    digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a text can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The path of a member, by its hash or by its contact id.
pub(crate) fn path(audience: &str, id: &str) -> String {
    format!("{}/members/{}", lists::path(audience), segment(id))
}

/// Where a member may be found: under the id that outlives a change of address, and, if that is not
/// known or the member was made anew, under its address (MC-07). The id comes first, because within
/// one run an address may pass from one member to another.
pub(crate) fn paths(audience: &str, address: &str, remote_id: Option<&str>) -> Vec<String> {
    let hash = hash(address);
    let contact_id = remote_id.filter(|id| !id.is_empty() && *id != hash);
    let ids = [contact_id, Some(hash.as_str())];
    ids.into_iter().flatten().map(|id| path(audience, id)).collect()
}

/// Looks a member up. `extra` names further properties to read, each after a comma.
pub(crate) fn look_up(
    job: &Job,
    audience: &str,
    address: &str,
    remote_id: Option<&str>,
    extra: &str,
) -> Result<Option<wire::Member>, ProviderError> {
    for path in paths(audience, address, remote_id) {
        let reply = job.get(API, &path).query("fields", &format!("{PROJECTION}{extra}")).send()?;
        if reply.status() != 404 {
            return errors::accepted(reply)?.json().map(Some);
        }
    }
    Ok(None)
}

impl wire::Member {
    /// The most stable id of the member: the contact id, which outlives a change of address.
    pub(crate) fn remote_id(&self) -> Option<String> {
        let ids = [&self.contact_id, &self.id];
        ids.into_iter().find(|id| !id.is_empty()).cloned()
    }

    /// The member's status, if the answer shows one.
    pub(crate) fn status(&self) -> Option<RemoteStatus> {
        match self.status.as_str() {
            "" => None,
            "subscribed" => Some(RemoteStatus::Subscribed),
            "pending" => Some(RemoteStatus::Pending),
            "unsubscribed" => Some(RemoteStatus::Unsubscribed),
            "transactional" => Some(RemoteStatus::NoMarketing),
            "cleaned" => Some(RemoteStatus::Cleaned),
            "archived" => Some(RemoteStatus::Archived),
            word => Some(RemoteStatus::Other(word.to_owned())),
        }
    }
}
