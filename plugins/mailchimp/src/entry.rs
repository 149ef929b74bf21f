//! A contact on its way to Mailchimp.

use std::collections::BTreeMap;

use postroom_sdk::prelude::*;
use serde_json::Value;

use crate::errors::{Fault, without_address};
use crate::fields::Rules;
use crate::member;
use crate::wire;

/// How often one contact is sent again with something left out. A bulk write names one field at a
/// time, so a few may be needed; a contact that is refused still is better looked at by a person.
const MOST_RESENDS: u8 = 3;

/// A contact with what is sent of it, which shrinks where Mailchimp refuses a field.
pub(crate) struct Entry<'a> {
    /// What the host asked for.
    pub(crate) write: &'a ContactWrite,
    /// What the address is compared by.
    pub(crate) address_key: String,
    /// The merge fields that are sent.
    pub(crate) merge_fields: BTreeMap<String, Value>,
    /// Whether Mailchimp is asked not to look for missing values (MC-21).
    pub(crate) skip_validation: bool,
    rules: &'a Rules,
    left_out: Vec<LeftOutField>,
    resends: u8,
}

impl<'a> Entry<'a> {
    /// The entry of a contact.
    pub(crate) fn new(write: &'a ContactWrite, rules: &'a Rules) -> Self {
        let (merge_fields, left_out) = rules.convert(&write.fields);
        Self {
            write,
            address_key: member::address_key(&write.address),
            merge_fields,
            skip_validation: false,
            rules,
            left_out,
            resends: 0,
        }
    }

    /// The address as it is sent.
    pub(crate) fn address(&self) -> &'a str {
        self.write.address.trim()
    }

    /// Takes out what a fault names, and tells whether it is worth sending the rest.
    ///
    /// An address that was not sent can be at fault too: one that stands incomplete at Mailchimp
    /// blocks every write of its member (MC-21), and one that the audience requires is missing when
    /// it had to be left out (A4). Both are lifted by asking for no validation; the contact goes,
    /// and the address that is there stays.
    pub(crate) fn mend(&mut self, fault: &Fault) -> bool {
        let Fault::Fields(names, message) = fault else {
            return false;
        };
        if self.resends == MOST_RESENDS {
            return false;
        }
        self.resends += 1;
        let mut lighter = false;
        for name in names {
            if self.merge_fields.remove(name).is_some() {
                let reason = without_address(message, self.address());
                self.left_out.push(LeftOutField::new(name.clone(), reason));
                lighter = true;
            }
        }
        let unsent_address = names.iter().any(|name| self.rules.is_address(name));
        if !lighter && unsent_address && !self.skip_validation {
            self.skip_validation = true;
            return true;
        }
        lighter
    }

    /// The result for a member that Mailchimp answered with.
    pub(crate) fn settled(self, outcome: ItemOutcome, member: &wire::Member) -> ItemResult {
        ItemResult::new(self.write.key, outcome)
            .remote_id(member.remote_id())
            .status(member.status())
            .left_out(self.left_out)
    }

    /// The result for a contact that Mailchimp refused.
    pub(crate) fn refused(self, fault: Fault) -> ItemResult {
        let outcome = fault.into_outcome(self.address());
        ItemResult::new(self.write.key, outcome).left_out(self.left_out)
    }

    /// The result for a contact that Mailchimp's answer does not mention.
    pub(crate) fn unanswered(self) -> ItemResult {
        let outcome = ItemOutcome::Other("Mailchimp's answer says nothing of this contact.".to_owned());
        ItemResult::new(self.write.key, outcome).left_out(self.left_out)
    }
}
