//! JSON Lines, read like a table.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what its cases share")]

mod common;

use common::{File, changes, imported, sentence};
use postroom_domain::field::{FieldDefinition, FieldType};
use postroom_import::{Delimiter, FileKind, Options, Rejects, Row, rejects_path};

#[test]
fn objects_are_rows_and_their_keys_are_columns() {
    let file = File::new(
        "{\"email\":\"jana@example.com\",\"firstname\":\" Jana \",\"address\":{\"city\":\"Plzeň\",\"zip\":\"01234\"}}\n\
         \n\
         {\"birthday\":\"1980-02-29\",\"email\":\"petr@example.com\",\"lastname\":\"=Novák\"}\r\n",
    );
    let examined = file.examine(&Options::default()).unwrap();
    assert_eq!((examined.kind, examined.delimiter), (FileKind::JsonLines, Delimiter::Comma));
    assert_eq!((examined.rows, examined.ragged, examined.blank), (2, 0, 1));
    let names: Vec<&str> = examined.column_names().collect();
    assert_eq!(names, ["email", "firstname", "address.city", "address.zip", "birthday", "lastname"]);
    let rows = imported(&file, &Options::default());
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(changes(&rows[0]), ["firstname=Jana", "address.city=Plzeň", "address.zip=01234"]);
    assert_eq!(rows[0].raw, ["jana@example.com", " Jana ", "Plzeň", "01234", "", ""]);
    assert_eq!(changes(&rows[1])[1], "lastname==Novák");
}

#[test]
fn an_apostrophe_before_a_formula_is_part_of_the_value() {
    let file = File::new("{\"email\":\"a@example.com\",\"firstname\":\"'=1\"}\n");
    assert_eq!(changes(&imported(&file, &Options::default())[0]), ["firstname='=1"]);
}

#[test]
fn a_key_that_is_missing_says_nothing_and_null_empties() {
    let file = File::new("{\"email\":\"a@example.com\",\"firstname\":null}\n{\"email\":\"b@example.com\"}\n");
    let rows = imported(&file, &Options { clear_empty: true, ..Options::default() });
    assert_eq!(changes(&rows[0]), ["firstname cleared"]);
    assert!(changes(&rows[1]).is_empty());
    assert!(changes(&imported(&file, &Options::default())[0]).is_empty());
}

#[test]
fn numbers_keep_their_text_and_lists_are_tags() {
    let file =
        File::new("{\"email\":\"a@example.com\",\"points\":12345678901234567890.50,\"t\":[\"vip\",\"Tartu, EE\"]}\n");
    let definition = FieldDefinition::new("points".parse().unwrap(), FieldType::Decimal, "Loyalty points".to_owned());
    let options = Options { map: vec![("t".to_owned(), "tags".to_owned())], ..Options::default() };
    let examined = postroom_import::examine(&file.path, &options, &[definition]).unwrap();
    let Some(Ok(Row::Imported(row))) = examined.rows().unwrap().next() else { panic!("no row") };
    assert_eq!(changes(&row), ["points=12345678901234567890.5"]);
    assert_eq!(row.tags, ["vip", "Tartu, EE"]);
}

#[test]
fn a_bad_line_is_rejected_with_its_number_and_its_text() {
    let mut content = String::new();
    for number in 0..40 {
        content.push_str(&format!("{{\"email\":\"guest{number}@example.com\",\"firstname\":\"=1\"}}\n"));
    }
    content.push_str("{\"email\":\"broken@example.com\"\n=cmd\n");
    let file = File::new(content);
    let examined = file.examine(&Options::default()).unwrap();
    assert_eq!((examined.rows, examined.ragged), (42, 2));
    let path = rejects_path(&file.path);
    let mut rejects = Rejects::new(&path, &examined);
    for row in examined.rows().unwrap() {
        if let Row::Rejected(row) = row.unwrap() {
            rejects.write(&row).unwrap();
        }
    }
    rejects.finish().unwrap();
    let written = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines[0], "\u{feff}line,reason,email,firstname,line as it stood");
    assert!(lines[1].starts_with("41,\"the object ends in the middle:"), "{}", lines[1]);
    assert!(lines[1].ends_with(",,,\"{\"\"email\"\":\"\"broken@example.com\"\"\""), "{}", lines[1]);
    assert!(lines[2].ends_with(",,,'=cmd"), "{}", lines[2]);
}

#[test]
fn json_that_is_not_one_object_a_line_is_refused() {
    for (content, kind) in [
        ("[{\"email\":\"a@example.com\"}]", "a JSON array"),
        ("{\n  \"email\": \"a@example.com\"\n}\n", "JSON over several lines"),
    ] {
        let sentence = sentence(content, &Options::default());
        assert!(sentence.starts_with(&format!("guests.csv is {kind}")) && sentence.contains("jq -c"), "{sentence}");
    }
    let half = sentence("{\"email\":\"a@example.com\"}\nx\ny\n", &Options::default());
    assert!(half.starts_with("guests.csv: 2 of 3 lines are no JSON objects that can be read"), "{half}");
    assert!(half.contains("the first are lines 2, 3. The first of them: the line is no JSON object"), "{half}");
    let keyless = sentence("{\"name\":\"Jana\"}\n", &Options::default());
    assert!(keyless.contains("none of the columns (name) is known to hold e-mail addresses"), "{keyless}");
    let wide: Vec<String> = (0..2_001).map(|number| format!("\"k{number}\":1")).collect();
    let wide = sentence(format!("{{{}}}", wide.join(",")), &Options::default());
    assert!(wide.starts_with("guests.csv:1: the file has 2001 columns, and at most 2000"), "{wide}");
    let long = sentence(format!("{{\"email\":\"{}\"}}", "x".repeat(1_200_000)), &Options::default());
    assert!(long.starts_with("guests.csv:1: the row that begins here never ends. A line of JSON Lines"), "{long}");
}

#[test]
fn json_lines_in_another_encoding_are_read() {
    let text = "{\"email\":\"a@example.com\",\"firstname\":\"Žofie\"}\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(changes(&imported(&File::new(bytes), &Options::default())[0]), ["firstname=Žofie"]);
}

#[test]
fn a_file_that_changes_between_the_passes_is_refused_at_its_end() {
    let file = File::new("{\"email\":\"a@example.com\"}\n");
    let examined = file.examine(&Options::default()).unwrap();
    std::fs::write(&file.path, "{\"email\":\"a@example.com\",\"more\":1}\n").unwrap();
    let fault = examined.rows().unwrap().last().unwrap().unwrap_err();
    assert!(fault.to_string().contains("was changed while it was being imported"), "{fault}");
}
