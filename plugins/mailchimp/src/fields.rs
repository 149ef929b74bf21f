//! Turning a contact's fields into merge fields.
//!
//! Whatever Mailchimp would refuse is left out and named with its reason, so that the contact can
//! go: one refused merge field refuses the whole member (MC-20, MC-22).

use std::collections::BTreeMap;

use postroom_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::describe::{ADDRESS_KIND, ADDRESS_PARTS};
use crate::wire::MergeField;

/// The most bytes of a text merge field. Mailchimp cuts or refuses longer ones, and a text that was
/// cut unseen is worse than none.
const LONGEST_TEXT: usize = 255;

/// What a run has to know of the audience's merge fields, by their tags.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct Rules(BTreeMap<String, Rule>);

/// What one merge field takes.
#[derive(Serialize, Deserialize)]
struct Rule {
    #[serde(rename = "k")]
    kind: String,
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
}

impl Rules {
    /// The rules of these merge fields.
    pub(crate) fn of(fields: Vec<MergeField>) -> Self {
        let rules = fields.into_iter().map(|field| {
            let rule = Rule { kind: field.kind, choices: field.options.choices };
            (field.tag, rule)
        });
        Self(rules.collect())
    }

    /// Whether this merge field holds a postal address.
    pub(crate) fn is_address(&self, tag: &str) -> bool {
        self.0.get(tag).is_some_and(|rule| rule.kind == ADDRESS_KIND)
    }

    /// The merge fields of a contact, and what had to stay out.
    pub(crate) fn convert(&self, writes: &[FieldWrite]) -> (BTreeMap<String, Value>, Vec<LeftOutField>) {
        let mut merge_fields = BTreeMap::new();
        let mut left_out = Vec::new();
        for write in writes {
            match self.value(write) {
                Ok(value) => {
                    merge_fields.insert(write.field.clone(), value);
                }
                Err(reason) => left_out.push(LeftOutField::new(write.field.clone(), reason)),
            }
        }
        (merge_fields, left_out)
    }

    fn value(&self, write: &FieldWrite) -> Result<Value, String> {
        let rule = self.0.get(&write.field).ok_or("The audience has no merge field of this name.")?;
        match &write.change {
            // An empty text erases every kind, addresses too; null would be refused or ignored.
            FieldChange::Clear => Ok(Value::from("")),
            FieldChange::Set(value) => rule.value(value),
        }
    }
}

impl Rule {
    fn value(&self, value: &FieldValue) -> Result<Value, String> {
        match self.kind.as_str() {
            ADDRESS_KIND => address(value),
            "number" => number(value),
            "date" => date(value),
            "birthday" => birthday(value),
            "radio" | "dropdown" => self.choice(value),
            kind => text(value, kind),
        }
    }

    fn choice(&self, value: &FieldValue) -> Result<Value, String> {
        let chosen = plain_text(value).ok_or_else(|| format!("A field of the kind {} takes one choice.", self.kind))?;
        let exact = self.choices.iter().find(|choice| **choice == chosen);
        let folded = chosen.trim().to_lowercase();
        let alike = || self.choices.iter().find(|choice| choice.trim().to_lowercase() == folded);
        match exact.or_else(alike) {
            Some(choice) => Ok(Value::from(choice.as_str())),
            None => Err(format!("The value is not one of the field's choices: {}.", self.choices.join(", "))),
        }
    }
}

/// The value as one text, unless it is made of several.
fn plain_text(value: &FieldValue) -> Option<String> {
    match value {
        FieldValue::Text(text) | FieldValue::Number(text) | FieldValue::Date(text) => Some(text.clone()),
        FieldValue::Boolean(flag) => Some(flag.to_string()),
        FieldValue::Choices(choices) => match choices.as_slice() {
            [choice] => Some(choice.clone()),
            _ => None,
        },
        FieldValue::Parts(_) => None,
    }
}

fn text(value: &FieldValue, kind: &str) -> Result<Value, String> {
    let text = match value {
        // Only fields of plain text can take several choices in a row.
        FieldValue::Choices(choices) if kind == "text" => choices.join(", "),
        value => plain_text(value).ok_or_else(|| format!("A field of the kind {kind} takes a single text."))?,
    };
    if text.len() > LONGEST_TEXT {
        return Err(format!("The text has {} bytes; Mailchimp takes {LONGEST_TEXT}.", text.len()));
    }
    Ok(Value::from(text))
}

fn number(value: &FieldValue) -> Result<Value, String> {
    let text = match value {
        FieldValue::Number(text) | FieldValue::Text(text) => text.trim(),
        _ => return Err("A number field takes a number.".to_owned()),
    };
    let number: Number = serde_json::from_str(text).map_err(|_| "The value is not a decimal number.".to_owned())?;
    // What floating point can't hold exactly travels as its digits, which Mailchimp takes as well.
    if number.to_string() == text { Ok(Value::Number(number)) } else { Ok(Value::from(text)) }
}

fn date(value: &FieldValue) -> Result<Value, String> {
    let refused = || "A date field takes a calendar date, YYYY-MM-DD.".to_owned();
    let (FieldValue::Date(text) | FieldValue::Text(text)) = value else {
        return Err(refused());
    };
    let text = text.trim();
    month_and_day(text).ok_or_else(refused)?;
    Ok(Value::from(text))
}

fn birthday(value: &FieldValue) -> Result<Value, String> {
    let refused = || "A birthday takes a month and a day, MM/DD.".to_owned();
    let (FieldValue::Date(text) | FieldValue::Text(text)) = value else {
        return Err(refused());
    };
    let text = text.trim();
    let (month, day) = match text.split_once('/') {
        Some((month, day)) => valid_day(month, day),
        None => month_and_day(text),
    }
    .ok_or_else(refused)?;
    Ok(Value::from(format!("{month:02}/{day:02}")))
}

/// Month and day of a `YYYY-MM-DD`.
fn month_and_day(text: &str) -> Option<(u8, u8)> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    is_year.then(|| valid_day(month, day)).flatten()
}

fn valid_day(month: &str, day: &str) -> Option<(u8, u8)> {
    let two_digits = |text: &str| -> Option<u8> {
        let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.parse().ok()).flatten()
    };
    let (month, day) = (two_digits(month)?, two_digits(day)?);
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=last).contains(&day).then_some((month, day))
}

/// An address goes whole or not at all (A4): without one of the parts that Mailchimp insists on it
/// would take the contact down with it (MC-20).
fn address(value: &FieldValue) -> Result<Value, String> {
    let FieldValue::Parts(parts) = value else {
        return Err("An address field takes an address made of parts.".to_owned());
    };
    let known = |name: &str| ADDRESS_PARTS.iter().any(|(part, ..)| *part == name);
    if let Some((name, _)) = parts.iter().find(|(name, _)| !known(name)) {
        return Err(format!("Mailchimp's addresses have no part `{name}`."));
    }
    let mut object = Map::new();
    let mut missing = Vec::new();
    for (part, remote, required) in ADDRESS_PARTS {
        let filled =
            parts.iter().find_map(|(name, text)| (name == part).then_some(text.trim())).filter(|text| !text.is_empty());
        match filled {
            Some(text) => {
                object.insert(remote.to_owned(), Value::from(text));
            }
            None if required => missing.push(part),
            None => {}
        }
    }
    if missing.is_empty() {
        Ok(Value::Object(object))
    } else {
        Err(format!(
            "The address lacks {}; Mailchimp takes it only with line1, city, state and zip.",
            missing.join(", ")
        ))
    }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
