//! The one way a request changes a member: everything is decided first, then everything is applied.

use serde_json::{Map, Value};

use super::merge_value;
use super::switches::AcceptOrIgnore;
use super::{
    Audience, EmailType, FieldError, Member, MemberWrite, MergeFieldType, Mint, MissingStatus, Moment, Origin, Refusal,
    Rules, SentOutcome, SentStatus, Status, Via, member_hash,
};

/// The circumstances of a write.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// The endpoint.
    pub via: Via,
    /// Lifts the check of required merge fields (MC-22).
    pub skip_merge_validation: bool,
    /// For bulk calls: whether addresses that exist may be changed (MC-24).
    pub update_existing: bool,
    /// For a repeated address in a bulk call: the first appearance's status stays (MC-24).
    pub keep_status: bool,
    /// Now.
    pub now: Moment,
}

impl How {
    /// A write through `via` with everything else at its default.
    #[must_use]
    pub fn via(via: Via, now: Moment) -> Self {
        Self { via, skip_merge_validation: false, update_existing: true, keep_status: false, now }
    }
}

/// What a write did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Written {
    /// The member.
    pub index: usize,
    /// Whether it came (back) onto the audience by this write.
    pub created: bool,
}

/// What was decided about a write.
struct Plan {
    status: Option<Status>,
    merge_values: Vec<(u32, Value)>,
    new_address: bool,
}

impl Audience {
    /// Carries out `write` on the member at `existing`, or creates one.
    ///
    /// # Errors
    /// The refusal and the address it is about; then nothing but the record of sent statuses changed.
    pub fn write(
        &mut self,
        rules: &Rules,
        mint: &mut Mint,
        existing: Option<usize>,
        mut write: MemberWrite,
        how: How,
    ) -> Result<Written, (Refusal, String)> {
        let plan = self.plan(rules, existing, &mut write, how);
        if let Some(member) = existing.and_then(|index| self.member_mut(index)) {
            remember_statuses(member, &write, plan.as_ref().ok(), how.via);
        }
        let plan = match plan {
            Ok(plan) => plan,
            Err(refusal) => {
                let held = existing.and_then(|index| self.member(index));
                let email = write.email.or_else(|| held.map(|member| member.email.clone())).unwrap_or_default();
                return Err((refusal, email));
            }
        };
        let tags = write.tags.take();
        let written = match existing {
            Some(index) => Written { index, created: self.update(index, plan, write, how.now) },
            None => Written { index: self.create(plan, write, how.now, mint), created: true },
        };
        if let Some(tags) = tags {
            self.tag_by_names(written.index, &tags, rules, mint, how.now);
        }
        Ok(written)
    }

    fn plan(&self, rules: &Rules, existing: Option<usize>, write: &mut MemberWrite, how: How) -> Result<Plan, Refusal> {
        let member = existing.and_then(|index| self.member(index));
        let new_address = self.plan_address(rules, member, write, how)?;
        let status = match member {
            Some(member) => plan_existing(rules, member, write, how)?,
            None => Some(plan_new(rules, write, how)?),
        };
        let sent = write.merge_fields.take();
        let merge_values =
            self.plan_merge_values(rules, member, sent, how.skip_merge_validation).map_err(Refusal::MergeFields)?;
        for (id, _) in write.interests.iter().flatten() {
            if !self.interests.contains(id) {
                return Err(Refusal::UnknownInterest(id.clone()));
            }
        }
        Ok(Plan { status, merge_values, new_address })
    }

    /// Whether the address is new to the audience, after every objection to it.
    fn plan_address(
        &self,
        rules: &Rules,
        member: Option<&Member>,
        write: &MemberWrite,
        how: How,
    ) -> Result<bool, Refusal> {
        if member.is_none() && how.via == Via::Patch {
            return Err(Refusal::NotFound);
        }
        let Some(email) = write.email.as_deref() else {
            return match member {
                Some(_) => Ok(false),
                None => Err(Refusal::Field(FieldError::new("email_address", "This value should not be blank."))),
            };
        };
        let hash = member_hash(email);
        if member.is_some_and(|member| member.hash == hash) {
            return Ok(false);
        }
        rules.domains.check(email, rules.switches.allowed_domains_honoured).map_err(Refusal::Address)?;
        if self.forgotten.contains(&hash) {
            return Err(Refusal::Forgotten);
        }
        if self.by_hash.contains_key(&hash) {
            return Err(Refusal::Exists);
        }
        Ok(true)
    }

