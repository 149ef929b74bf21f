//! Merge fields: an audience's columns.

use serde::{Deserialize, Serialize};

use super::FieldError;

/// The provider's limit on a tag's length.
const TAG_LENGTH: usize = 10;

/// What a merge field holds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeFieldType {
    /// Any text.
    Text,
    /// A number.
    Number,
    /// A postal address of at least four parts.
    Address,
    /// A telephone number.
    Phone,
    /// A calendar date.
    Date,
    /// A web address.
    Url,
    /// The web address of a picture.
    ImageUrl,
    /// One of `choices`.
    Radio,
    /// One of `choices`.
    Dropdown,
    /// Month and day.
    Birthday,
    /// A US postal code.
    Zip,
}

/// Details that depend on the type.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct MergeFieldOptions {
    /// For addresses: a country's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_country: Option<u32>,
    /// For telephone numbers: `US` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_format: Option<String>,
    /// For dates and birthdays: `MM/DD/YYYY`, `DD/MM/YYYY`, `MM/DD` or `DD/MM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
    /// For radio buttons and dropdowns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// For text: the width of the form's box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
}

/// One merge field.
#[derive(Clone, Debug, Serialize)]
pub struct MergeField {
    /// Stays when the tag changes. The alias `MERGE<n>` uses it.
    pub merge_id: u32,
    /// The key in `merge_fields`: upper case, at most 10 characters.
    pub tag: String,
    /// The label.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: MergeFieldType,
    /// Whether a member without a value is refused (MC-22).
    pub required: bool,
    /// Shown in forms.
    pub default_value: String,
    /// Whether forms show it.
    pub public: bool,
    /// Position in forms.
    pub display_order: u32,
    /// Details that depend on the type.
    pub options: MergeFieldOptions,
    /// Shown in forms.
    pub help_text: String,
}

impl MergeField {
    /// Whether `key` names this field in `merge_fields`.
    #[must_use]
    pub fn answers_to(&self, key: &str) -> bool {
        self.tag == key || key.strip_prefix("MERGE").is_some_and(|number| number.parse() == Ok(self.merge_id))
    }
}

/// A merge field as a request or starting data describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct NewMergeField {
    /// Derived from the name when absent.
    #[serde(default)]
    pub tag: Option<String>,
    /// The label.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: MergeFieldType,
    /// See [`MergeField::required`].
    #[serde(default)]
    pub required: bool,
    /// See [`MergeField::default_value`].
    #[serde(default)]
    pub default_value: String,
    /// See [`MergeField::public`].
    #[serde(default)]
    pub public: bool,
    /// Last when absent.
    #[serde(default)]
    pub display_order: Option<u32>,
    /// See [`MergeField::options`].
    #[serde(default)]
    pub options: MergeFieldOptions,
    /// See [`MergeField::help_text`].
    #[serde(default)]
    pub help_text: String,
}

/// What a request changes about a merge field. The type is not changeable: sending it has no effect.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MergeFieldChange {
    /// See [`MergeField::tag`].
    pub tag: Option<String>,
    /// See [`MergeField::name`].
    pub name: Option<String>,
    /// See [`MergeField::required`].
    pub required: Option<bool>,
    /// See [`MergeField::default_value`].
    pub default_value: Option<String>,
    /// See [`MergeField::public`].
    pub public: Option<bool>,
    /// See [`MergeField::display_order`].
    pub display_order: Option<u32>,
    /// See [`MergeField::options`].
    pub options: Option<MergeFieldOptions>,
    /// See [`MergeField::help_text`].
    pub help_text: Option<String>,
}

/// A tag in its stored form.
fn checked_tag(tag: &str, existing: &[MergeField]) -> Result<String, FieldError> {
    let tag = tag.trim().to_ascii_uppercase();
    if tag.is_empty() || tag.len() > TAG_LENGTH || tag == "EMAIL" {
        return Err(FieldError::new(
            "tag",
            format!("Merge tags have 1 to {TAG_LENGTH} characters and EMAIL is reserved."),
        ));
    }
    if existing.iter().any(|field| field.tag == tag) {
        return Err(FieldError::new(
            "tag",
            format!("A Merge Field with the tag \"{tag}\" already exists for this list."),
        ));
    }
    Ok(tag)
}

impl MergeFieldChange {
    /// Changes `field`; `others` are the audience's other fields.
    ///
    /// # Errors
    /// A tag that is too long, empty, reserved or taken. Then nothing is changed.
    pub fn apply(self, field: &mut MergeField, others: &[MergeField]) -> Result<(), FieldError> {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        let tag = self.tag.map(|tag| checked_tag(&tag, others)).transpose()?;
        set(&mut field.tag, tag);
        set(&mut field.name, self.name);
        set(&mut field.required, self.required);
        set(&mut field.default_value, self.default_value);
        set(&mut field.public, self.public);
        set(&mut field.display_order, self.display_order);
        set(&mut field.options, self.options);
        set(&mut field.help_text, self.help_text);
        Ok(())
    }
}

impl NewMergeField {
    /// A field with a tag and otherwise ordinary properties.
    pub fn plain(tag: &str, name: &str, kind: MergeFieldType) -> Self {
        Self {
            tag: Some(tag.to_owned()),
            name: name.to_owned(),
            kind,
            required: false,
            default_value: String::new(),
            public: false,
            display_order: None,
            options: MergeFieldOptions::default(),
            help_text: String::new(),
        }
    }

    /// The fields a new audience comes with.
    #[must_use]
    pub fn standard() -> Vec<Self> {
        let mut address = Self::plain("ADDRESS", "Address", MergeFieldType::Address);
        address.options.default_country = Some(164);
        let mut phone = Self::plain("PHONE", "Phone Number", MergeFieldType::Phone);
        phone.options.phone_format = Some("none".to_owned());
        let mut birthday = Self::plain("BIRTHDAY", "Birthday", MergeFieldType::Birthday);
        birthday.options.date_format = Some("MM/DD".to_owned());
        vec![
            Self::plain("FNAME", "First Name", MergeFieldType::Text),
            Self::plain("LNAME", "Last Name", MergeFieldType::Text),
            address,
            phone,
            birthday,
        ]
    }

    /// The field, as number `merge_id` beside `existing`.
    ///
    /// # Errors
    /// A tag that is too long, empty, reserved or taken.
    pub fn build(self, merge_id: u32, existing: &[MergeField]) -> Result<MergeField, FieldError> {
        let taken = |tag: &str| existing.iter().any(|field| field.tag == tag);
        let tag = match self.tag {
            Some(tag) => checked_tag(&tag, existing)?,
            None => {
                let tag: String = self
                    .name
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .take(TAG_LENGTH)
                    .collect::<String>()
                    .to_ascii_uppercase();
                if tag.is_empty() || tag == "EMAIL" || taken(&tag) { format!("MERGE{merge_id}") } else { tag }
            }
        };
        let last = existing.iter().map(|field| field.display_order).max();
        Ok(MergeField {
            merge_id,
            tag,
            name: self.name,
            kind: self.kind,
            required: self.required,
            default_value: self.default_value,
            public: self.public,
            display_order: self.display_order.unwrap_or_else(|| last.unwrap_or(0).saturating_add(1)),
            options: self.options,
            help_text: self.help_text,
        })
    }
}
