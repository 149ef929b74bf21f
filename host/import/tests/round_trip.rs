//! Any table, written in any supported way, comes back equal.

use std::fs;

use encoding_rs::Encoding;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::standard_fields;
use postroom_import::{Delimiter, Options, Row, examine};
use proptest::prelude::*;

/// How a table is written.
#[derive(Debug, Clone)]
struct Style {
    encoding: &'static str,
    bom: bool,
    delimiter: Delimiter,
    line_end: &'static str,
    quote_all: bool,
    last_line_end: bool,
}

fn style() -> impl Strategy<Value = Style> {
    let encodings = ["utf-8", "utf-16le", "utf-16be", "windows-1250", "windows-1251", "windows-1252", "windows-1257"];
    (
        prop::sample::select(encodings.to_vec()),
        any::<bool>(),
        prop::sample::select(Delimiter::ALL.to_vec()),
        prop::sample::select(vec!["\n", "\r\n", "\r"]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(encoding, bom, delimiter, line_end, quote_all, last_line_end)| Style {
            encoding,
            bom,
            delimiter,
            line_end,
            quote_all,
            last_line_end,
        })
}

/// Cells of ASCII, of signs that CSV gives a meaning, and of the letters of one language.
fn cell(letters: &'static str) -> impl Strategy<Value = String> {
    let alphabet: Vec<char> = letters.chars().chain(" abcXYZ0189,;|\t\"'=+-@.\n".chars()).collect();
    prop::collection::vec(prop::sample::select(alphabet), 0..12).prop_map(|letters| letters.into_iter().collect())
}

fn table() -> impl Strategy<Value = (Style, Vec<[String; 4]>)> {
    style().prop_flat_map(|style| {
        let letters = match style.encoding {
            "windows-1250" => "ěščřžýáíéůúóďťňłąęőű",
            "windows-1251" => "абвгдежзийклмнопрстуфхцчшщъыьэюяїєі",
            "windows-1252" => "äöüßéèàçñøåœ",
            "windows-1257" => "õäöüšžąčęėįųūāēīļķņģ",
            _ => "ěščőłабвїäßñøõųāαβγışğ漢字🦀",
        };
        let row = (cell(letters), cell(letters), cell(letters));
        let rows = prop::collection::vec(row, 0..30).prop_map(|rows| {
            let numbered = rows.into_iter().enumerate();
            numbered.map(|(number, (a, b, c))| [a, format!("guest{number}@example.com"), b, c]).collect()
        });
        (Just(style), rows)
    })
}

fn write(style: &Style, rows: &[[String; 4]]) -> Vec<u8> {
    let header = ["Příjmení".to_owned(), "E-mail".to_owned(), "First name".to_owned(), "Note".to_owned()];
    let header = if ["utf-8", "windows-1250"].contains(&style.encoding) {
        header
    } else {
        header.map(|name| if name == "Příjmení" { "Last name".to_owned() } else { name })
    };
    let delimiter = char::from(style.delimiter.byte());
    let written = |cell: &String| {
        if style.quote_all || cell.contains([delimiter, '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\"").replace('\n', style.line_end))
        } else {
            cell.clone()
        }
    };
    let lines: Vec<String> = std::iter::once(&header)
        .chain(rows)
        .map(|row| row.iter().map(written).collect::<Vec<_>>().join(&delimiter.to_string()))
        .collect();
    let mut text = lines.join(style.line_end);
    if style.last_line_end {
        text.push_str(style.line_end);
    }
    if style.bom && style.encoding.starts_with("utf") {
        text.insert(0, '\u{feff}');
    }
    match style.encoding {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        label => {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::UTF_8);
            let (bytes, _, lossy) = encoding.encode(&text);
            assert!(!lossy, "{text:?}");
            bytes.into_owned()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_table_comes_back_equal((style, rows) in table()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        fs::write(&path, write(&style, &rows)).unwrap();
        // A dozen random letters are no language: the one-byte encodings are named, the others found.
        let options = Options {
            encoding: style.encoding.starts_with("windows").then(|| style.encoding.to_owned()),
            ..Options::default()
        };
        let examined = examine(&path, &options, &standard_fields()).unwrap();
        prop_assert_eq!(examined.encoding.to_lowercase(), style.encoding);
        prop_assert_eq!(examined.delimiter, style.delimiter);
        prop_assert_eq!(examined.had_bom, style.bom && style.encoding.starts_with("utf"));
        prop_assert_eq!(examined.rows, rows.len() as u64);
        let mut line = 2;
        let mut read = examined.rows().unwrap();
        for expected in &rows {
            let Some(Ok(Row::Imported(row))) = read.next() else { panic!("a row is missing") };
            prop_assert_eq!(&row.raw, expected);
            prop_assert_eq!(row.line, line);
            prop_assert_eq!(row.address.as_ref().map(EmailAddress::as_str), Ok(expected[1].as_str()));
            line += 1 + expected.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
        }
        prop_assert!(read.next().is_none());
    }
}
