//! Which values a merge field takes (MC-20, MC-22).

use jiff::civil::Date;
use serde_json::Value;
use url::Url;

use super::switches::{CutOrRefuse, IgnoreOrRefuse, Switches};
use super::{MergeField, MergeFieldType};

/// Parts of an address that must be there and not empty.
const ADDRESS_PARTS: [&str; 4] = ["addr1", "city", "state", "zip"];
/// Parts of an address that may be there.
const ADDRESS_EXTRAS: [&str; 2] = ["addr2", "country"];
/// The provider's column width for text, in characters.
const TEXT_LENGTH: usize = 255;

/// An address that lacks a part.
pub(super) const INCOMPLETE_ADDRESS: &str = "Please enter a complete address";
/// A value of a shape the field does not have.
const NO_SCHEMA: &str = "Data did not match any of the schemas described in anyOf.";
/// A required field without a value.
pub(super) const MISSING: &str = "Please enter a value";

/// Checks `value` for `field`. `Ok(None)` means: leave the field as it is.
///
/// # Errors
/// The provider's sentence about the field.
pub(super) fn check(field: &MergeField, value: Value, switches: &Switches) -> Result<Option<Value>, String> {
    match &value {
        Value::Null => {
            return match switches.null_merge_value {
                IgnoreOrRefuse::Ignore => Ok(None),
                IgnoreOrRefuse::Refuse => Err("This value should not be null.".to_owned()),
            };
        }
        // The empty string erases, whatever the type.
        Value::String(text) if text.is_empty() => return Ok(Some(value)),
        Value::Bool(_) | Value::Array(_) => return Err(NO_SCHEMA.to_owned()),
        Value::Object(_) if field.kind != MergeFieldType::Address => {
            return Err(NO_SCHEMA.to_owned());
        }
        Value::String(_) | Value::Number(_) | Value::Object(_) => {}
    }
    match field.kind {
        MergeFieldType::Address => address(value).map(Some),
        MergeFieldType::Number => number(value).map(Some),
        MergeFieldType::Text => text(as_text(value), switches).map(Some),
        MergeFieldType::Phone
        | MergeFieldType::Date
        | MergeFieldType::Url
        | MergeFieldType::ImageUrl
        | MergeFieldType::Radio
        | MergeFieldType::Dropdown
        | MergeFieldType::Birthday
        | MergeFieldType::Zip => {
            let text = as_text(value);
            formatted(field, &text)?;
            Ok(Some(Value::String(text)))
        }
    }
}

/// Whether a stored value is an address that would be refused today (MC-21).
pub(super) fn is_incomplete_address(value: &Value) -> bool {
    value.is_object() && !is_complete(value)
}

/// Whether a stored value counts as missing for a required field.
pub(super) fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn is_complete(value: &Value) -> bool {
    ADDRESS_PARTS.iter().all(|part| value.get(part).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty()))
}

fn address(value: Value) -> Result<Value, String> {
    let Value::Object(map) = &value else {
        return Err(NO_SCHEMA.to_owned());
    };
    let known = |key: &String| ADDRESS_PARTS.contains(&key.as_str()) || ADDRESS_EXTRAS.contains(&key.as_str());
    if !map.keys().all(known) || !map.values().all(Value::is_string) {
        return Err(NO_SCHEMA.to_owned());
    }
    if is_complete(&value) { Ok(value) } else { Err(INCOMPLETE_ADDRESS.to_owned()) }
}

fn number(value: Value) -> Result<Value, String> {
    let refused = || "Please enter a number".to_owned();
    match value {
        Value::Number(_) => Ok(value),
        Value::String(text) => {
            let text = text.trim();
            if let Ok(whole) = text.parse::<i64>() {
                return Ok(Value::from(whole));
            }
            let real: f64 = text.parse().map_err(|_| refused())?;
            serde_json::Number::from_f64(real).map(Value::Number).ok_or_else(refused)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(refused()),
    }
}

fn text(text: String, switches: &Switches) -> Result<Value, String> {
    if text.len() <= TEXT_LENGTH || text.chars().count() <= TEXT_LENGTH {
        return Ok(Value::String(text));
    }
    match switches.long_text {
        CutOrRefuse::Cut => Ok(Value::String(text.chars().take(TEXT_LENGTH).collect())),
        CutOrRefuse::Refuse => Err(format!("This value is too long. It should have {TEXT_LENGTH} characters or less.")),
    }
}

fn formatted(field: &MergeField, text: &str) -> Result<(), String> {
    let format = field.options.date_format.as_deref();
    let (fits, message) = match field.kind {
        MergeFieldType::Birthday => (is_birthday(text), "Please enter a month (01-12) and a day (01-31)"),
        MergeFieldType::Date => (is_date(text, format), "Please enter the date"),
        MergeFieldType::Phone => (
            field.options.phone_format.as_deref() != Some("US") || is_us_phone(text),
            "Please enter a valid US phone number",
        ),
        MergeFieldType::Url | MergeFieldType::ImageUrl => (
            Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some()),
            "Please enter a valid URL",
        ),
        MergeFieldType::Zip => (
            text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit()),
            "Please enter a valid zip code (5 digits)",
        ),
        MergeFieldType::Radio | MergeFieldType::Dropdown => {
            if field.options.choices.iter().any(|choice| choice == text) {
                return Ok(());
            }
            return Err(format!("Value must be one of: {}", field.options.choices.join(", ")));
        }
        MergeFieldType::Text | MergeFieldType::Number | MergeFieldType::Address => (true, ""),
    };
    if fits { Ok(()) } else { Err(message.to_owned()) }
}

