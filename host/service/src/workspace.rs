//! What the store is, and the fields of its contacts (row D4).

use postroom_domain::field::{FieldChange, FieldDefinition, FieldFault, FieldName, FieldType};
use postroom_store::segments::Filterable;
use postroom_store::workspace::{ChoiceRename, ChoiceRenamed, Workspace};
use serde::Serialize;

use crate::{Result, Service, ServiceError};

/// A field to be added. Its name and type never change afterwards.
#[derive(Debug, Clone)]
pub struct AddField {
    /// The name that mappings use: a-z only.
    pub name: String,
    /// The word of a [`FieldType`].
    pub kind: String,
    /// What people read; none takes the name.
    pub label: Option<String>,
    /// Its choices in their order, for the types that have any.
    pub choices: Vec<String>,
}

/// A choice that got another value, and who followed.
#[derive(Debug, Clone, Serialize)]
pub struct ChoiceFollowed {
    /// The field, and the segments that the new value concerns.
    #[serde(flatten)]
    pub renamed: ChoiceRenamed,
    /// How many contacts have the new value instead of the old one.
    pub contacts: u64,
}

impl Service {
    /// What the store is.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn workspace(&self) -> Result<Workspace> {
        Ok(self.store().workspace().await?)
    }

    /// The fields of the workspace, in their order.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn fields(&self) -> Result<Vec<FieldDefinition>> {
        Ok(self.store().fields().await?)
    }

    /// One field.
    ///
    /// # Errors
    ///
    /// Bad input for a name that is none, not found.
    pub async fn field(&self, name: &str) -> Result<FieldDefinition> {
        let name = field_name(name)?;
        let found = self.store().fields().await?.into_iter().find(|field| field.name == name);
        found.ok_or_else(|| {
            ServiceError::NotFound(format!("there is no field `{name}`: look at the fields that there are"))
        })
    }

    /// Adds a field.
    ///
    /// # Errors
    ///
    /// Bad input for a name, a type or a choice that is none; a conflict when the name is taken.
    pub async fn add_field(&self, request: AddField) -> Result<FieldDefinition> {
        let name = field_name(&request.name)?;
        let kind: FieldType = request.kind.parse().map_err(bad)?;
        let label = request.label.unwrap_or_else(|| name.to_string());
        let choices = request.choices.into_iter().map(FieldChange::AddChoice);
        let field = choices
            .chain([FieldChange::Label(label.clone())])
            .try_fold(FieldDefinition::new(name, kind, label), |field, change| field.changed(&change))
            .map_err(bad)?;
        self.store().add_field(field.clone()).await?;
        Ok(field)
    }

    /// Changes a field. Contacts keep the values that they have.
    ///
    /// # Errors
    ///
    /// Not found; refused with the reason, as for a choice of a field that has none.
    pub async fn change_field(&self, name: &str, change: &FieldChange) -> Result<FieldDefinition> {
        Ok(self.store().change_field(&field_name(name)?, change).await?)
    }

    /// Gives a choice of a field another value. Contacts and the segments that name it follow, and files that
    /// still have the old value mean the new one. `progress` hears how many contacts were looked through, and
    /// of how many.
    ///
    /// # Errors
    ///
    /// Not found; refused with the reason, as for a value that another choice has.
    pub async fn rename_choice(
        &self,
        field: &str,
        value: &str,
        to: &str,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<ChoiceFollowed> {
        let rename =
            ChoiceRename { field: field_name(field)?, value: value.to_owned(), to: to.to_owned(), at: self.now() };
        let renamed = self.store().rename_choice(&rename).await?;
        let mut contacts = 0;
        while let Some(followed) = self.store().follow_choices().await? {
            contacts += followed.contacts;
            progress(followed.passed, followed.last);
        }
        Ok(ChoiceFollowed { renamed, contacts })
    }

    /// Puts the fields in an order: those that are named come first. Answers with all of them.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn order_fields(&self, names: &[String]) -> Result<Vec<FieldDefinition>> {
        let names: Vec<FieldName> = names.iter().map(|name| field_name(name)).collect::<Result<_>>()?;
        Ok(self.store().order_fields(&names).await?)
    }

    /// Makes a field quick to ask for in segments, or ordinary again. Segments answer alike either way.
    ///
    /// # Errors
    ///
    /// Bad input for a name that is none, not found; a conflict for too many such fields, for a type that
    /// has no order, and for an index that takes long unless `may_block` says that other writes may wait.
    pub async fn set_filterable(&self, name: &str, is_filterable: bool, may_block: bool) -> Result<FieldDefinition> {
        let change = Filterable { field: field_name(name)?, is_filterable, may_block };
        self.store().set_filterable(&change).await?;
        self.field(name).await
    }
}

fn field_name(text: &str) -> Result<FieldName> {
    text.parse().map_err(bad)
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err as it is")]
fn bad(fault: FieldFault) -> ServiceError {
    ServiceError::BadInput(fault.to_string())
}
