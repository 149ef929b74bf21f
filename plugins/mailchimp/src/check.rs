//! Whether an account works.

use postroom_sdk::prelude::*;

use crate::describe::API;
use crate::errors;
use crate::wire::{ListsPage, Root};

/// Asks in the order in which the answers get more demanding: does the key open anything, whose
/// account is it, may it read audiences.
pub(crate) fn check(job: &Job) -> Result<AccountInfo, ProviderError> {
    errors::accepted(job.get(API, "/3.0/ping").send()?)?;
    let root = job
        .get(API, "/3.0/")
        .query("fields", "account_name,pricing_plan_type,account_timezone,total_subscribers")
        .send()?;
    let root: Root = errors::accepted(root)?.json()?;
    let lists = job.get(API, "/3.0/lists").query("count", "1").query("fields", "lists.id,total_items").send()?;
    let lists: ListsPage = errors::accepted(lists)?.json()?;

    let mut info = AccountInfo::new(root.account_name);
    let facts = [
        ("Audiences", lists.total_items.map(|count| count.to_string())),
        ("Subscribers", root.total_subscribers.map(|count| count.to_string())),
        ("Plan", root.pricing_plan_type),
        ("Time zone", root.account_timezone),
    ];
    for (label, value) in facts {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            info = info.fact(label, value);
        }
    }
    Ok(info)
}
