//! What is exported and imported again is the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what its cases share")]

use std::fs;

use jiff::Timestamp;
use postroom_domain::claim::ClaimedAct;
use postroom_domain::consent::ConsentState;
use postroom_domain::contact::ImportedRow;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{
    Address, AddressPart, Choice, FieldDefinition, FieldName, FieldType, FieldValue, Fields, standard_fields,
};
use postroom_export::{ContactRow, Exporter, Format};
use postroom_import::{Delimiter, Options, Row, examine};
use proptest::prelude::*;

/// A contact that a file is to hold.
#[derive(Debug, Clone)]
struct Contact {
    external_id: Option<String>,
    fields: Fields,
    tags: Vec<String>,
    consent: ConsentState,
}

const STATES: [ConsentState; 5] = [
    ConsentState::Unknown,
    ConsentState::Pending,
    ConsentState::Granted,
    ConsentState::Withdrawn,
    ConsentState::Unusable,
];

/// The standard fields, one of each other type, and names that could be taken for other columns.
fn definitions() -> Vec<FieldDefinition> {
    let field = |name: &str, kind| FieldDefinition::new(name.parse().unwrap(), kind, name.to_owned());
    let mut all = standard_fields();
    all.extend([
        field("points", FieldType::Decimal),
        field("seen", FieldType::DateTime),
        field("mobile", FieldType::Text),
        field("vip", FieldType::Boolean),
        field("billing", FieldType::Address),
        field("email", FieldType::Text),
        field("tags", FieldType::Text),
        field("consent", FieldType::Text),
        field("lists", FieldType::Text),
    ]);
    let mut rooms = field("rooms", FieldType::MultipleChoice);
    rooms.choices = ["single", "suite 7", "loft"].map(|choice| Choice::new(choice, choice)).to_vec();
    all.push(rooms);
    all
}

/// Values that files and spreadsheets take for something else.
fn nasty() -> impl Strategy<Value = String> {
    let starts = ["", "'", "''", "=", "+", "-", "@", "\t", "\r", " =", "'=", "＝", "0", "\u{feff}", "\u{3}"];
    let bodies = "[a-zA-Z0-9'\"=+\\-@,;|\t\n {}\\[\\]\\\\\u{a0}\u{200b}\u{3}\u{1b}ěščřÄßабв漢字🦀]{0,14}";
    let wholes = [
        "=HYPERLINK(\"http://example.com\",\"x\")",
        "=cmd|' /C calc'!A0",
        "+420 600 100 200",
        "-12.50",
        "007",
        "12345678901234567890",
        "1e10",
        "2026-11-22",
        "null",
        "{\"a\":1}",
        "sep=;",
        "a\nb\n\"c\"",
    ];
    prop_oneof![
        3 => (prop::sample::select(starts.to_vec()), bodies).prop_map(|(start, body)| format!("{start}{body}")),
        1 => prop::sample::select(wholes.to_vec()).prop_map(str::to_owned),
    ]
}

/// A text as a contact holds it: the one way in trims it.
fn text() -> impl Strategy<Value = Option<String>> {
    nasty().prop_map(|text| match FieldType::Text.read(&text) {
        Ok(Some(FieldValue::Text(text))) => Some(text),
        _ => None,
    })
}

fn address() -> impl Strategy<Value = Option<FieldValue>> {
    prop::collection::vec(text(), AddressPart::ALL.len()).prop_map(|texts| {
        let parts = AddressPart::ALL.into_iter().zip(texts).filter_map(|(part, text)| Some((part, text?)));
        let address = Address(parts.collect());
        (!address.0.is_empty()).then_some(FieldValue::Address { address })
    })
}

fn read(kind: FieldType, texts: &'static str) -> impl Strategy<Value = Option<FieldValue>> {
    texts.prop_map(move |text| kind.read(&text).unwrap_or_default())
}

/// A value of one of the fields, read from texts of this form.
fn by_definition(name: &'static str, texts: &'static str) -> impl Strategy<Value = Option<FieldValue>> {
    let definition = definitions().into_iter().find(|field| field.name.as_str() == name).unwrap();
    texts.prop_map(move |text| definition.read(&text).unwrap())
}

