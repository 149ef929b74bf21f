//! Audiences, and the merge fields of an audience.

use postroom_sdk::prelude::*;

use crate::paging;
use crate::wire::{ListsPage, MergeField, MergeFieldsPage};

/// The path of an audience.
pub(crate) fn path(audience: &str) -> String {
    format!("/3.0/lists/{}", segment(audience))
}

/// All audiences that the account can see.
pub(crate) fn audiences(job: &Job) -> Result<Vec<Audience>, ProviderError> {
    let fields = "lists.id,lists.name,lists.stats.member_count,total_items";
    let lists = paging::all::<ListsPage>(job, "/3.0/lists", &[("fields", fields)])?;
    let audiences = lists.into_iter().map(|list| Audience::new(list.id, list.name).members(list.stats.member_count));
    Ok(audiences.collect())
}

/// All merge fields of an audience.
pub(crate) fn merge_fields(job: &Job, audience: &str) -> Result<Vec<MergeField>, ProviderError> {
    let path = format!("{}/merge-fields", path(audience));
    let fields = "merge_fields.tag,merge_fields.name,merge_fields.type,merge_fields.required,\
                  merge_fields.options.choices,total_items";
    paging::all::<MergeFieldsPage>(job, &path, &[("fields", fields)])
}

/// The same, as the contract shows them. Their kinds are Mailchimp's types.
pub(crate) fn remote_fields(job: &Job, audience: &str) -> Result<Vec<RemoteField>, ProviderError> {
    let fields = merge_fields(job, audience)?.into_iter().map(|field| {
        let mut remote = RemoteField::new(field.tag, field.name, field.kind);
        remote.required = field.required;
        remote.choices = field.options.choices;
        remote
    });
    Ok(fields.collect())
}