    fn plan_merge_values(
        &self,
        rules: &Rules,
        member: Option<&Member>,
        sent: Option<Map<String, Value>>,
        skip_required: bool,
    ) -> Result<Vec<(u32, Value)>, Vec<FieldError>> {
        let touches_fields = sent.is_some() || member.is_none();
        let mut errors = Vec::new();
        let mut changes: Vec<(u32, Value)> = Vec::new();
        for (key, value) in sent.into_iter().flatten() {
            // Unknown tags are ignored by the provider, not refused.
            let Some(field) = self.merge_field(&key) else {
                continue;
            };
            match merge_value::check(field, value, &rules.switches) {
                Ok(Some(value)) => changes.push((field.merge_id, value)),
                Ok(None) => {}
                Err(message) => errors.push(FieldError::new(field.tag.clone(), message)),
            }
        }
        if !skip_required {
            for field in &self.merge_fields {
                let changed = changes.iter().find(|(id, _)| *id == field.merge_id);
                let held = member.and_then(|member| member.merge_value(field.merge_id));
                let value = changed.map(|(_, value)| value).or(held);
                let refused = errors.iter().any(|error| error.field == field.tag);
                if field.required && touches_fields && !refused && value.is_none_or(merge_value::is_empty) {
                    errors.push(FieldError::new(field.tag.clone(), merge_value::MISSING));
                }
                if rules.switches.stale_address_blocks
                    && field.kind == MergeFieldType::Address
                    && changed.is_none()
                    && held.is_some_and(merge_value::is_incomplete_address)
                {
                    errors.push(FieldError::new(field.tag.clone(), merge_value::INCOMPLETE_ADDRESS));
                }
            }
        }
        if errors.is_empty() { Ok(changes) } else { Err(errors) }
    }

    fn create(&mut self, plan: Plan, mut write: MemberWrite, now: Moment, mint: &mut Mint) -> usize {
        let status = plan.status.unwrap_or(Status::Subscribed);
        let email = write.email.take().unwrap_or_default();
        let mut member = Member::blank(email, status, now, mint);
        member.compliance = status == Status::Cleaned;
        member.confirmations = u32::from(status == Status::Pending);
        if status.is_untaggable() {
            member.origin = Some(Origin::Api);
        }
        if status == Status::Subscribed {
            member.timestamp_opt = Some(now);
        }
        apply_data(&mut member, plan.merge_values, write);
        self.insert(member)
    }

    /// Changes an existing member; true when it came back from the archive.
    fn update(&mut self, index: usize, plan: Plan, mut write: MemberWrite, now: Moment) -> bool {
        if let Some(email) = write.email.take() {
            if plan.new_address {
                self.rename(index, email);
            } else if let Some(member) = self.member_mut(index) {
                member.email = email;
            }
        }
        let Some(member) = self.member_mut(index) else {
            return false;
        };
        let revived = member.archived && plan.status.is_some();
        if let Some(status) = plan.status {
            set_status(member, status, now);
        }
        member.last_changed = now;
        apply_data(member, plan.merge_values, write);
        revived
    }
}

impl Member {
    /// A member with an address and a status and nothing else.
    pub(super) fn blank(email: String, status: Status, now: Moment, mint: &mut Mint) -> Self {
        Self {
            hash: member_hash(&email),
            email,
            contact_id: mint.id128(),
            unique_email_id: mint.short_id(),
            web_id: mint.number(),
            status,
            archived: false,
            origin: None,
            compliance: false,
            confirmations: 0,
            status_sent: Vec::new(),
            email_type: EmailType::Html,
            merge_values: Vec::new(),
            interests: Vec::new(),
            language: String::new(),
            vip: false,
            location: None,
            ip_signup: String::new(),
            timestamp_signup: None,
            ip_opt: String::new(),
            timestamp_opt: None,
            last_changed: now,
            tags: Vec::new(),
            source: "API - Generic",
            unsubscribe_reason: None,
        }
    }
}

