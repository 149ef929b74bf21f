use super::*;

fn field(kind: FieldType) -> FieldDefinition {
    FieldDefinition::new("points".parse().unwrap(), kind, "Points".to_owned())
}

fn read(kind: FieldType, text: &str) -> Result<Option<FieldValue>, FieldFault> {
    field(kind).read(text)
}

fn reads_as(kind: FieldType, text: &str, expected: &str) {
    let value = read(kind, text).unwrap_or_else(|fault| panic!("{fault}")).unwrap();
    assert_eq!(value.as_line(), expected, "{kind}: {text}");
    assert_eq!(read(kind, expected).unwrap(), Some(value), "{kind}: what was read reads as itself");
}

fn refused(kind: FieldType, texts: &[&str]) {
    for text in texts {
        let fault = read(kind, text).unwrap_err().to_string();
        assert!(fault.contains(kind.as_str()) && fault.contains(": "), "{fault}");
    }
}

#[test]
fn d4_names_are_letters_only() {
    assert!("firstname".parse::<FieldName>().is_ok());
    for name in ["", "First", "first name", "field1", "přijmení"] {
        assert!(name.parse::<FieldName>().is_err(), "{name}");
    }
}

#[test]
fn d4_a_phone_number_is_no_number() {
    refused(FieldType::Number, &["+372 5555", "+3725555", "12.5", "1e3", "--1", "1 000"]);
    reads_as(FieldType::Number, "-007", "-7");
    reads_as(FieldType::Number, "-0", "0");
    refused(FieldType::Decimal, &["+372 5555", "1,5", ".5", "5."]);
    reads_as(FieldType::Decimal, "-007.50", "-7.5");
    reads_as(FieldType::Decimal, "0.0", "0");
}

#[test]
fn dates_come_in_three_spellings_and_never_month_first() {
    for text in ["2024-02-29", "29.2.2024", "29. 2. 2024", "29/02/2024", "2024-02-29 00:00:00"] {
        reads_as(FieldType::Date, text, "2024-02-29");
    }
    refused(FieldType::Date, &["02/29/2024", "31.2.2024", "yesterday", "29.2.24"]);
}

#[test]
fn moments_without_an_offset_are_in_utc() {
    for text in ["2024-02-29T12:30:00Z", "2024-02-29T13:30:00+01:00", "2024-02-29 12:30", "29.2.2024 12:30:00"] {
        reads_as(FieldType::DateTime, text, "2024-02-29T12:30:00Z");
    }
    reads_as(FieldType::DateTime, "29/02/2024", "2024-02-29T00:00:00Z");
    refused(FieldType::DateTime, &["noon", "2024-02-30 12:00", "2024-02-29 25:00"]);
}

#[test]
fn phone_numbers_name_their_country() {
    for text in ["+372 555 12345", "00372 55512345", "+372-555-12345", "+372 (555) 12345"] {
        reads_as(FieldType::Phone, text, "+37255512345");
    }
    reads_as(FieldType::Phone, "+33 6 39 98 01 99", "+33639980199");
    refused(FieldType::Phone, &["555 12345", "0171 234567", "+999 12345678", "+372", "call me"]);
}

#[test]
fn a_number_as_it_is_dialled_at_home_is_completed_where_somebody_says_whose_it_is() {
    let czech: PhoneCountry = "CZ".parse().unwrap();
    for text in ["603 123 456", "603123456", " 603-123-456 "] {
        assert_eq!(czech.completed(text).as_deref(), Some("+420603123456"), "{text}");
    }
    let british: PhoneCountry = "United Kingdom of Great Britain and Northern Ireland".parse().unwrap();
    assert_eq!(
        (british.to_string(), british.completed("07911 123456")),
        ("GB".to_owned(), Some("+447911123456".to_owned()))
    );
    for text in ["+49 171 2345678", "0049 171 2345678", "12", "call me", ""] {
        assert_eq!(czech.completed(text), None, "{text}");
    }
    assert!("Atlantis".parse::<PhoneCountry>().unwrap_err().contains("two-letter code"));
}

