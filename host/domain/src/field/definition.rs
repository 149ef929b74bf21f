//! A field of the workspace: what of it can change, and how it reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::shown;
use super::{AddressPart, FieldFault, FieldName, FieldType, FieldValue, places};

/// The longest choice, in characters: a choice is a word or two, and stands in every contact that has it.
pub const MAX_CHOICE_CHARS: usize = 100;
/// How many choices a field has at most: enough for every country and shop there is.
pub const MAX_CHOICES: usize = 1_000;
/// What stands between several choices in one cell.
const SEPARATORS: [char; 3] = [';', ',', '|'];

/// A field of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDefinition {
    /// What mappings name. It never changes.
    pub name: FieldName,
    /// What it takes. It never changes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// What people read.
    pub label: String,
    /// Its choices in their order, for the types that have any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Whether lists of contacts show it.
    pub is_visible: bool,
    /// Whether segments find contacts by it through an index.
    pub is_filterable: bool,
}

/// One of the choices of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What contacts hold.
    pub value: String,
    /// The values that it had before: whoever writes one of them means this choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<String>,
    /// What people read, where that is not the value itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What people read in other languages, by BCP 47 tag.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<String, String>,
    /// Whether it was removed: contacts that have it keep it, and nobody gets it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_removed: bool,
}

/// A change of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldChange {
    /// What people read.
    Label(String),
    /// Whether lists of contacts show it.
    Visible(bool),
    /// A choice more, at the end; one that was removed comes back in its old place.
    AddChoice(String),
    /// A choice less. Contacts that have it keep it.
    RemoveChoice(String),
    /// What people read for a choice; with a language, what those who read it do.
    LabelChoice {
        /// The choice.
        value: String,
        /// A BCP 47 tag; none for everybody else.
        language: Option<String>,
        /// The words.
        label: String,
    },
    /// The order of the choices: those that are named come first.
    OrderChoices(Vec<String>),
}

impl Choice {
    /// A choice with the words that people read.
    #[must_use]
    pub fn new(value: &str, label: &str) -> Self {
        let label = (label != value).then(|| label.to_owned());
        Self { value: value.to_owned(), former: Vec::new(), label, translations: BTreeMap::new(), is_removed: false }
    }

    /// What people read, in a language if there are words for it.
    #[must_use]
    pub fn words(&self, language: Option<&str>) -> &str {
        let translated = language.and_then(|language| self.translations.get(language));
        translated.or(self.label.as_ref()).unwrap_or(&self.value)
    }

    /// Whether a text means this choice: its value, any of its labels, or a value that it had before,
    /// whatever the capitals.
    fn is_meant_by(&self, text: &str) -> bool {
        let labels = self.label.iter().chain(self.translations.values());
        let mut names = std::iter::once(&self.value).chain(labels).chain(&self.former);
        names.any(|name| is_same(name, text))
    }
}

impl FieldDefinition {
    /// A visible field without choices.
    #[must_use]
    pub fn new(name: FieldName, kind: FieldType, label: String) -> Self {
        Self { name, kind, label, choices: Vec::new(), is_visible: true, is_filterable: false }
    }

    /// Reads a value of this field as people and files write it. An empty text is no value.
    ///
    /// A choice may be written as its value or as any of its labels; several stand in one text with `;`,
    /// `,` or `|` between them.
    ///
    /// # Errors
    ///
    /// [`FieldFault::Value`] with what would be taken, [`FieldFault::NoChoice`] with the choices.
    pub fn read(&self, text: &str) -> Result<Option<FieldValue>, FieldFault> {
        match self.kind {
            FieldType::SingleChoice => match text.trim() {
                "" => Ok(None),
                text => self.choice(text).map(|choice| Some(FieldValue::Text(choice.value.clone()))),
            },
            FieldType::MultipleChoice => self.choices_in(text),
            kind => kind.read(text),
        }
    }

    /// Reads the value of a place of this field: of the whole, or of a part of it, which is a text. An
    /// address as a whole can be emptied, and not be read from one text.
    ///
    /// # Errors
    ///
    /// As [`FieldDefinition::read`].
    pub fn read_at(&self, part: Option<AddressPart>, text: &str) -> Result<Option<FieldValue>, FieldFault> {
        match part {
            Some(_) => FieldType::Text.read(text),
            None => self.read(text),
        }
    }

    fn choice(&self, text: &str) -> Result<&Choice, FieldFault> {
        let fault = |mend| FieldFault::NoChoice { value: shown(text), field: self.name.to_string(), mend };
        // A value comes before another choice's label of the same letters.
        let by_value = self.choices.iter().find(|choice| is_same(&choice.value, text));
        match by_value.or_else(|| self.choices.iter().find(|choice| choice.is_meant_by(text))) {
            Some(choice) if choice.is_removed => {
                Err(fault("it was removed; add it again, or choose another one".to_owned()))
            }
            Some(choice) => Ok(choice),
            None => Err(fault(self.offer())),
        }
    }