/// The status a new address gets.
fn plan_new(rules: &Rules, write: &MemberWrite, how: How) -> Result<Status, Refusal> {
    let missing = |key: &str| Refusal::Field(FieldError::new(key, "This value should not be blank."));
    match how.via {
        Via::Post => write.status.ok_or_else(|| missing("status")),
        Via::Put => write.status_if_new.ok_or_else(|| missing("status_if_new")),
        Via::Patch => Err(Refusal::NotFound),
        Via::Bulk => {
            let if_new = write.status_if_new.filter(|_| rules.switches.bulk_status_if_new);
            match (write.status.or(if_new), rules.switches.bulk_missing_status) {
                (Some(status), _) => Ok(status),
                (None, MissingStatus::Subscribe) => Ok(Status::Subscribed),
                (None, MissingStatus::Refuse) => Err(missing("status")),
            }
        }
    }
}

/// The status an existing member is to get; `None` leaves it as it is.
fn plan_existing(rules: &Rules, member: &Member, write: &MemberWrite, how: How) -> Result<Option<Status>, Refusal> {
    let adds = how.via == Via::Post || (how.via == Via::Bulk && !how.update_existing);
    if adds && !member.archived {
        return Err(if how.via == Via::Bulk { Refusal::ExistsInBulk } else { Refusal::Exists });
    }
    if how.keep_status {
        return Ok(None);
    }
    let wanted = if adds { Some(plan_new(rules, write, how)?) } else { write.status };
    match wanted {
        None => Ok(None),
        Some(Status::Subscribed) if member.compliance => Err(Refusal::Compliance),
        Some(Status::Subscribed) => {
            let silently_ignored = how.via == Via::Bulk
                && member.status == Status::Unsubscribed
                && rules.switches.bulk_resubscribe_api_unsubscribed == AcceptOrIgnore::Ignore;
            Ok((!silently_ignored).then_some(Status::Subscribed))
        }
        Some(Status::Transactional) if how.via == Via::Patch => Err(Refusal::Field(FieldError::new(
            "status",
            "Value must be one of: subscribed, unsubscribed, cleaned, pending.",
        ))),
        // Somebody who is on the audience does not become a mere buyer.
        Some(Status::Transactional) if !member.archived || member.compliance => Ok(None),
        Some(status) => Ok(Some(status)),
    }
}

fn set_status(member: &mut Member, status: Status, now: Moment) {
    member.archived = false;
    match status {
        Status::Subscribed => {
            if member.status != Status::Subscribed {
                member.timestamp_opt = Some(now);
            }
            member.origin = None;
        }
        Status::Pending => member.confirmations = member.confirmations.saturating_add(1),
        Status::Unsubscribed | Status::Cleaned => {
            if member.status != status && !member.compliance {
                member.origin = Some(Origin::Api);
            }
            member.compliance |= status == Status::Cleaned;
        }
        Status::Transactional => {}
    }
    member.status = status;
}

fn apply_data(member: &mut Member, merge_values: Vec<(u32, Value)>, write: MemberWrite) {
    fn set<T>(place: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *place = value;
        }
    }
    for (merge_id, value) in merge_values {
        member.set_merge_value(merge_id, value);
    }
    for (id, on) in write.interests.into_iter().flatten() {
        member.interests.retain(|held| *held != id);
        if on {
            member.interests.push(id);
        }
    }
    set(&mut member.email_type, write.email_type);
    set(&mut member.language, write.language);
    set(&mut member.vip, write.vip);
    set(&mut member.ip_signup, write.ip_signup);
    set(&mut member.timestamp_signup, write.timestamp_signup);
    set(&mut member.ip_opt, write.ip_opt);
    set(&mut member.timestamp_opt, write.timestamp_opt);
    if write.location.is_some() {
        member.location = write.location;
    }
}

fn remember_statuses(member: &mut Member, write: &MemberWrite, plan: Option<&Plan>, via: Via) {
    let sent = [("status", write.status), ("status_if_new", write.status_if_new)];
    for (key, status) in sent {
        let Some(status) = status else { continue };
        let outcome = match plan {
            None => SentOutcome::Refused,
            Some(plan) if key == "status" && plan.status == Some(status) => SentOutcome::Applied,
            Some(_) => SentOutcome::Ignored,
        };
        member.status_sent.push(SentStatus { status, key, via, outcome });
    }
}
