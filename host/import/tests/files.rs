//! Files that must be taken, and files that must be refused.
//!
//! The large ones are generated on the fly and take minutes:
//!
//! ```text
//! cargo test --release -p postroom-import --test files -- --ignored --nocapture --test-threads 1
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what its cases share")]
#![allow(clippy::print_stdout, reason = "the long modes tell their figures")]

mod common;

use std::io::{BufWriter, Write};

use common::{File, changes, contact_rows, imported, sentence};
use encoding_rs::{Encoding, ISO_8859_2, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252};
use flate2::Compression;
use flate2::write::GzEncoder;
use postroom_import::{Delimiter, Options, Row};

const CZECH: &str = "Jméno;Příjmení;E-mail\r\nŽofie;Dvořáková;zofie@example.com\r\nBožena;Šťastná;bozena@example.com\r\n\
    Jiří;Kučera;jiri@example.com\r\nRůžena;Němcová;ruzena@example.com\r\n";

fn one_byte(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let (bytes, _, lossy) = encoding.encode(text);
    assert!(!lossy, "{text} does not exist in {}", encoding.name());
    bytes.into_owned()
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[test]
fn three_hundred_columns_are_read() {
    let header: Vec<String> = (0..299).map(|number| format!("Column {number}")).collect();
    let cells: Vec<String> = (0..299).map(|number| format!("cell {number}")).collect();
    let file = File::new(format!("{},E-mail\n{},a@example.com\n", header.join(","), cells.join(",")));
    let examined = file.examine(&Options::default()).unwrap();
    assert_eq!((examined.columns.len(), examined.suggestions.len(), examined.rows), (300, 300, 1));
    let options = Options { map: vec![("Column 298".to_owned(), "firstname".to_owned())], ..Options::default() };
    assert_eq!(changes(&imported(&file, &options)[0]), ["firstname=cell 298"]);
    let wide: Vec<String> = (0..2_001).map(|number| format!("c{number}")).collect();
    let wide = sentence(wide.join(","), &Options::default());
    assert!(wide.starts_with("guests.csv:1: the file has 2001 columns, and at most 2000 are taken"), "{wide}");
}

#[test]
fn legacy_encodings_are_told_by_the_letters() {
    let russian = "Имя;Фамилия;Почта\r\nИван;Петров;ivan@example.com\r\nЮлия;Щербакова;julia@example.com\r\n";
    let german = "Vorname;Nachname;E-Mail\r\nJürgen;Müller;j@example.com\r\nKäthe;Größe;k@example.com\r\n";
    let japanese = "氏名,E-mail,First name\r\n山田太郎,taro@example.com,たろう\r\n佐藤花子,hanako@example.com,はなこ\r\n\
        鈴木一郎,ichiro@example.com,いちろう\r\n";
    for (text, encoding, first) in [
        (japanese, SHIFT_JIS, "firstname=たろう"),
        (CZECH, ISO_8859_2, "firstname=Žofie"),
        (CZECH, WINDOWS_1250, "firstname=Žofie"),
        (russian, WINDOWS_1251, "firstname=Иван"),
        (german, WINDOWS_1252, "firstname=Jürgen"),
    ] {
        let file = File::new(one_byte(text, encoding));
        let examined = file.examine(&Options::default()).unwrap();
        assert_eq!((examined.encoding, examined.encoding_guessed), (encoding.name(), true));
        assert_eq!(changes(&imported(&file, &Options::default())[0])[0], first);
    }
}

#[test]
fn iso_8859_2_and_shift_jis_are_read_where_they_are_named() {
    let japanese = "名前,メール\r\n山田太郎,taro@example.com\r\n佐藤花子,hanako@example.com\r\n";
    let named = |label: &str, column: &str| Options {
        encoding: Some(label.to_owned()),
        email: Some(column.to_owned()),
        ..Options::default()
    };
    let czech = File::new(one_byte(CZECH, ISO_8859_2));
    assert_eq!(
        changes(&imported(&czech, &named("iso-8859-2", "E-mail"))[0]),
        ["firstname=Žofie", "lastname=Dvořáková"]
    );
    let file = File::new(one_byte(japanese, SHIFT_JIS));
    assert_eq!(imported(&file, &named("shift_jis", "メール"))[0].raw[0], "山田太郎");
}

#[test]
fn utf16_is_read_with_and_without_its_mark() {
    let marked = format!("\u{feff}{CZECH}");
    for (bytes, encoding, had_bom) in [
        (utf16(CZECH, u16::to_le_bytes), "UTF-16LE", false),
        (utf16(CZECH, u16::to_be_bytes), "UTF-16BE", false),
        (utf16(&marked, u16::to_le_bytes), "UTF-16LE", true),
        (utf16(&marked, u16::to_be_bytes), "UTF-16BE", true),
    ] {
        let file = File::new(bytes);
        let examined = file.examine(&Options::default()).unwrap();
        assert_eq!((examined.encoding, examined.had_bom, examined.rows), (encoding, had_bom, 4));
        assert_eq!(changes(&imported(&file, &Options::default())[3]), ["firstname=Růžena", "lastname=Němcová"]);
    }
}

#[test]
fn what_a_spreadsheet_saves_is_read() {
    let file = File::new(
        "\u{feff}sep=;\r\nE-mail;Jméno;Poznámka\r\na@example.com;Jana;\"první\r\ndruhý; \"\"třetí\"\"\"\r\n;;\r\n",
    );
    let examined = file.examine(&Options::default()).unwrap();
    assert_eq!((examined.delimiter, examined.rows, examined.blank), (Delimiter::Semicolon, 1, 1));
    let row = &imported(&file, &Options::default())[0];
    assert_eq!((row.line, row.raw[2].as_str()), (3, "první\ndruhý; \"třetí\""));
}

#[test]
fn a_character_that_means_the_end_of_a_text_ends_no_file() {
    let file = File::new("email,name\n\u{3}\na@example.com,\u{3}\nb@example.com,\"x\n\u{3}\n\"\nc@example.com,y\n");
    let examined = file.examine(&Options::default()).unwrap();
    assert_eq!((examined.rows, examined.ragged), (4, 1));
    let lines = examined.rows().unwrap().map(|row| match row.unwrap() {
        Row::Imported(row) => row.line,
        Row::Rejected(row) => row.line,
    });
    assert_eq!(lines.collect::<Vec<u64>>(), [2, 3, 4, 7]);
    let objects = File::new("{\"email\":\"a@example.com\"}\n\u{3}\n{\"email\":\"b@example.com\"}\n");
    let examined = objects.examine(&Options::default()).unwrap();
    assert_eq!((examined.rows, examined.ragged), (3, 1));
    assert_eq!(examined.rows().unwrap().count(), 3);
}

#[test]
fn nothing_is_refused_and_a_header_alone_is_not() {
    for content in [&b""[..], b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\r\n\r\n", b" \n"] {
        let sentence = sentence(content, &Options::default());
        let is_clear = sentence.starts_with("guests.csv is empty") || sentence.contains("has no name");
        assert!(is_clear, "{content:?}: {sentence}");
    }
    let file = File::new("E-mail;Jméno\r\n");
    assert_eq!(file.examine(&Options::default()).unwrap().rows, 0);
    assert!(imported(&file, &Options::default()).is_empty());
}

#[test]
fn ragged_beyond_the_threshold_and_binary_are_refused() {
    let mut ragged = "email,name\n".to_owned();
    ragged.push_str(&contact_rows(0..100));
    ragged.push_str(&"a@example.com\n".repeat(20));
    let ragged = sentence(ragged, &Options::default());
    assert!(ragged.contains("20 of 120 rows have another number of cells"), "{ragged}");
    let noise: Vec<u8> = (0..1_024_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for (content, expected) in [
        (noise, "zero byte"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "zero byte"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(), "zero byte"),
    ] {
        let sentence = sentence(content, &Options::default());
        assert!(sentence.contains(expected) && sentence.contains("CSV (UTF-8)"), "{sentence}");
    }
}

/// How much more memory a large file may take than a small one: what the allocator keeps differs by a
/// little, and eight bytes that were kept for each of a million rows would show.
const GROWTH_KIB: u64 = 4 * 1024;

/// The most memory that this process has had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// Writes rows until the file has enough of them, or is large enough; says how many there are.
fn generate(file: &File, enough: impl Fn(u64, u64) -> bool, note: &str) -> u64 {
    let mut writer = BufWriter::new(std::fs::File::create(&file.path).unwrap());
    let (mut rows, mut bytes) = (0, 0);
    writer.write_all(b"E-mail;First name;Last name;City;Note\n").unwrap();
    while !enough(rows, bytes) {
        let row = format!("guest{rows}@example.com;Žofie;Němcová {rows};Plzeň;\"{note}; {rows}\"\n");
        writer.write_all(row.as_bytes()).unwrap();
        rows += 1;
        bytes += row.len() as u64;
    }
    writer.flush().unwrap();
    rows
}

/// Reads a file both times, and says how much the peak of memory grew over a small file's.
fn growth_kib(file: &File, rows: u64) -> u64 {
    let small = File::new("");
    generate(&small, |rows, _| rows == 10_000, "x");
    // Row by row as well, so that nothing is kept that would hide a growth.
    assert_eq!(small.examine(&Options::default()).unwrap().rows().unwrap().count(), 10_000);
    let before = peak_kib();
    let began = std::time::Instant::now();
    let examined = file.examine(&Options::default()).unwrap();
    assert_eq!(examined.rows, rows);
    let seen = began.elapsed();
    let read = examined.rows().unwrap().filter(|row| matches!(row, Ok(Row::Imported(_)))).count();
    assert_eq!(read as u64, rows);
    let after = peak_kib();
    println!(
        "{rows} rows, {} bytes: examined in {seen:.1?}, read in {:.1?}, peak {before} KiB before and {after} KiB after",
        examined.size,
        began.elapsed() - seen
    );
    after - before
}

#[test]
#[ignore = "a million rows: see the head of this file for the command"]
fn a_million_rows_take_no_more_memory_than_ten_thousand() {
    let file = File::new("");
    let rows = generate(&file, |rows, _| rows == 1_000_000, "x");
    assert!(growth_kib(&file, rows) < GROWTH_KIB);
}

#[test]
#[ignore = "a million objects, packed: see the head of this file for the command"]
fn a_million_packed_objects_take_no_more_memory_than_ten_thousand_rows() {
    let file = File::new("");
    let packed = BufWriter::new(std::fs::File::create(&file.path).unwrap());
    let mut writer = GzEncoder::new(packed, Compression::fast());
    for number in 0..1_000_000_u32 {
        let hash = number.wrapping_mul(2_654_435_761);
        let object = format!(
            "{{\"email\":\"guest{hash:x}@example.com\",\"firstname\":\"Žofie\",\"address\":{{\"city\":\"Plzeň\",\"zip\":\"{number}\"}}}}\n"
        );
        writer.write_all(object.as_bytes()).unwrap();
    }
    writer.finish().unwrap().flush().unwrap();
    assert!(growth_kib(&file, 1_000_000) < GROWTH_KIB);
}

#[test]
#[ignore = "two gigabytes: see the head of this file for the command"]
fn two_gigabytes_take_no_more_memory_than_one_megabyte() {
    let file = File::new("");
    let note = "n".repeat(400);
    let rows = generate(&file, |_, bytes| bytes >= 2_000_000_000, &note);
    assert!(growth_kib(&file, rows) < GROWTH_KIB);
}