fn contact() -> impl Strategy<Value = Contact> {
    let texts = prop::collection::vec(text(), 8);
    let typed = (
        read(FieldType::Date, "(19|20)[0-9]{2}-0[1-9]-[012][1-9]"),
        read(FieldType::Decimal, "-?[0-9]{1,25}(\\.[0-9]{1,9})?"),
        read(FieldType::Boolean, "(yes|no|)"),
        address(),
        address(),
        by_definition("phone", "\\+37255[0-9]{6}"),
        by_definition("language", "(de|pt-BR|)"),
        by_definition("kind", "(lead|account|)"),
        by_definition("rooms", "((single|suite 7)(;loft)?)?"),
        by_definition("seen", "20[0-9]{2}-0[1-9]-1[0-9]T0[0-9]:30:00Z"),
    );
    let tags = prop::collection::btree_set(text(), 0..4);
    (texts, typed, tags, text(), prop::sample::select(STATES.to_vec())).prop_map(
        |(
            texts,
            (birthday, points, vip, address, billing, phone, language, kind, rooms, seen),
            tags,
            external_id,
            consent,
        )| {
            let names = ["firstname", "lastname", "company", "mobile", "email", "tags", "consent", "lists"];
            let texts = names.into_iter().zip(texts.into_iter().map(|text| text.map(FieldValue::Text)));
            let typed = [
                ("birthday", birthday),
                ("points", points),
                ("vip", vip),
                ("address", address),
                ("billing", billing),
                ("phone", phone),
                ("language", language),
                ("kind", kind),
                ("rooms", rooms),
                ("seen", seen),
            ];
            let fields = texts.chain(typed).filter_map(|(name, value)| Some((name.parse().unwrap(), value?)));
            Contact { external_id, fields: fields.collect(), tags: tags.into_iter().flatten().collect(), consent }
        },
    )
}

fn formats() -> Vec<Format> {
    let tables = Delimiter::ALL.map(|delimiter| [false, true].map(|bom| Format::Csv { delimiter, bom }));
    tables.into_iter().flatten().chain([Format::Tsv, Format::JsonLines]).collect()
}

fn email(number: usize) -> EmailAddress {
    EmailAddress::parse(&format!("guest{number}@example.com")).unwrap()
}

fn export(format: Format, contacts: &[Contact]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut exporter = Exporter::begin(&mut bytes, format, &definitions()).unwrap();
    let lists = ["Spring, \"2026\"".to_owned()];
    for (number, contact) in contacts.iter().enumerate() {
        let row = ContactRow {
            email: &email(number),
            external_id: contact.external_id.as_deref(),
            fields: &contact.fields,
            tags: &contact.tags,
            lists: &lists,
            consent: contact.consent,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        exporter.write(&row).unwrap();
    }
    assert_eq!(exporter.finish().unwrap(), contacts.len() as u64);
    bytes
}

fn import(bytes: &[u8]) -> Vec<ImportedRow> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contacts");
    fs::write(&path, bytes).unwrap();
    let examined = examine(&path, &Options::default(), &definitions()).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(examined.known.map(|known| known.id), Some("postroom"));
    let rows = examined.rows().unwrap().map(|row| match row.unwrap() {
        Row::Imported(row) => row,
        Row::Rejected(row) => panic!("{row:?}"),
    });
    rows.collect()
}

