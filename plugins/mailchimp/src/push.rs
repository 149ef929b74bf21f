//! Pushing contacts, text fields only.

use std::collections::BTreeMap;

use postroom_sdk::prelude::*;
use serde_json::Value;

use crate::describe::{API, MOST_MEMBERS};
use crate::wire::{BulkAnswer, BulkWrite, Member, MemberWrite};

pub(crate) fn push(
    job: &Job,
    audience: &str,
    writes: &[ContactWrite],
) -> Result<BatchAnswer, ProviderError> {
    let path = format!("/3.0/lists/{}", segment(audience));
    let merge_fields: Vec<BTreeMap<String, Value>> = writes.iter().map(texts).collect();
    let mut items = Vec::with_capacity(writes.len());
    let pairs: Vec<(&ContactWrite, &BTreeMap<String, Value>)> =
        writes.iter().zip(&merge_fields).collect();
    for chunk in pairs.chunks(MOST_MEMBERS) {
        let mut existing = Vec::new();
        let first = send(job, &path, chunk, false)?;
        conclude(chunk, first, &mut items, &mut existing);
        if !existing.is_empty() {
            let second = send(job, &path, &existing, true)?;
            conclude(&existing, second, &mut items, &mut Vec::new());
        }
    }
    Ok(BatchAnswer {
        items,
        stopped: None,
    })
}

fn send(
    job: &Job,
    path: &str,
    chunk: &[(&ContactWrite, &BTreeMap<String, Value>)],
    update_existing: bool,
) -> Result<BulkAnswer, ProviderError> {
    let members = chunk.iter().map(|(write, merge_fields)| MemberWrite {
        email_address: &write.address,
        status: (!update_existing).then(|| status(write.on_create)),
        merge_fields,
    });
    let body = BulkWrite {
        members: members.collect(),
        update_existing,
        sync_tags: false,
    };
    job.post(API, path)
        .json(&body)
        .safe_to_repeat()
        .send()?
        .success()?
        .json()
}

fn conclude<'a>(
    chunk: &[(&'a ContactWrite, &'a BTreeMap<String, Value>)],
    answer: BulkAnswer,
    items: &mut Vec<ItemResult>,
    existing: &mut Vec<(&'a ContactWrite, &'a BTreeMap<String, Value>)>,
) {
    let mut by_address: BTreeMap<String, (&ContactWrite, &BTreeMap<String, Value>)> = chunk
        .iter()
        .map(|&pair| (pair.0.address.to_ascii_lowercase(), pair))
        .collect();
    let mut conclude = |members: Vec<Member>, outcome: &ItemOutcome| {
        for member in members {
            if let Some((write, _)) = by_address.remove(&member.email_address.to_ascii_lowercase())
            {
                let id = if member.contact_id.is_empty() {
                    member.id
                } else {
                    member.contact_id
                };
                items.push(ItemResult::new(write.key, outcome.clone()).remote_id(Some(id)));
            }
        }
    };
    conclude(answer.new_members, &ItemOutcome::Created);
    conclude(answer.updated_members, &ItemOutcome::Updated);
    for error in answer.errors {
        let Some(pair) = by_address.remove(&error.email_address.to_ascii_lowercase()) else {
            continue;
        };
        if error.error_code == "ERROR_CONTACT_EXISTS" {
            existing.push(pair);
        } else {
            let class = RejectionClass::Other("refused".to_owned());
            items.push(ItemResult::new(
                pair.0.key,
                ItemOutcome::refused(class, None, error.error),
            ));
        }
    }
}

fn texts(write: &ContactWrite) -> BTreeMap<String, Value> {
    let fields = write.fields.iter().filter_map(|field| match &field.change {
        FieldChange::Set(FieldValue::Text(text)) => {
            Some((field.field.clone(), Value::from(text.as_str())))
        }
        FieldChange::Clear => Some((field.field.clone(), Value::from(""))),
        FieldChange::Set(_) => None,
    });
    fields.collect()
}

fn status(on_create: OnCreate) -> &'static str {
    match on_create {
        OnCreate::Subscribed => "subscribed",
        OnCreate::Pending => "pending",
        OnCreate::Unsubscribed | OnCreate::DoNotCreate => "unsubscribed",
        OnCreate::NoMarketing => "transactional",
    }
}
