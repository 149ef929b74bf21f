//! The store as a whole, and the fields of its contacts.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::field::{FieldChange, FieldDefinition, FieldName};
use serde::Serialize;
use tokio::sync::watch;

use crate::Result;

/// The store as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workspace {
    /// What it is called.
    pub name: String,
    /// Tells this store from others. A copy that was let go on has another one.
    pub instance: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The version of its tables.
    pub schema_version: u32,
    /// The last sequence number given out.
    pub sequence: u64,
    /// How many contacts it holds.
    pub contacts: u64,
}

/// A choice of a field that is to get another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceRename {
    /// The field.
    pub field: FieldName,
    /// The choice.
    pub value: String,
    /// Its value to be.
    pub to: String,
    /// When this happens.
    pub at: Timestamp,
}

/// A choice that got another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChoiceRenamed {
    /// The field as it is now.
    pub field: FieldDefinition,
    /// The segments that name the choice by its new value now.
    pub segments: Vec<String>,
    /// The segments that ask for a part of this field's text: they stay as they are written, and may answer
    /// otherwise.
    pub look_at: Vec<String>,
}

/// How far contacts have followed their choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// The contacts that this unit changed.
    pub contacts: u64,
    /// Contacts up to this number are done.
    pub passed: u64,
    /// The highest number.
    pub last: u64,
}

/// The use cases of a workspace.
#[async_trait]
pub trait WorkspaceStore {
    /// Told of each write that this process has committed, so that nobody has to look time and again. Writes that come
    /// close together are told once. A store that is open to read is told of none.
    fn written(&self) -> watch::Receiver<()>;

    /// Reads what the store is.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn workspace(&self) -> Result<Workspace>;

    /// The fields of this workspace, in their order.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn fields(&self) -> Result<Vec<FieldDefinition>>;

    /// Adds a field. Name and type never change (row D4).
    ///
    /// # Errors
    ///
    /// [`Taken`](crate::StoreError::Taken) when there is one of that name.
    async fn add_field(&self, field: FieldDefinition) -> Result<()>;

    /// Changes a field, and answers with how it is now. Contacts keep the values that they have.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`Refused`](crate::StoreError::Refused) with the reason of the
    /// domain.
    async fn change_field(&self, name: &FieldName, change: &FieldChange) -> Result<FieldDefinition>;

    /// Gives a choice of a field another value. The field and the segments that name the choice have it at
    /// once; contacts follow by [`follow_choices`](Self::follow_choices). What was begun and not carried to its
    /// end is carried on by whoever next opens the store to write.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`Refused`](crate::StoreError::Refused) with the reason of the
    /// domain.
    async fn rename_choice(&self, rename: &ChoiceRename) -> Result<ChoiceRenamed>;

    /// Lets some more contacts follow a choice that got another value: a unit that leaves room for other writes.
    /// Each takes a sequence number, so that syncs send it. None once all have followed.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn follow_choices(&self) -> Result<Option<Followed>>;

    /// Puts the fields in an order: those that are named come first, in the order given.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for a name that no field has.
    async fn order_fields(&self, names: &[FieldName]) -> Result<Vec<FieldDefinition>>;
}
