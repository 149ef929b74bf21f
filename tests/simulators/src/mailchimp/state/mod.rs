//! The rules of the simulated account, without any HTTP: what a request may change and what it is
//! told when it may not.
//!
//! [`State`] holds audiences; an [`Audience`] holds its merge fields, members and segments (a tag is
//! a static segment). Whatever a request asks about a member becomes a [`MemberWrite`], which
//! [`Audience::write`] either carries out whole or answers with a [`Refusal`]. Truths nobody has
//! established are [`Switches`]. Time comes in as a [`Moment`] argument; randomness (ids, the order
//! of bulk answers) from the seeded [`Mint`].

mod acts;
mod audience;
mod bulk;
mod domains;
mod ident;
mod member;
mod member_write;
mod merge_field;
mod merge_value;
mod moment;
mod problem;
mod seed;
mod segment;
mod switches;
#[cfg(test)]
mod tests;
mod writing;

pub use acts::{Act, ActError};
pub use audience::Audience;
pub use bulk::{BULK_LIMIT, BulkError, BulkOutcome, BulkRequest};
pub use domains::DomainPolicy;
pub use ident::{Id128, Mint, ShortId, member_hash};
pub use member::{EmailType, Member, Origin, SentOutcome, SentStatus, Status, Via};
pub use member_write::{At, MemberWrite, Shape};
pub use merge_field::{MergeField, MergeFieldChange, MergeFieldOptions, MergeFieldType, NewMergeField};
pub use moment::Moment;
pub use problem::{FieldError, Problem, Refusal};
pub use seed::{AudienceSeed, MemberSeed, Seed};
pub use segment::{BATCH_LIMIT, Include, Segment, SegmentBatch, SegmentKind, SegmentOutcome};
pub use switches::{
    AcceptOrIgnore, ArchivedTwice, CutOrRefuse, ErrorOrIgnore, IgnoreOrRefuse, MissingStatus, OnUnsubscribed, Switches,
    WrongDatacenter,
};
pub use writing::{How, Written};

/// What decides between answers that are both conceivable.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The switches, settable through the control API.
    pub switches: Switches,
    /// Which e-mail domains are taken for fake.
    pub domains: DomainPolicy,
}

/// One simulated account.
#[derive(Debug)]
pub struct State {
    /// The audiences, in the order of their creation.
    pub audiences: Vec<Audience>,
    /// The rules in force.
    pub rules: Rules,
    /// Where ids come from.
    pub mint: Mint,
    /// False once the key was revoked: every request is answered 401 (MC-04).
    pub key_valid: bool,
}

impl State {
    /// An account without audiences. `seed` makes ids and shuffles repeatable.
    #[must_use]
    pub fn new(rules: Rules, seed: u64) -> Self {
        Self { audiences: Vec::new(), rules, mint: Mint::new(seed), key_valid: true }
    }

    /// The audience with this id.
    ///
    /// # Errors
    /// [`Problem`] 404.
    pub fn audience(&self, id: &str) -> Result<&Audience, Problem> {
        self.audiences.iter().find(|audience| audience.id == id).ok_or_else(Problem::not_found)
    }

    /// The audience with this id, for writing, beside the rules and the mint that a write needs.
    ///
    /// # Errors
    /// [`Problem`] 404.
    pub fn audience_mut(&mut self, id: &str) -> Result<(&mut Audience, &Rules, &mut Mint), Problem> {
        let audience = self.audiences.iter_mut().find(|audience| audience.id == id).ok_or_else(Problem::not_found)?;
        Ok((audience, &self.rules, &mut self.mint))
    }
}
