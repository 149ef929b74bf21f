//! What a good file says, and what its rows become.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what its cases share")]

mod common;

use common::{File, contact_rows};
use encoding_rs::{WINDOWS_1250, WINDOWS_1251, WINDOWS_1257};
use postroom_domain::contact::{EntryFault, ImportedRow};
use postroom_domain::field::{FieldDefinition, FieldType, FieldValue};
use postroom_import::{Delimiter, Options, RejectedRow, Rejects, Row, rejects_path};

fn imported(file: &File, options: &Options) -> Vec<ImportedRow> {
    let examined = file.examine(options).unwrap();
    let rows = examined.rows().unwrap().map(|row| match row.unwrap() {
        Row::Imported(row) => row,
        Row::Rejected(row) => panic!("{row:?}"),
    });
    rows.collect()
}

fn changes(row: &ImportedRow) -> Vec<(String, Option<String>)> {
    let text = |value: &FieldValue| match value {
        FieldValue::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    row.patch.changes.iter().map(|(path, value)| (path.to_string(), value.as_ref().map(text))).collect()
}

fn field(name: &str, kind: FieldType, label: &str) -> FieldDefinition {
    FieldDefinition::new(name.parse().unwrap(), kind, label.to_owned())
}

fn some(path: &str, value: &str) -> (String, Option<String>) {
    (path.to_owned(), Some(value.to_owned()))
}

#[test]
fn d4_cells_are_typed_by_the_fields_of_the_workspace() {
    let file = File::new(
        "Guest ID;E-mail;Vorname;Geburtsdatum;Telefon;Straße;Ort;VIP\n\
         \u{a0}G-1 ; jana@example.com ;Jana;29.2.1980;+420 600 100 200;Dlouhá 5;Plzeň;x\n",
    );
    let options = Options { key: Some("Guest ID".to_owned()), ..Options::default() };
    let rows = imported(&file, &options);
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.line, row.external_id.as_deref()), (2, Some("G-1")));
    assert_eq!(row.address.as_ref().unwrap().as_str(), "jana@example.com");
    assert_eq!(row.raw[1], " jana@example.com ");
    assert!(row.left_out.is_empty());
    let birthday = field("birthday", FieldType::Date, "Date of birth").read("1980-02-29").unwrap().unwrap();
    assert_eq!(
        changes(row),
        [
            some("firstname", "Jana"),
            some("birthday", &format!("{birthday:?}")),
            some("phone", "+420600100200"),
            some("address.line1", "Dlouhá 5"),
            some("address.city", "Plzeň"),
        ]
    );
    let columns = file.examine(&options).unwrap().columns;
    let json = serde_json::to_value(&columns).unwrap();
    assert_eq!(json[0], serde_json::json!({"name": "Guest ID", "target": "external-id", "told_by": "operator"}));
    assert_eq!(json[1], serde_json::json!({"name": "E-mail", "target": "email", "told_by": "name"}));
    assert_eq!(json[7], serde_json::json!({"name": "VIP", "target": null, "told_by": "nobody"}));
}

#[test]
fn a_cell_that_does_not_fit_is_left_out_and_the_rest_of_the_row_goes() {
    let file = File::new("email,first name,birthday\na@example.com,Jana,soon\n");
    let row = &imported(&file, &Options::default())[0];
    assert_eq!(changes(row), [some("firstname", "Jana")]);
    assert_eq!(row.left_out[0].0.to_string(), "birthday");
    assert!(row.left_out[0].1.contains("`soon` is not a date"), "{}", row.left_out[0].1);
}

#[test]
fn an_empty_cell_says_nothing_unless_it_clears() {
    let file = File::new("email,first name,city,key\na@example.com,,\u{a0},\n");
    let keyed = Options { key: Some("key".to_owned()), ..Options::default() };
    let row = &imported(&file, &keyed)[0];
    assert_eq!((changes(row), row.external_id.as_deref()), (vec![], None));
    let row = &imported(&file, &Options { clear_empty: true, ..keyed })[0];
    assert_eq!(changes(row), [("firstname".to_owned(), None), ("address.city".to_owned(), None)]);
}

#[test]
fn a5_a_row_without_an_address_is_a_row_with_a_fault() {
    let file = File::new("name,email\nJana,\nPetr,petr(at)example.com\n");
    let rows = imported(&file, &Options::default());
    assert_eq!(rows[0].address, Err(EntryFault::NoAddress));
    assert_eq!(rows[1].address, Err(EntryFault::BadAddress("petr(at)example.com".to_owned())));
}

