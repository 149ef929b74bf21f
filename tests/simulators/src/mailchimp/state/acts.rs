//! What people do: the contacts themselves, and operators in the provider's own pages. Reachable only
//! through the control API.

use serde::Deserialize;

use super::{Audience, Member, MergeFieldChange, Mint, Moment, Origin, State, Status, member_hash};

/// One act. In JSON the name of the act stands in `act`, beside its particulars.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// The contact unsubscribes.
    Unsubscribe {
        /// Audience id.
        audience: String,
        /// The contact's address.
        email: String,
        /// What it gave as its reason.
        #[serde(default)]
        reason: Option<String>,
    },
    /// The contact reports a campaign as spam.
    Abuse {
        /// Audience id.
        audience: String,
        /// The contact's address.
        email: String,
    },
    /// A campaign bounces hard: the member becomes cleaned.
    #[serde(alias = "cleaned")]
    Bounce {
        /// Audience id.
        audience: String,
        /// The contact's address.
        email: String,
    },
    /// The contact clicks the link in the confirmation mail (MC-14).
    Confirm {
        /// Audience id.
        audience: String,
        /// The contact's address.
        email: String,
    },
    /// The contact fills in the provider's sign-up form; lifts everything (MC-17).
    Resubscribe {
        /// Audience id.
        audience: String,
        /// The contact's address.
        email: String,
    },
    /// The contact changes its own address.
    ChangeAddress {
        /// Audience id.
        audience: String,
        /// The contact's address.
        email: String,
        /// The address from now on.
        new_email: String,
    },
    /// An operator unsubscribes the contact.
    OperatorUnsubscribe {
        /// Audience id.
        audience: String,
        /// The contact's address.
        email: String,
    },
    /// An operator deletes a merge field with its values.
    DeleteMergeField {
        /// Audience id.
        audience: String,
        /// The field's tag.
        tag: String,
    },
    /// An operator gives a merge field another tag.
    RenameMergeField {
        /// Audience id.
        audience: String,
        /// The field's tag.
        tag: String,
        /// The tag from now on.
        new_tag: String,
    },
    /// An operator deletes a tag from everybody.
    DeleteTag {
        /// Audience id.
        audience: String,
        /// The tag's name.
        name: String,
    },
    /// An operator deletes the audience.
    #[serde(alias = "delete_list")]
    DeleteAudience {
        /// Audience id.
        audience: String,
    },
    /// The key is revoked, or the connected app removed (MC-04).
    RevokeKey {},
    /// The key works again.
    RestoreKey {},
}

/// Why an act could not be done: a sentence for the person who asked for it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct ActError(pub String);

impl State {
    /// Does `act`.
    ///
    /// # Errors
    /// When what the act is about does not exist or is in another state.
    pub fn act(&mut self, act: Act, now: Moment) -> Result<(), ActError> {
        match act {
            Act::Unsubscribe { audience, email, reason } => {
                let member = self.somebody(&audience, &email)?;
                leave(member, Status::Unsubscribed, Origin::Contact, now);
                member.unsubscribe_reason = reason;
            }
            Act::Abuse { audience, email } => {
                leave(self.somebody(&audience, &email)?, Status::Unsubscribed, Origin::Abuse, now);
            }
            Act::Bounce { audience, email } => {
                leave(self.somebody(&audience, &email)?, Status::Cleaned, Origin::Bounce, now);
            }
            Act::OperatorUnsubscribe { audience, email } => {
                leave(self.somebody(&audience, &email)?, Status::Unsubscribed, Origin::Admin, now);
            }
            Act::Confirm { audience, email } => {
                let member = self.somebody(&audience, &email)?;
                if member.status != Status::Pending {
                    return Err(ActError(format!(
                        "{email} is {}, not pending: there is no confirmation mail to click in.",
                        member.shown_status()
                    )));
                }
                join(member, now);
            }
            Act::Resubscribe { audience, email } => {
                let (audience, mint) = self.place(&audience)?;
                audience.sign_up(email, mint, now);
            }
            Act::ChangeAddress { audience, email, new_email } => {
                let (audience, _) = self.place(&audience)?;
                let index = audience.find_email(&email);
                let index = index.ok_or_else(|| nobody(&audience.id, &email))?;
                if audience.find_email(&new_email).is_some_and(|other| other != index) {
                    return Err(ActError(format!("{new_email} is on the audience already; choose another address.")));
                }
                audience.rename(index, new_email);
                if let Some(member) = audience.member_mut(index) {
                    member.last_changed = now;
                }
            }
            Act::DeleteMergeField { audience, tag } => {
                if !self.place(&audience)?.0.remove_merge_field(&tag) {
                    return Err(ActError(format!("There is no merge field {tag}.")));
                }
            }
            Act::RenameMergeField { audience, tag, new_tag } => {
                let (audience, _) = self.place(&audience)?;
                let field = audience.merge_fields.iter().find(|field| field.tag == tag);
                let field = field.ok_or_else(|| ActError(format!("There is no merge field {tag}.")))?;
                let change = MergeFieldChange { tag: Some(new_tag), ..MergeFieldChange::default() };
                audience.change_merge_field(field.merge_id, change).map_err(|error| ActError(error.message))?;
            }
            Act::DeleteTag { audience, name } => {
                let (audience, _) = self.place(&audience)?;
                let id = audience.tag_named(&name);
                let id = id.ok_or_else(|| ActError(format!("There is no tag {name}.")))?;
                audience.delete_segment(id);
            }
            Act::DeleteAudience { audience } => {
                self.place(&audience)?;
                self.audiences.retain(|other| other.id != audience);
            }
            Act::RevokeKey {} => self.key_valid = false,
            Act::RestoreKey {} => self.key_valid = true,
        }
        Ok(())
    }

    fn place(&mut self, id: &str) -> Result<(&mut Audience, &mut Mint), ActError> {
        let (audience, _, mint) = self
            .audience_mut(id)
            .map_err(|_| ActError(format!("There is no audience {id}; see `state` for the ids.")))?;
        Ok((audience, mint))
    }

    fn somebody(&mut self, audience: &str, email: &str) -> Result<&mut Member, ActError> {
        let (place, _) = self.place(audience)?;
        place.find_email(email).and_then(|index| place.member_mut(index)).ok_or_else(|| nobody(audience, email))
    }
}

impl Audience {
    /// The contact signs up by the provider's form.
    fn sign_up(&mut self, email: String, mint: &mut Mint, now: Moment) {
        self.forgotten.remove(&member_hash(&email));
        let index = match self.find_email(&email) {
            Some(index) => index,
            None => self.insert(Member::blank(email, Status::Subscribed, now, mint)),
        };
        if let Some(member) = self.member_mut(index) {
            member.source = "Hosted Signup Form";
            member.timestamp_signup.get_or_insert(now);
            join(member, now);
        }
    }
}

fn nobody(audience: &str, email: &str) -> ActError {
    ActError(format!("{email} is not on the audience {audience}."))
}

fn join(member: &mut Member, now: Moment) {
    member.status = Status::Subscribed;
    member.archived = false;
    member.origin = None;
    member.compliance = false;
    member.unsubscribe_reason = None;
    member.timestamp_opt = Some(now);
    member.last_changed = now;
}

fn leave(member: &mut Member, status: Status, origin: Origin, now: Moment) {
    member.status = status;
    member.origin = Some(origin);
    member.compliance |= origin.is_compliance();
    member.last_changed = now;
}
