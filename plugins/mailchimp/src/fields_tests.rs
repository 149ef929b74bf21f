use postroom_sdk::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{address_parts, rules, set};

fn convert(field: &str, value: FieldValue) -> Result<Value, String> {
    let (mut fields, left_out) = rules().convert(&[set(field, value)]);
    match left_out.into_iter().next() {
        Some(left_out) => {
            assert_eq!(left_out.field, field);
            Err(left_out.reason)
        }
        None => Ok(fields.remove(field).unwrap()),
    }
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

#[test]
fn a4_a_complete_address_goes_under_mailchimps_names() {
    let mut parts = address_parts();
    parts.push(("line2".to_owned(), " ".to_owned()));
    parts.push(("country".to_owned(), "CZ".to_owned()));
    let expected = json!({"addr1": "Dlouhá 1", "city": "Praha", "state": "-", "zip": "11000", "country": "CZ"});
    assert_eq!(convert("ADDRESS", FieldValue::Parts(parts)), Ok(expected));
}

#[test]
fn a4_an_incomplete_address_is_left_out_and_the_missing_parts_are_named() {
    for missing in ["line1", "city", "state", "zip"] {
        let mut parts = address_parts();
        for (part, value) in &mut parts {
            if part == missing {
                *value = "  ".to_owned();
            }
        }
        let reason = convert("ADDRESS", FieldValue::Parts(parts)).unwrap_err();
        assert!(reason.starts_with(&format!("The address lacks {missing};")), "{reason}");
    }
    assert!(convert("ADDRESS", text("Dlouhá 1")).is_err());
    let mut unknown = address_parts();
    unknown.push(("street".to_owned(), "x".to_owned()));
    assert!(convert("ADDRESS", FieldValue::Parts(unknown)).unwrap_err().contains("`street`"));
}

#[test]
fn mc_20_clearing_is_the_empty_text_for_every_kind() {
    let clear = |field: &str| FieldWrite { field: field.to_owned(), change: FieldChange::Clear };
    let (fields, left_out) = rules().convert(&[clear("ADDRESS"), clear("NIGHTS"), clear("FNAME")]);
    assert!(left_out.is_empty());
    assert!(fields.values().all(|value| value == ""));
    assert_eq!(fields.len(), 3);
}

#[test]
fn mc_22_a_birthday_is_month_and_day() {
    assert_eq!(convert("BIRTHDAY", FieldValue::Date("1980-02-29".to_owned())), Ok(json!("02/29")));
    assert_eq!(convert("BIRTHDAY", text("12/24")), Ok(json!("12/24")));
    for wrong in ["24/12", "02/30", "1980", "1/2", "00/10", "12/00", "x"] {
        assert!(convert("BIRTHDAY", text(wrong)).is_err(), "{wrong}");
    }
    assert!(convert("BIRTHDAY", FieldValue::Boolean(true)).is_err());
}

#[test]
fn mc_22_dates_and_numbers_are_checked() {
    assert_eq!(convert("ARRIVAL", FieldValue::Date("2026-11-22".to_owned())), Ok(json!("2026-11-22")));
    for wrong in ["22.11.2026", "2026-13-01", "26-01-01", "2026-04-31"] {
        assert!(convert("ARRIVAL", text(wrong)).is_err(), "{wrong}");
    }
    assert_eq!(convert("NIGHTS", FieldValue::Number("3".to_owned())), Ok(json!(3)));
    assert_eq!(convert("NIGHTS", text(" -12.5 ")), Ok(json!(-12.5)));
    // Digits that a floating-point number would lose stay digits.
    assert_eq!(
        convert("NIGHTS", FieldValue::Number("0.10000000000000000001".to_owned())),
        Ok(json!("0.10000000000000000001"))
    );
    assert!(convert("NIGHTS", text("three")).is_err());
    assert!(convert("NIGHTS", FieldValue::Boolean(true)).is_err());
}

#[test]
fn mc_22_a_choice_is_one_of_the_choices() {
    assert_eq!(convert("ROOM", text("Double")), Ok(json!("Double")));
    assert_eq!(convert("ROOM", text(" double ")), Ok(json!("Double")));
    assert_eq!(convert("ROOM", FieldValue::Choices(vec!["Single".to_owned()])), Ok(json!("Single")));
    let reason = convert("ROOM", text("Suite")).unwrap_err();
    assert!(reason.contains("Single, Double"), "{reason}");
    let both = FieldValue::Choices(vec!["Single".to_owned(), "Double".to_owned()]);
    assert!(convert("ROOM", both).is_err());
}

#[test]
fn texts_take_every_simple_value_up_to_their_length() {
    assert_eq!(convert("FNAME", FieldValue::Boolean(true)), Ok(json!("true")));
    assert_eq!(convert("FNAME", FieldValue::Choices(vec!["a".to_owned(), "b".to_owned()])), Ok(json!("a, b")));
    assert_eq!(convert("PHONE", FieldValue::Number("420777".to_owned())), Ok(json!("420777")));
    assert!(convert("FNAME", text(&"x".repeat(255))).is_ok());
    assert!(convert("FNAME", text(&"x".repeat(256))).unwrap_err().contains("256 bytes"));
    assert!(convert("FNAME", FieldValue::Parts(address_parts())).is_err());
    assert!(convert("SITE", FieldValue::Choices(vec!["a".to_owned(), "b".to_owned()])).is_err());
}

#[test]
fn an_unknown_merge_field_is_left_out_and_the_others_go() {
    let (fields, left_out) = rules().convert(&[set("NOSUCH", text("x")), set("FNAME", text("Jana"))]);
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["FNAME"]);
    assert_eq!(left_out.len(), 1);
    assert_eq!(left_out[0].field, "NOSUCH");
}