/// A text as a table can hold it.
fn in_table(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// What a contact is after its way through a file.
fn through(format: Format, contact: &Contact) -> Contact {
    if format == Format::JsonLines {
        return contact.clone();
    }
    let mut contact = contact.clone();
    for value in contact.fields.values_mut() {
        match value {
            FieldValue::Text(text) => *text = in_table(text),
            FieldValue::Address { address } => address.0.values_mut().for_each(|text| *text = in_table(text)),
            _ => {}
        }
    }
    contact.tags.iter_mut().for_each(|tag| *tag = in_table(tag));
    contact.external_id = contact.external_id.as_deref().map(in_table);
    contact
}

fn assert_same(format: Format, contacts: &[Contact], rows: &[ImportedRow]) {
    assert_eq!(rows.len(), contacts.len());
    for (number, (contact, row)) in contacts.iter().zip(rows).enumerate() {
        let expected = through(format, contact);
        let mut fields = Fields::new();
        row.patch.apply(&mut fields);
        assert_eq!(row.left_out, [], "{format:?}");
        assert_eq!(fields, expected.fields, "{format:?}");
        assert_eq!(row.address.as_ref().unwrap(), &email(number));
        assert_eq!(row.external_id, expected.external_id, "{format:?}");
        assert_eq!(row.tags, expected.tags, "{format:?}");
        let claimed = match contact.consent {
            ConsentState::Granted => Some(ClaimedAct::Granted),
            ConsentState::Withdrawn => Some(ClaimedAct::Withdrawn),
            ConsentState::Unusable => Some(ClaimedAct::Bounced),
            ConsentState::Unknown | ConsentState::Pending => Some(ClaimedAct::NotGranted),
        };
        assert_eq!(row.claim.as_ref().map(|claim| claim.act), claimed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn contacts_come_back_the_same(contacts in prop::collection::vec(contact(), 0..6)) {
        for format in formats() {
            // JSON Lines without a line is an empty file, which is refused.
            if format == Format::JsonLines && contacts.is_empty() {
                continue;
            }
            assert_same(format, &contacts, &import(&export(format, &contacts)));
        }
    }

    #[test]
    fn no_cell_of_a_table_acts_as_a_formula(contacts in prop::collection::vec(contact(), 1..4)) {
        for format in formats().into_iter().filter(|format| *format != Format::JsonLines) {
            let delimiter = match format {
                Format::Csv { delimiter, .. } => delimiter.byte(),
                _ => b'\t',
            };
            let bytes = export(format, &contacts);
            let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes.as_slice());
            for cell in reader.records().map(Result::unwrap).flat_map(|record| {
                record.iter().map(str::to_owned).collect::<Vec<_>>()
            }) {
                let runs = cell.trim_start_matches(' ').starts_with(['=', '+', '-', '@', '\t', '\r']);
                let is_number = cell.strip_prefix('-').is_some_and(|digits| digits.parse::<f64>().is_ok()
                    && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
                prop_assert!(!runs || is_number, "{:?}", cell);
            }
        }
    }
}

#[test]
fn a_table_looks_as_people_expect_it() {
    let name = |text: &str| text.parse::<FieldName>().unwrap();
    let text = |text: &str| FieldValue::Text(text.to_owned());
    let fields = Fields::from([
        (name("firstname"), text("Jana")),
        (name("phone"), text("+420 600 100 200")),
        (name("points"), FieldValue::Number { number: "-12.5".to_owned() }),
        (name("address"), FieldValue::Address { address: Address([(AddressPart::Zip, "01234".to_owned())].into()) }),
        (name("gone"), text("has no definition any more")),
    ]);
    let definitions: Vec<FieldDefinition> = definitions()
        .into_iter()
        .filter(|definition| ["firstname", "phone", "points", "address"].contains(&definition.name.as_str()))
        .collect();
    let row = ContactRow {
        email: &EmailAddress::parse("jana@example.com").unwrap(),
        external_id: None,
        fields: &fields,
        tags: &["vip".to_owned(), "Tartu, EE".to_owned()],
        lists: &["Guests".to_owned()],
        consent: ConsentState::Granted,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    };
    let written = |format| {
        let mut bytes = Vec::new();
        let mut exporter = Exporter::begin(&mut bytes, format, &definitions).unwrap();
        exporter.write(&row).unwrap();
        exporter.finish().unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let header = "e-mail;external-id;firstname;phone;address.line1;address.line2;address.city;address.state;address.zip;\
        address.country;points;contact-tags;on-lists;consent-state;created-at;updated-at";
    let cells = "jana@example.com;;Jana;'+420 600 100 200;;;;;01234;;-12.5;\"vip, \"\"Tartu, EE\"\"\";Guests;granted;\
        1970-01-01T00:00:00Z;1970-01-01T00:00:00Z";
    assert_eq!(
        written(Format::Csv { delimiter: Delimiter::Semicolon, bom: true }),
        format!("\u{feff}{header}\n{cells}\n")
    );
    assert_eq!(
        written(Format::JsonLines),
        "{\"e-mail\":\"jana@example.com\",\"firstname\":\"Jana\",\"phone\":\"+420 600 100 200\",\
         \"address\":{\"zip\":\"01234\"},\"points\":-12.5,\"contact-tags\":[\"vip\",\"Tartu, EE\"],\
         \"on-lists\":[\"Guests\"],\"consent-state\":\"granted\",\"created-at\":\"1970-01-01T00:00:00Z\",\
         \"updated-at\":\"1970-01-01T00:00:00Z\"}\n"
    );
}

#[test]
fn a_table_without_contacts_is_a_header_that_can_be_read() {
    assert!(import(&export(Format::CSV, &[])).is_empty());
    assert_eq!(export(Format::JsonLines, &[]), b"");
}

#[test]
fn a_disk_that_is_full_is_a_fault_and_not_a_short_file() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let exporter = Exporter::begin(Full, Format::CSV, &definitions()).unwrap();
    let fault = exporter.finish().unwrap_err();
    assert!(fault.to_string().starts_with("the export cannot be written"), "{fault}");
    assert!("xlsx".parse::<Format>().unwrap_err().to_string().contains("csv, tsv or jsonl"));
}