#[test]
fn the_operators_rules_win_over_what_the_names_suggest() {
    let file = File::new("E-mail,Mail,First name,Nick,Language\na@example.com,b@example.com,Jana,Janička,cs\n");
    let options = Options {
        email: Some("mail".to_owned()),
        map: [("nick", "firstname"), ("Language", "-")].map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec(),
        ..Options::default()
    };
    let row = &imported(&file, &options)[0];
    assert_eq!(row.address.as_ref().unwrap().as_str(), "b@example.com");
    assert_eq!(changes(row), [some("firstname", "Janička")]);
}

#[test]
fn a_field_of_the_workspace_is_suggested_by_its_name_and_its_label() {
    let file = File::new("email,Loyalty points,newsletter\na@example.com,120,yes\n");
    let definitions =
        [field("points", FieldType::Number, "Loyalty points"), field("newsletter", FieldType::Boolean, "Wants news")];
    let examined = postroom_import::examine(&file.path, &Options::default(), &definitions).unwrap();
    let targets: Vec<String> =
        examined.columns.iter().flat_map(|column| &column.target).map(ToString::to_string).collect();
    assert_eq!(targets, ["email", "points", "newsletter"]);
}

#[test]
fn the_column_of_addresses_is_known_by_its_cells_where_its_name_means_two_things() {
    let file = File::new("Jméno,Adresa\nJana,jana@example.com\nPetr,\n");
    assert_eq!(imported(&file, &Options::default())[0].address.as_ref().unwrap().as_str(), "jana@example.com");
}

#[test]
fn a_header_alone_is_a_file_without_rows() {
    for content in ["email", "\u{feff}email;name\r\n"] {
        let file = File::new(content);
        assert_eq!(file.examine(&Options::default()).unwrap().rows, 0);
        assert_eq!(imported(&file, &Options::default()), []);
    }
}

#[test]
fn blank_rows_are_no_rows_and_lines_are_counted_past_them() {
    let file = File::new("\r\nemail;note\r\n\r\na@example.com;\"one\r\ntwo\"\r\n;\r\n\r\nb@example.com;x\r\n;;\r\n");
    let examined = file.examine(&Options::default()).unwrap();
    assert_eq!((examined.rows, examined.blank, examined.ragged), (2, 2, 0));
    let rows = imported(&file, &Options::default());
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [4, 8]);
    assert_eq!(rows[0].raw[1], "one\ntwo");
}

#[test]
fn a_delimiter_at_the_end_of_each_line_is_no_column() {
    let file = File::new("email;name;\na@example.com;Jana;\n");
    let examined = file.examine(&Options::default()).unwrap();
    assert_eq!((examined.columns.len(), examined.ragged), (2, 0));
    assert_eq!(imported(&file, &Options::default())[0].raw, ["a@example.com", "Jana"]);
}

#[test]
fn the_delimiter_is_the_one_by_which_the_rows_agree() {
    for (content, delimiter) in [
        ("email,name\na@example.com,Jana\n", Delimiter::Comma),
        ("email;name\na@example.com;Nová, Jana\n", Delimiter::Semicolon),
        ("email\tname\na@example.com\tNová; Jana\n", Delimiter::Tab),
        ("email|name\na@example.com|Nová, Jana\n", Delimiter::Pipe),
        ("email,\"surname; first name\"\na@example.com,x\n", Delimiter::Comma),
        ("email;surname, first name\na@example.com;x\nb@example.com;y\n", Delimiter::Semicolon),
        ("sep=|\nemail|a;b;c\na@example.com|1;2;3\n", Delimiter::Pipe),
        ("\"sep=;\"\nemail;name\na@example.com;x\n", Delimiter::Semicolon),
        ("sep=\t\nemail\tname\na@example.com\tx\n", Delimiter::Tab),
        ("email\na@example.com\n", Delimiter::Comma),
    ] {
        let file = File::new(content);
        let examined = file.examine(&Options::default()).unwrap();
        assert_eq!(examined.delimiter, delimiter, "{content:?}");
        assert_eq!(imported(&file, &Options::default())[0].address.as_ref().unwrap().as_str(), "a@example.com");
    }
    let file = File::new("email;a,b\na@example.com;1,2\n");
    let named = Options { delimiter: Some(Delimiter::Semicolon), ..Options::default() };
    assert_eq!(file.examine(&named).unwrap().columns.len(), 2);
}