    fn choices_in(&self, text: &str) -> Result<Option<FieldValue>, FieldFault> {
        let mut chosen = Vec::new();
        for part in text.split(SEPARATORS).map(str::trim).filter(|part| !part.is_empty()) {
            chosen.push(self.choice(part)?.value.as_str());
        }
        let in_order = self.choices.iter().filter(|choice| chosen.contains(&choice.value.as_str()));
        let choices: Vec<String> = in_order.map(|choice| choice.value.clone()).collect();
        Ok((!choices.is_empty()).then_some(FieldValue::Choices { choices }))
    }

    /// What there is to choose from.
    fn offer(&self) -> String {
        let there: Vec<&str> =
            self.choices.iter().filter(|choice| !choice.is_removed).map(|choice| choice.value.as_str()).collect();
        match there.as_slice() {
            [] => "it has none yet; add one first".to_owned(),
            choices => format!("use {}", choices.join(", ")),
        }
    }

    /// The field after a change.
    ///
    /// # Errors
    ///
    /// A [`FieldFault`] for a label or a choice that can't be, for a choice that is not there, and for
    /// choices of a type that has none.
    pub fn changed(mut self, change: &FieldChange) -> Result<Self, FieldFault> {
        let of_choices = !matches!(change, FieldChange::Label(_) | FieldChange::Visible(_));
        if of_choices && !self.kind.has_choices() {
            return Err(FieldFault::ChoicesOf { field: self.name.to_string(), kind: self.kind });
        }
        match change {
            FieldChange::Label(label) => self.label = words(label)?,
            FieldChange::Visible(is_visible) => self.is_visible = *is_visible,
            FieldChange::AddChoice(value) => self.add_choice(value)?,
            FieldChange::RemoveChoice(value) => self.known_choice(value)?.is_removed = true,
            FieldChange::LabelChoice { value, language, label } => {
                let label = words(label)?;
                match language {
                    Some(language) => {
                        let tag =
                            places::language(language.trim()).ok_or_else(|| FieldFault::Language(shown(language)))?;
                        self.known_choice(value)?.translations.insert(tag, label);
                    }
                    None => self.known_choice(value)?.label = Some(label),
                }
            }
            FieldChange::OrderChoices(values) => {
                for value in values {
                    self.known_choice(value)?;
                }
                let place = |choice: &Choice| values.iter().position(|value| is_same(value, &choice.value));
                self.choices.sort_by_key(|choice| place(choice).unwrap_or(values.len()));
            }
        }
        Ok(self)
    }

    /// The field after one of its choices got another value. Contacts that hold the old one are to follow:
    /// until they have, and in whatever files bring it later, it means the same choice.
    ///
    /// # Errors
    ///
    /// A [`FieldFault`] for a value that can't be or that another choice has, for a choice that is not there,
    /// and for a type that has none.
    pub fn with_choice_renamed(mut self, value: &str, to: &str) -> Result<Self, FieldFault> {
        if !self.kind.has_choices() {
            return Err(FieldFault::ChoicesOf { field: self.name.to_string(), kind: self.kind });
        }
        let (value, to) = (self.known_choice(value)?.value.clone(), checked(to)?);
        let others = || self.choices.iter().filter(|choice| choice.value != value);
        if let Some(taken) = others().find(|choice| is_same(&choice.value, to)) {
            return Err(FieldFault::ChoiceTaken { field: self.name.to_string(), value: taken.value.clone() });
        }
        self.forget_former(to);
        let choice = self.known_choice(&value)?;
        to.clone_into(&mut choice.value);
        if !is_same(&value, to) {
            choice.former.push(value);
        }
        Ok(self)
    }

    /// A value that a choice has now is no former one of any.
    fn forget_former(&mut self, value: &str) {
        for choice in &mut self.choices {
            choice.former.retain(|former| !is_same(former, value));
        }
    }

    fn add_choice(&mut self, value: &str) -> Result<(), FieldFault> {
        let value = checked(value)?;
        let field = self.name.to_string();
        if let Some(known) = self.choices.iter_mut().find(|choice| is_same(&choice.value, value)) {
            if !known.is_removed {
                return Err(FieldFault::ChoiceTaken { field, value: known.value.clone() });
            }
            known.is_removed = false;
            return Ok(());
        }
        if self.choices.len() >= MAX_CHOICES {
            return Err(FieldFault::TooManyChoices(field));
        }
        self.forget_former(value);
        self.choices.push(Choice::new(value, value));
        Ok(())
    }

    fn known_choice(&mut self, value: &str) -> Result<&mut Choice, FieldFault> {
        let mend = self.offer();
        let field = self.name.to_string();
        let known = self.choices.iter_mut().find(|choice| is_same(&choice.value, value.trim()));
        known.ok_or_else(|| FieldFault::NoChoice { value: shown(value), field, mend })
    }
}

/// A text that can be a choice, without the spaces around it.
fn checked(value: &str) -> Result<&str, FieldFault> {
    let value = value.trim();
    let fits = !value.is_empty()
        && value.chars().nth(MAX_CHOICE_CHARS).is_none()
        && !value.contains(SEPARATORS)
        && !value.contains('"')
        && !value.contains(char::is_control);
    if fits { Ok(value) } else { Err(FieldFault::BadChoice(shown(value))) }
}

fn is_same(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

fn words(label: &str) -> Result<String, FieldFault> {
    match label.trim() {
        "" => Err(FieldFault::NoLabel),
        label => Ok(label.to_owned()),
    }
}