#[test]
fn what_the_world_has_a_register_for_has_one_spelling() {
    for text in ["EE", "ee", "EST", "Estonia", "estonia"] {
        reads_as(FieldType::Country, text, "EE");
    }
    refused(FieldType::Country, &["XX", "Eesti Vabariik", "E"]);
    for text in ["de", "DE", "German", "Deutsch"] {
        reads_as(FieldType::Language, text, "de");
    }
    reads_as(FieldType::Language, "pt_br", "pt-BR");
    reads_as(FieldType::Language, "zh-hant", "zh-Hant");
    refused(FieldType::Language, &["klingonese", "xx", "12"]);
    reads_as(FieldType::TimeZone, "europe/tallinn", "Europe/Tallinn");
    refused(FieldType::TimeZone, &["Tallinn", "+02:00", "Mars/Base"]);
    reads_as(FieldType::Url, "https://example.com/a?b=c", "https://example.com/a?b=c");
    refused(FieldType::Url, &["example.com", "ftp://example.com", "javascript:alert(1)", "https://"]);
}

#[test]
fn texts_have_a_length() {
    let long = "a".repeat(MAX_TEXT_CHARS + 1);
    assert!(read(FieldType::Text, &long).is_err());
    assert!(read(FieldType::LongText, &long).unwrap().is_some());
    assert!(read(FieldType::LongText, &"a".repeat(MAX_LONG_TEXT_CHARS + 1)).is_err());
    for kind in FieldType::ALL {
        assert_eq!(read(kind, "  ").unwrap(), None, "{kind}");
    }
}

fn with_choices(kind: FieldType) -> FieldDefinition {
    let label = |value: &str, language: Option<&str>, label: &str| FieldChange::LabelChoice {
        value: value.to_owned(),
        language: language.map(str::to_owned),
        label: label.to_owned(),
    };
    let add = |value: &str| FieldChange::AddChoice(value.to_owned());
    [add("guest"), add("vip"), add("staff"), label("guest", None, "Hotel guest"), label("guest", Some("DE"), "Gast")]
        .iter()
        .try_fold(field(kind), FieldDefinition::changed)
        .unwrap()
}

#[test]
fn d4_a_choice_is_written_as_its_value_or_any_of_its_labels() {
    let kind = with_choices(FieldType::SingleChoice);
    for text in ["guest", " GUEST ", "hotel guest", "Gast"] {
        assert_eq!(kind.read(text).unwrap(), Some(FieldValue::Text("guest".to_owned())), "{text}");
    }
    let fault = kind.read("king").unwrap_err().to_string();
    assert_eq!(fault, "`king` is not a choice of `points`: use guest, vip, staff");
    assert_eq!(kind.choices[0].words(Some("de")), "Gast");
    assert_eq!(kind.choices[0].words(Some("fr")), "Hotel guest");
    assert_eq!(kind.choices[1].words(None), "vip");
}

#[test]
fn d4_several_choices_stand_in_the_order_of_the_field() {
    let kinds = with_choices(FieldType::MultipleChoice);
    let expected = FieldValue::Choices { choices: vec!["guest".to_owned(), "staff".to_owned()] };
    for text in ["staff; Gast", "guest,staff", "guest|staff|guest"] {
        assert_eq!(kinds.read(text).unwrap(), Some(expected.clone()), "{text}");
    }
    assert_eq!(kinds.read(" ; ").unwrap(), None);
    assert!(kinds.read("guest;king").unwrap_err().to_string().contains("`king`"));
}

#[test]
fn d4_a_removed_choice_takes_no_new_contacts_and_can_come_back() {
    let removed = with_choices(FieldType::SingleChoice).changed(&FieldChange::RemoveChoice("vip".to_owned())).unwrap();
    assert!(removed.read("vip").unwrap_err().to_string().contains("it was removed"));
    assert!(removed.read("king").unwrap_err().to_string().ends_with("use guest, staff"));
    let back = removed.changed(&FieldChange::AddChoice("VIP".to_owned())).unwrap();
    assert_eq!(back.read("vip").unwrap(), Some(FieldValue::Text("vip".to_owned())));
    assert_eq!(back.choices.len(), 3, "it has its old place");
}

