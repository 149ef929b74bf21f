//! Every fault of a file is found before a row is seen, and says what, where and the mend.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what its cases share")]

mod common;

use common::{File, contact_rows};
use postroom_import::{ImportFault, Options, Row};

fn options() -> Options {
    Options::default()
}

fn map(rules: &[(&str, &str)]) -> Options {
    Options {
        map: rules.iter().map(|(column, place)| ((*column).to_owned(), (*place).to_owned())).collect(),
        ..Options::default()
    }
}

/// The sentence of the fault, with the file named as the operator named it.
fn sentence(content: impl AsRef<[u8]>, options: &Options) -> String {
    let file = File::new(content);
    match file.examine(options) {
        Ok(examined) => panic!("was taken: {examined:?}"),
        Err(fault) => fault.to_string().replace(&file.path.display().to_string(), "guests.csv"),
    }
}

#[test]
fn a_file_that_is_not_there_or_is_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none.csv"), folder.path().to_owned()] {
        let fault = postroom_import::examine(&path, &options(), &[]).unwrap_err();
        assert!(matches!(fault, ImportFault::Unreadable { .. }), "{fault}");
        assert!(fault.to_string().contains("Check the name"), "{fault}");
    }
}

#[test]
fn other_kinds_of_file_are_refused_by_their_name() {
    for (head, kind) in [
        (&b"PK\x03\x04\x14\x00"[..], "a workbook (xlsx, ods) or a zip archive"),
        (&[&b"PK\x03\x04"[..], &[0; 26], b"[Content_Types].xml"].concat(), "an Excel workbook (xlsx)"),
        (&[&b"PK\x03\x04"[..], &[0; 26], b"mimetypeapplication/vnd.oasis"].concat(), "a LibreOffice document (ods)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "an old Excel workbook (xls)"),
        (&[&[b'a'; 257][..], b"ustar"].concat(), "an archive (tar)"),
        (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\xff\xfe\x00\x00e\x00\x00\x00", "text in UTF-32"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "a web page"),
        (b"<table><tr><td>E-mail", "a web page"),
    ] {
        let sentence = sentence(head, &options());
        assert!(sentence.starts_with(&format!("guests.csv is {kind}")), "{sentence}");
        assert!(
            ["CSV (UTF-8)", "CSV UTF-8", "Text CSV", "unpack"].iter().any(|mend| sentence.contains(mend)),
            "{sentence}"
        );
    }
}

#[test]
fn zero_bytes_without_a_pattern_are_no_text() {
    let sentence = sentence(b"email,note\na@example.com,x\nb@example.com,\x00\x00\x01\x02\n", &options());
    assert!(sentence.starts_with("guests.csv:3 holds a zero byte"), "{sentence}");
}

#[test]
fn an_encoding_that_is_named_must_exist_and_fit() {
    let named = |label: &str| Options { encoding: Some(label.to_owned()), ..options() };
    let unknown = sentence("email\n", &named("windows-9999"));
    assert!(unknown.contains("no encoding named `windows-9999`"), "{unknown}");
    let other = sentence("\u{feff}email\n", &named("windows-1250"));
    assert!(other.contains("byte order mark of UTF-8, but windows-1250 was named"), "{other}");
    let bytes = b"email,name\na@example.com,J\xe1n\n";
    let utf8 = sentence(bytes, &named("utf-8"));
    assert!(utf8.starts_with("guests.csv:2 holds bytes that are not UTF-8"), "{utf8}");
    // 0xa1 is nothing in Windows-1257.
    let baltic = sentence(b"email,name\na@example.com,x\nb@example.com,\xa1\n", &named("windows-1257"));
    assert!(baltic.starts_with("guests.csv:3 holds bytes that are not windows-1257: name another"), "{baltic}");
    let half = sentence(b"e\x00m\x00a\x00i\x00l\x00\n\x00x", &named("utf-16le"));
    assert!(half.contains("not UTF-16LE"), "{half}");
}

#[test]
fn utf8_with_a_few_broken_bytes_is_refused_and_not_taken_for_something_else() {
    let mut bytes = "email,name\na@example.com,Žofie Nováková\nb@example.com,Růžena Šťastná\n".as_bytes().to_vec();
    bytes.extend_from_slice(b"c@example.com,J\xe1n\n");
    let sentence = sentence(bytes, &options());
    assert!(sentence.starts_with("guests.csv:4 holds bytes that are not UTF-8: the rest of the file is"), "{sentence}");
}

#[test]
fn a_file_without_a_header_is_refused() {
    for content in ["", "\u{feff}", "\n\n", "sep=;\n"] {
        assert!(sentence(content, &options()).starts_with("guests.csv is empty: its first line"), "{content:?}");
    }
    let row = sentence("jana@example.com;Jana\npetr@example.com;Petr\n", &options());
    assert!(row.starts_with("guests.csv:1 holds the address `jana@example.com` where the names"), "{row}");
    assert!(row.contains("`E-mail;First name;Last name`"), "{row}");
}

#[test]
fn column_names_are_there_and_differ() {
    let nameless = sentence("email;;name\n", &options());
    assert!(nameless.starts_with("guests.csv:1: column 2 has no name"), "{nameless}");
    let twice = sentence("\n\nemail;name;name\n", &options());
    assert!(twice.starts_with("guests.csv:3: columns 2 and 3 are both named `name`"), "{twice}");
}

#[test]
fn the_column_of_addresses_is_found_or_asked_for() {
    let none = sentence("Kdo,Telefon\nJana,1\n", &options());
    assert!(none.contains("none of the columns (Kdo, Telefon)") && none.contains("--email COLUMN"), "{none}");
    let looks = sentence("Kdo,Spojení\nJana,jana@example.com\n", &options());
    assert!(looks.contains("so say `--email \"Spojení\"`"), "{looks}");
    let two = sentence("E-mail,Mail\na@example.com,b@example.com\n", &options());
    assert!(two.contains("`E-mail` and `Mail` both look like"), "{two}");
    // A postal address is not taken for the other kind.
    let postal = sentence("Jméno,Adresa\nJana,Dlouhá 5\n", &options());
    assert!(postal.contains("none of the columns"), "{postal}");
}

#[test]
fn a_rule_for_what_is_not_there_is_refused_with_the_nearest_name() {
    let content = "E-mail,Vorname,Nachname\n";
    let column = sentence(content, &map(&[("Vornamen", "firstname")]));
    assert!(
        column.contains("--map names the column `Vornamen`") && column.contains("did you mean `Vorname`?"),
        "{column}"
    );
    let far = sentence(content, &map(&[("Postleitzahl", "address.zip")]));
    assert!(far.contains("use one of E-mail, Vorname, Nachname"), "{far}");
    for (option, options) in [
        ("--key", Options { key: Some("Vornahme".to_owned()), ..options() }),
        ("--email", Options { email: Some("Vornahme".to_owned()), ..options() }),
    ] {
        let sentence = sentence(content, &options);
        assert!(sentence.contains(&format!("{option} names the column `Vornahme`")), "{sentence}");
        assert!(sentence.contains("did you mean `Vorname`?"), "{sentence}");
    }
    for (place, problem, mend) in [
        ("firstnam", "there is no field `firstnam`", "did you mean `firstname`?"),
        ("First name", "`First name` is not a field name", "did you mean `firstname`?"),
        ("address", "`address` is an address, and a column goes to one part", "use one of"),
        ("adress.city", "there is no field `adress`", "did you mean `address.city`?"),
        ("address.town", "`town` is not a part of an address", "did you mean `address."),
        ("consent", "there is no field `consent`", "did you mean `consent.status`?"),
        ("firstname.city", "`firstname` is a text and has no parts", "did you mean `"),
        ("xyz", "there is no field `xyz`", "use one of email, external-id, consent.status, firstname"),
    ] {
        let sentence = sentence(content, &map(&[("Vorname", place)]));
        assert!(sentence.contains(problem) && sentence.contains(mend), "{sentence}");
    }
}

#[test]
fn a_place_has_one_column_and_a_column_one_place() {
    let content = "E-mail,Vorname,Rufname\n";
    let same = sentence(content, &map(&[("Vorname", "firstname"), ("Rufname", "firstname")]));
    assert!(same.contains("`Vorname` and `Rufname` both go to firstname"), "{same}");
    let two = sentence(content, &map(&[("Vorname", "firstname"), ("Vorname", "lastname")]));
    assert!(two.contains("`Vorname` is sent to firstname and to lastname"), "{two}");
    let key = sentence(content, &Options { key: Some("Vorname".to_owned()), ..map(&[("Vorname", "firstname")]) });
    assert!(key.contains("`Vorname` is sent to firstname and to external-id"), "{key}");
}

#[test]
fn a_rule_and_a_delimiter_are_read_as_they_are_typed() {
    assert_eq!(Options::read_rule("a = b =firstname").unwrap(), ("a = b".to_owned(), "firstname".to_owned()));
    for text in ["firstname", "=firstname", "Vorname="] {
        assert!(Options::read_rule(text).unwrap_err().to_string().contains("column=place"), "{text}");
    }
    for text in [";", "Semicolon", "tab", "\\t", "|", ","] {
        assert!(text.parse::<postroom_import::Delimiter>().is_ok(), "{text}");
    }
    let fault = ":".parse::<postroom_import::Delimiter>().unwrap_err();
    assert!(fault.to_string().contains("`:` is not a delimiter"), "{fault}");
}

#[test]
fn a_quote_that_is_never_closed_is_found() {
    let end = sentence("email,name\na@example.com,x\nb@example.com,\"Jana\nc@example.com,Petr\n", &options());
    assert!(end.starts_with("guests.csv:3: the row that begins here never ends"), "{end}");
    let mut long = "email,name\na@example.com,\"x\n".to_owned();
    long.push_str(&contact_rows(3..60_000));
    let long = sentence(long, &options());
    assert!(long.starts_with("guests.csv:2: the row that begins here never ends"), "{long}");
}

#[test]
fn a_few_ragged_rows_are_rejected_and_many_refuse_the_file() {
    let table = |rows: usize, ragged: usize| {
        let mut content = "email,name\n".to_owned();
        content.push_str(&contact_rows(0..rows - ragged));
        (0..ragged).for_each(|_| content.push_str("x@example.com,Jana,Nová,1\n"));
        content
    };
    for (rows, ragged) in [(3, 1), (20, 10), (100, 10), (2000, 20)] {
        let file = File::new(table(rows, ragged));
        let examined = file.examine(&options()).unwrap();
        assert_eq!((examined.rows, examined.ragged), (rows as u64, ragged as u64));
        let rejected = examined.rows().unwrap().filter(|row| matches!(row, Ok(Row::Rejected(_)))).count();
        assert_eq!(rejected, ragged);
    }
    for (rows, ragged) in [(1, 1), (3, 2), (19, 10), (100, 11), (2000, 21)] {
        let sentence = sentence(table(rows, ragged), &options());
        assert!(sentence.contains(&format!("{ragged} of {rows} rows have another number of cells")), "{sentence}");
        let first = rows - ragged + 2;
        assert!(sentence.contains(&format!("the first are on lines {first}")), "{sentence}");
        assert!(sentence.contains("read as comma"), "{sentence}");
    }
}

#[test]
fn a_file_that_changes_between_the_passes_is_refused_at_its_end() {
    for change in
        ["email,name\nb@example.com,y\n", "email,name\na@example.com,x\nb@example.com,y\n", "", "email,name\n"]
    {
        let file = File::new("email,name\na@example.com,x\n");
        let examined = file.examine(&options()).unwrap();
        std::fs::write(&file.path, change).unwrap();
        let fault = match examined.rows() {
            Err(fault) => fault,
            Ok(rows) => rows.last().unwrap().unwrap_err(),
        };
        assert!(matches!(fault, ImportFault::Changed { .. }), "{change:?}: {fault}");
    }
    let file = File::new("email\na@example.com\n");
    let examined = file.examine(&options()).unwrap();
    std::fs::remove_file(&file.path).unwrap();
    assert!(matches!(examined.rows(), Err(ImportFault::Unreadable { .. })));
}