#[test]
fn the_encoding_is_detected_and_shown() {
    let czech = "Jméno;Příjmení;E-mail\nJiří;Dvořák;jiri@example.com\nBožena;Němcová;bozena@example.com\n";
    let russian = "Имя;Фамилия;Почта\nИван;Петров;ivan@example.com\nЮлия;Щербакова;julia@example.com\n";
    let estonian = "Eesnimi;Perekonnanimi;E-post\nJüri;Põld;juri@example.com\nŽanna;Šišova;zanna@example.com\n";
    let encoded = |text: &str, encoding: &'static encoding_rs::Encoding| encoding.encode(text).0.into_owned();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for (bytes, encoding, had_bom, guessed, first) in [
        (czech.as_bytes().to_vec(), "UTF-8", false, false, "Jiří"),
        (format!("\u{feff}{czech}").into_bytes(), "UTF-8", true, false, "Jiří"),
        (utf16(russian), "UTF-16BE", false, false, "Иван"),
        (utf16(&format!("\u{feff}{czech}")), "UTF-16BE", true, false, "Jiří"),
        (encoded(czech, WINDOWS_1250), "windows-1250", false, true, "Jiří"),
        (encoded(russian, WINDOWS_1251), "windows-1251", false, true, "Иван"),
        (encoded(estonian, WINDOWS_1257), "windows-1257", false, true, "Jüri"),
        (b"email,first name\na@example.com,Jana\n".to_vec(), "UTF-8", false, false, "Jana"),
    ] {
        let file = File::new(bytes);
        let examined = file.examine(&Options::default()).unwrap();
        assert_eq!((examined.encoding, examined.had_bom, examined.encoding_guessed), (encoding, had_bom, guessed));
        assert_eq!(changes(&imported(&file, &Options::default())[0])[0], some("firstname", first));
    }
}

#[test]
fn a_letter_that_comes_late_still_tells_the_encoding() {
    let mut text = "email,name\n".to_owned();
    text.push_str(&contact_rows(0..40_000));
    text.push_str("x@example.com,Jiří Dvořák z Ústí\n");
    let file = File::new(WINDOWS_1250.encode(&text).0);
    assert_eq!(file.examine(&Options::default()).unwrap().encoding, "windows-1250");
}

#[test]
fn the_rejects_file_names_line_and_reason_and_can_be_imported_once_mended() {
    let mut content = "email;name\n=cmd@example.com;+1;extra\n".to_owned();
    content.push_str(&contact_rows(0..2).replace(',', ";"));
    content.push_str("short@example.com\n");
    let file = File::new(content);
    let examined = file.examine(&Options::default()).unwrap();
    let path = rejects_path(&file.path);
    let mut rejects = Rejects::new(&path, &examined);
    for row in examined.rows().unwrap() {
        if let Row::Rejected(row) = row.unwrap() {
            rejects.write(&row).unwrap();
        }
    }
    assert_eq!((rejects.rows(), rejects.finish().unwrap().as_deref()), (2, Some(path.as_path())));
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        written,
        "\u{feff}line;reason;email;name\n\
         2;the row has 3 cells and the header 2: a delimiter inside a cell is not quoted;'=cmd@example.com;'+1;extra\n\
         5;the row has 1 cells and the header 2: a delimiter is missing, or a line break inside a cell is not quoted;short@example.com;\n"
    );
    std::fs::write(&path, written.replace(";extra", "")).unwrap();
    let mended = postroom_import::examine(&path, &Options::default(), &[]).unwrap();
    let rows: Vec<_> = mended.rows().unwrap().map(Result::unwrap).collect();
    let Row::Imported(first) = &rows[0] else { panic!("{rows:?}") };
    assert_eq!(first.address.as_ref().unwrap().as_str(), "=cmd@example.com");
}

#[test]
fn without_a_reject_there_is_no_rejects_file() {
    let file = File::new("email\na@example.com\n");
    let examined = file.examine(&Options::default()).unwrap();
    let path = rejects_path(&file.path);
    assert_eq!(Rejects::new(&path, &examined).finish().unwrap(), None);
    assert!(!path.exists());
    let nowhere = path.join("nowhere.csv");
    let row = RejectedRow { line: 1, reason: String::new(), raw: Vec::new() };
    let fault = Rejects::new(&nowhere, &examined).write(&row).unwrap_err();
    assert!(fault.to_string().contains("cannot be written"), "{fault}");
}

#[test]
fn another_thread_may_consume_the_rows() {
    let rows = {
        let file = File::new("email\na@example.com\n");
        let rows = file.examine(&Options::default()).unwrap().rows().unwrap();
        std::thread::spawn(move || rows.map(Result::unwrap).count())
    };
    assert_eq!(rows.join().unwrap(), 1);
}