#[test]
fn d4_a_choice_under_another_value_is_still_meant_by_the_old_one() {
    let renamed = with_choices(FieldType::SingleChoice).with_choice_renamed("VIP", " gold ").unwrap();
    for text in ["gold", "vip", "VIP"] {
        assert_eq!(renamed.read(text).unwrap(), Some(FieldValue::Text("gold".to_owned())), "{text}");
    }
    let values: Vec<_> = renamed.choices.iter().map(|choice| choice.value.as_str()).collect();
    assert_eq!(values, ["guest", "gold", "staff"], "it keeps its place");
    assert!(renamed.read("king").unwrap_err().to_string().ends_with("use guest, gold, staff"));
    let own = renamed.clone().changed(&FieldChange::AddChoice("vip".to_owned())).unwrap();
    assert_eq!(own.read("vip").unwrap(), Some(FieldValue::Text("vip".to_owned())), "a choice of its own comes first");
    let back = renamed.clone().with_choice_renamed("gold", "vip").unwrap();
    assert_eq!(back.read("gold").unwrap(), Some(FieldValue::Text("vip".to_owned())));
    assert_eq!(back.choices[1].former, ["gold"]);
    let capitals = renamed.clone().with_choice_renamed("gold", "Gold").unwrap();
    assert_eq!((capitals.choices[1].value.as_str(), capitals.choices[1].former.len()), ("Gold", 1));
    for (value, to, why) in [
        ("gold", "Staff", "has the choice `staff` already"),
        ("gold", "a;b", "can't be a choice"),
        ("king", "queen", "use guest, gold, staff"),
    ] {
        let fault = renamed.clone().with_choice_renamed(value, to).unwrap_err().to_string();
        assert!(fault.contains(why), "{fault}");
    }
    assert!(field(FieldType::Text).with_choice_renamed("a", "b").unwrap_err().to_string().contains("has no choices"));
}

#[test]
fn d4_a_value_follows_its_choice() {
    let several = |choices: &[&str]| FieldValue::Choices { choices: choices.iter().map(|&c| c.to_owned()).collect() };
    let text = |text: &str| FieldValue::Text(text.to_owned());
    assert_eq!(text("vip").with_choice_renamed("vip", "gold"), Some(text("gold")));
    assert_eq!(text("staff").with_choice_renamed("vip", "gold"), None);
    assert_eq!(several(&["a", "vip"]).with_choice_renamed("vip", "gold"), Some(several(&["a", "gold"])));
    assert_eq!(several(&["a"]).with_choice_renamed("vip", "gold"), None);
}

#[test]
fn d4_choices_can_be_ordered_and_not_doubled() {
    let field = with_choices(FieldType::SingleChoice);
    let ordered = field.clone().changed(&FieldChange::OrderChoices(vec!["staff".into(), "vip".into()])).unwrap();
    let values: Vec<_> = ordered.choices.iter().map(|choice| choice.value.as_str()).collect();
    assert_eq!(values, ["staff", "vip", "guest"]);
    for change in [
        FieldChange::AddChoice("Guest".to_owned()),
        FieldChange::AddChoice("a;b".to_owned()),
        FieldChange::AddChoice("  ".to_owned()),
        FieldChange::RemoveChoice("king".to_owned()),
        FieldChange::OrderChoices(vec!["king".to_owned()]),
        FieldChange::Label(" ".to_owned()),
    ] {
        assert!(field.clone().changed(&change).is_err(), "{change:?}");
    }
    let text = FieldDefinition::new("notes".parse().unwrap(), FieldType::Text, "Notes".to_owned());
    let fault = text.changed(&FieldChange::AddChoice("a".to_owned())).unwrap_err().to_string();
    assert!(fault.contains("`notes` is a text and has no choices"), "{fault}");
}

#[test]
fn a_stored_value_tells_what_it_is() {
    let mut address = Address::default();
    address.0.insert(AddressPart::City, "Tartu".into());
    for value in [
        FieldValue::Text("2024-02-29".into()),
        FieldValue::Boolean(true),
        FieldValue::Number { number: "12.5".into() },
        FieldValue::Date { date: jiff::civil::date(1980, 2, 29) },
        FieldValue::DateTime { datetime: jiff::Timestamp::UNIX_EPOCH },
        FieldValue::Choices { choices: vec!["a".into(), "b".into()] },
        FieldValue::Address { address },
    ] {
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<FieldValue>(&json).unwrap(), value, "{json}");
    }
}

#[test]
fn the_standard_fields_have_legal_names_and_kinds_of_record() {
    let fields = standard_fields();
    for field in &fields {
        assert!(field.name.as_str().parse::<FieldName>().is_ok());
        assert_eq!(field.kind.has_choices(), !field.choices.is_empty());
    }
    let kind = fields.iter().find(|field| field.name.as_str() == "kind").unwrap();
    assert_eq!(kind.read("lead").unwrap(), Some(FieldValue::Text("lead".to_owned())));
}