/// Reads `text` cut at `separator` into numbers of exactly the given widths.
fn parts<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i16; N]> {
    let mut numbers = [0; N];
    let mut pieces = text.split(separator);
    for (number, width) in numbers.iter_mut().zip(widths) {
        let piece = pieces.next()?;
        if piece.len() != width || !piece.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = piece.parse().ok()?;
    }
    pieces.next().is_none().then_some(numbers)
}

fn is_calendar_date(year: i16, month: i16, day: i16) -> bool {
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else {
        return false;
    };
    Date::new(year, month, day).is_ok()
}

fn is_birthday(text: &str) -> bool {
    // 2000 is a leap year: 02/29 is somebody's birthday.
    parts(text, '/', [2, 2]).is_some_and(|[month, day]| is_calendar_date(2000, month, day))
}

fn is_date(text: &str, format: Option<&str>) -> bool {
    if let Some([year, month, day]) = parts(text, '-', [4, 2, 2]) {
        return is_calendar_date(year, month, day);
    }
    match (parts(text, '/', [2, 2, 4]), format) {
        (Some([day, month, year]), Some("DD/MM/YYYY")) | (Some([month, day, year]), Some("MM/DD/YYYY")) => {
            is_calendar_date(year, month, day)
        }
        _ => false,
    }
}

fn is_us_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '+'));
    plain && (digits == 10 || (digits == 11 && text.trim_start_matches('+').starts_with('1')))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::NewMergeField;
    use super::*;

    fn field(kind: MergeFieldType) -> MergeField {
        let mut field = NewMergeField::plain("X", "X", kind).build(1, &[]).unwrap();
        field.options.choices = vec!["Yes".to_owned()];
        field.options.phone_format = Some("US".to_owned());
        field.options.date_format = Some("DD/MM/YYYY".to_owned());
        field
    }

    fn accepted(kind: MergeFieldType, value: Value) -> bool {
        check(&field(kind), value, &Switches::default()).is_ok()
    }

    #[test]
    fn mc_20_an_address_is_whole_or_refused() {
        let mut whole = json!({"addr1": "Main 1", "city": "Brno", "state": "JM", "zip": "60200"});
        assert!(accepted(MergeFieldType::Address, whole.clone()));
        assert!(accepted(MergeFieldType::Address, json!("")));
        whole["street"] = json!("Main 1");
        let other = check(&field(MergeFieldType::Address), whole, &Switches::default());
        assert_eq!(other.unwrap_err(), NO_SCHEMA);
        for part in ADDRESS_PARTS {
            let mut address = json!({"addr1": "Main 1", "city": "Brno", "state": "JM", "zip": "60200"});
            address[part] = json!(" ");
            let refused = check(&field(MergeFieldType::Address), address, &Switches::default());
            assert_eq!(refused.unwrap_err(), INCOMPLETE_ADDRESS);
        }
    }

    #[test]
    fn mc_22_each_type_has_its_form() {
        use MergeFieldType as T;
        for (kind, good, bad) in [
            (T::Birthday, json!("02/29"), json!("2024-02-29")),
            (T::Birthday, json!("12/31"), json!("31/12")),
            (T::Birthday, json!("01/01"), json!("1/1")),
            (T::Number, json!("42.5"), json!("forty")),
            (T::Number, json!(42), json!(true)),
            (T::Dropdown, json!("Yes"), json!("yes")),
            (T::Date, json!("2024-02-29"), json!("2023-02-29")),
            (T::Date, json!("31/12/2024"), json!("12/31/2024")),
            (T::Phone, json!("(212) 555-0100"), json!("+420 777 123 456")),
            (T::Url, json!("https://example.com/x"), json!("example.com")),
            (T::Zip, json!("10001"), json!("602 00")),
            (T::Text, json!(7), json!({"a": 1})),
            (T::Text, json!("x".repeat(255)), json!("x".repeat(256))),
        ] {
            assert!(accepted(kind, good.clone()), "{kind:?} {good}");
            assert!(!accepted(kind, bad.clone()), "{kind:?} {bad}");
        }
    }
}
