//! `POST /lists/{id}`: up to 500 members in one call, answered one by one (MC-24).

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use super::{
    At, Audience, FieldError, How, MemberWrite, Mint, Moment, Problem, Refusal, Rules, Shape, Via, member_hash,
};

/// The provider's limit on members in one call.
pub const BULK_LIMIT: usize = 500;

/// A bulk call after its shape was checked.
#[derive(Debug)]
pub struct BulkRequest {
    /// The entries.
    pub members: Vec<MemberWrite>,
    /// Whether addresses that exist are changed rather than reported.
    pub update_existing: bool,
    /// Whether the supplied tags replace all tags (MC-26).
    pub sync_tags: bool,
    /// Lifts the check of required merge fields.
    pub skip_merge_validation: bool,
    /// Lets an address come twice; the first status wins.
    pub skip_duplicate_check: bool,
}

impl BulkRequest {
    /// Reads a body. One entry that violates the schema refuses the whole call (MC-23).
    ///
    /// # Errors
    /// [`Problem`] 400.
    pub fn parse(body: Value) -> Result<Self, Problem> {
        let Value::Object(mut map) = body else {
            return Err(Problem::bad_request("The body must be a JSON object."));
        };
        let flag = |value: Option<Value>, key: &str| match value {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Problem::invalid_field(key, "This value should be of type boolean.")),
        };
        let update_existing = flag(map.remove("update_existing"), "update_existing")?;
        let sync_tags = flag(map.remove("sync_tags"), "sync_tags")?;
        let Some(Value::Array(entries)) = map.remove("members") else {
            return Err(Problem::invalid_field("members", "This value should be of type array."));
        };
        if entries.len() > BULK_LIMIT {
            return Err(Problem::invalid_field(
                "members",
                format!("This collection should contain {BULK_LIMIT} elements or less."),
            ));
        }
        let mut members = Vec::with_capacity(entries.len());
        let mut errors: Vec<FieldError> = Vec::new();
        for (position, entry) in entries.into_iter().enumerate() {
            match MemberWrite::parse(entry, At::Item(position), Shape { tags: true }) {
                Ok(write) => members.push(write),
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok(Self { members, update_existing, sync_tags, skip_merge_validation: false, skip_duplicate_check: false })
    }
}

/// One entry that was not carried out.
#[derive(Clone, Debug, Serialize)]
pub struct BulkError {
    /// The address as it was sent.
    pub email_address: String,
    /// The provider's sentence.
    pub error: String,
    /// `ERROR_CONTACT_EXISTS` or `ERROR_GENERIC`.
    pub error_code: &'static str,
    /// The field at fault, or empty.
    pub field: String,
    /// About that field, or empty.
    pub field_message: String,
}

impl BulkError {
    fn new(refusal: &Refusal, email: String) -> Self {
        let (field, field_message) = refusal.field();
        Self {
            error: refusal.sentence(&email),
            error_code: if *refusal == Refusal::ExistsInBulk { "ERROR_CONTACT_EXISTS" } else { "ERROR_GENERIC" },
            field: field.to_owned(),
            field_message: field_message.to_owned(),
            email_address: email,
        }
    }
}

/// What a bulk call did. The order is not that of the request (MC-25).
#[derive(Debug, Default)]
pub struct BulkOutcome {
    /// Members that came (back) onto the audience.
    pub created: Vec<usize>,
    /// Members that were changed.
    pub updated: Vec<usize>,
    /// Entries that were not carried out.
    pub errors: Vec<BulkError>,
}

impl Audience {
    /// Carries out a bulk call, entry by entry.
    pub fn bulk(&mut self, rules: &Rules, mint: &mut Mint, request: BulkRequest, now: Moment) -> BulkOutcome {
        let mut outcome = BulkOutcome::default();
        let mut met = HashSet::with_capacity(request.members.len());
        for mut write in request.members {
            if !rules.switches.bulk_tags {
                write.tags = None;
            }
            let existing = match write.email.as_deref() {
                Some(email) => {
                    let hash = member_hash(email);
                    let again = !met.insert(hash);
                    if again && !request.skip_duplicate_check {
                        let email = email.to_owned();
                        outcome.errors.push(BulkError::new(&Refusal::Duplicate, email));
                        continue;
                    }
                    self.by_hash.get(&hash).map(|index| (*index, again))
                }
                None => None,
            };
            let again = existing.is_some_and(|(_, again)| again);
            let how = How {
                via: Via::Bulk,
                skip_merge_validation: request.skip_merge_validation,
                update_existing: request.update_existing || again,
                keep_status: again,
                now,
            };
            let kept_tags = request.sync_tags.then(|| write.tags.clone().unwrap_or_default());
            match self.write(rules, mint, existing.map(|(index, _)| index), write, how) {
                Ok(written) => {
                    if let Some(names) = kept_tags {
                        self.untag_all_but(written.index, &names);
                    }
                    if again {
                        continue;
                    }
                    if written.created {
                        outcome.created.push(written.index);
                    } else {
                        outcome.updated.push(written.index);
                    }
                }
                Err((refusal, email)) => outcome.errors.push(BulkError::new(&refusal, email)),
            }
        }
        mint.shuffle(&mut outcome.created);
        mint.shuffle(&mut outcome.updated);
        mint.shuffle(&mut outcome.errors);
        outcome
    }
}
