//! Files that come packed (gzip).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what its cases share")]

mod common;

use std::io::Write;

use common::{File, changes, contact_rows, imported, sentence};
use flate2::Compression;
use flate2::write::GzEncoder;
use postroom_import::{FileKind, Options};

fn packed(content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_ref()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_packed_file_is_what_it_holds() {
    let table = File::new("email,first name\na@example.com,Jana\n");
    let plain = table.examine(&Options::default()).unwrap();
    let file = File::new(packed("email,first name\na@example.com,Jana\n"));
    let examined = file.examine(&Options::default()).unwrap();
    assert_eq!((examined.packed, examined.kind), (true, FileKind::Table));
    assert_eq!((examined.size, examined.digest), (plain.size, plain.digest));
    assert!(!plain.packed);
    assert_eq!(changes(&imported(&file, &Options::default())[0]), ["firstname=Jana"]);

    // In several members, as `cat one.gz two.gz` makes them, and in another encoding.
    let utf16: Vec<u8> =
        "email\tfirst name\na@example.com\tŽofie\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (one, two) = utf16.split_at(21);
    let members = [packed(one), packed(two)].concat();
    assert_eq!(changes(&imported(&File::new(members), &Options::default())[0]), ["firstname=Žofie"]);

    let objects = File::new(packed("{\"email\":\"a@example.com\"}\n"));
    assert_eq!(objects.examine(&Options::default()).unwrap().kind, FileKind::JsonLines);
}

#[test]
fn a_packed_file_that_is_not_whole_is_refused_before_any_row() {
    let whole = packed(format!("email,first name\n{}", contact_rows(0..5_000)));
    for length in [2, 5, 12, whole.len() / 2, whole.len() - 1] {
        let sentence = sentence(&whole[..length], &Options::default());
        assert_eq!(
            sentence, "guests.csv is compressed (gzip) and ends in the middle: copy or download it again, whole.",
            "{length}"
        );
    }
    let mut damaged = whole.clone();
    let last = damaged.len() - 6;
    damaged[last] ^= 0x55;
    let damaged = sentence(damaged, &Options::default());
    assert!(damaged.starts_with("guests.csv is compressed (gzip) and is damaged: copy or pack it again"), "{damaged}");
    let trailing = sentence([&whole[..], b"rubbish that follows"].concat(), &Options::default());
    assert!(trailing.contains("is damaged"), "{trailing}");
}

#[test]
fn what_is_packed_is_looked_at_like_a_plain_file() {
    let twice = sentence(packed(packed("email\n")), &Options::default());
    assert!(twice.starts_with("guests.csv is compressed twice (gzip)"), "{twice}");
    let archive = sentence(packed([&[b'a'; 257][..], b"ustar\x0000"].concat()), &Options::default());
    assert!(archive.starts_with("guests.csv is an archive (tar)"), "{archive}");
    let empty = sentence(packed(""), &Options::default());
    assert!(empty.starts_with("guests.csv is empty"), "{empty}");
}

#[test]
fn a_trap_is_refused_when_it_has_unpacked_a_little() {
    // Repeated bytes pack to a thousandth. That is found out long before the digest of all of them is.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let row = "a".repeat(64 * 1024);
    encoder.write_all(b"email,first name\n").unwrap();
    for _ in 0..400 {
        encoder.write_all(row.as_bytes()).unwrap();
    }
    let trap = encoder.finish().unwrap();
    let sentence = sentence(&trap, &Options::default());
    assert!(sentence.contains("unpacks to more than 200 times its size: unpack it, look"), "{sentence}");
}

#[test]
fn a_packed_file_that_changes_is_refused_at_its_end() {
    let file = File::new(packed("email\na@example.com\n"));
    let examined = file.examine(&Options::default()).unwrap();
    std::fs::write(&file.path, packed("email\nb@example.com\n")).unwrap();
    let fault = examined.rows().unwrap().last().unwrap().unwrap_err();
    assert!(fault.to_string().contains("was changed"), "{fault}");
    let whole = packed(format!("email\n{}", contact_rows(0..2_000)));
    std::fs::write(&file.path, &whole[..whole.len() / 2]).unwrap();
    let fault = match examined.rows() {
        Err(fault) => fault,
        Ok(rows) => rows.last().unwrap().unwrap_err(),
    };
    assert!(fault.to_string().contains("ends in the middle"), "{fault}");
}
