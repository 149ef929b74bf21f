//! In which encoding a file is written.
//!
//! In this order: its byte order mark, what the operator named, the pattern of its zero bytes, being
//! valid UTF-8, its letters. What is none of these is refused rather than read as something.

use std::path::Path;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::fault::{ImportFault, at};
use crate::letters::Letters;

/// UTF-16 has its zero bytes on one side. The other side has some too, because U+0100 (`Ā`) ends
/// with one; a text has far fewer of those than of ASCII characters.
const ZEROS_OF_ONE_SIDE: u64 = 10;

/// What the scan found out.
#[derive(Default)]
pub(crate) struct Evidence {
    /// The encoding of the byte order mark.
    pub(crate) mark: Option<&'static Encoding>,
    /// Zero bytes at even and at odd offsets.
    pub(crate) zeros: [u64; 2],
    /// Where the first zero byte is.
    pub(crate) first_zero_line: u64,
    /// Characters of several bytes, as UTF-8 counts them.
    pub(crate) good_sequences: u64,
    /// Sequences that UTF-8 has not.
    pub(crate) bad_sequences: u64,
    /// Where the first of them is.
    pub(crate) first_bad_line: u64,
    /// The letters, from about the first bad sequence on.
    pub(crate) letters: Option<Letters>,
}

impl Evidence {
    /// Books a sequence that is not UTF-8.
    pub(crate) fn bad_sequence(&mut self, line: u64) {
        if self.bad_sequences == 0 {
            self.first_bad_line = line;
        }
        self.bad_sequences += 1;
    }
}

/// The encoding, and how it was told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) encoding: &'static Encoding,
    pub(crate) had_bom: bool,
    /// By the letters alone.
    pub(crate) guessed: bool,
}

/// The encoding that an operator names: any that the web knows (<https://encoding.spec.whatwg.org>).
pub(crate) fn named(label: &str) -> Result<&'static Encoding, ImportFault> {
    Encoding::for_label_no_replacement(label.as_bytes())
        .ok_or_else(|| ImportFault::UnknownEncoding { name: label.to_owned() })
}

/// The encoding whose byte order mark stands at the beginning.
pub(crate) fn byte_order_mark(head: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_bom(head).map(|(encoding, _)| encoding)
}

/// Refuses what is known to be neither CSV nor JSON Lines, by its first bytes.
pub(crate) fn refuse_other_kinds(path: &Path, head: &[u8]) -> Result<(), ImportFault> {
    const SAVE: &str = "open it in the program it comes from and save it as CSV (UTF-8)";
    const EXCEL: &str = "open it in Excel, choose File, Save As, and the type `CSV UTF-8 (Comma delimited)`";
    const CALC: &str = "open it in LibreOffice, choose File, Save As, the type `Text CSV` and the character set UTF-8";
    const UNPACK: &str = "unpack it and import the CSV file inside";
    // The name of the first file in a zip archive stands at byte 30, and tells what wrote it.
    const ZIP_NAME: usize = 30;
    const KINDS: [(usize, &[u8], &str, &str); 17] = [
        (ZIP_NAME, b"[Content_Types].xml", "an Excel workbook (xlsx)", EXCEL),
        (ZIP_NAME, b"xl/", "an Excel workbook (xlsx)", EXCEL),
        (ZIP_NAME, b"_rels/", "an Excel workbook (xlsx)", EXCEL),
        (ZIP_NAME, b"docProps/", "an Excel workbook (xlsx)", EXCEL),
        (ZIP_NAME, b"mimetypeapplication/vnd.oasis", "a LibreOffice document (ods)", CALC),
        (
            0,
            b"PK\x03\x04",
            "a workbook (xlsx, ods) or a zip archive",
            "open it and save it as CSV (UTF-8), or unpack it",
        ),
        (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (xls)", EXCEL),
        (0, b"\x1f\x8b", "compressed twice (gzip)", UNPACK),
        (0, b"BZh", "compressed (bzip2)", UNPACK),
        (0, b"\xfd7zXZ\x00", "compressed (xz)", UNPACK),
        (0, b"\x28\xb5\x2f\xfd", "compressed (zstd)", UNPACK),
        (0, b"7z\xbc\xaf\x27\x1c", "an archive (7z)", UNPACK),
        (257, b"ustar", "an archive (tar)", UNPACK),
        (0, b"%PDF-", "a PDF document", SAVE),
        (0, b"SQLite format 3\x00", "an SQLite database", "export its table as CSV (UTF-8)"),
        (0, b"PAR1", "a Parquet file", "export it as CSV (UTF-8)"),
        (0, b"\xff\xfe\x00\x00", "text in UTF-32", "save it as CSV (UTF-8)"),
    ];
    let refused = |kind, mend| Err(ImportFault::OtherKind { file: path.display().to_string(), kind, mend });
    let is_zip = head.starts_with(b"PK\x03\x04");
    for (offset, magic, kind, mend) in KINDS {
        let stands = head.get(offset..).is_some_and(|bytes| bytes.starts_with(magic));
        if stands && (offset != ZIP_NAME || is_zip) {
            return refused(kind, mend);
        }
    }
    // Many systems call a web page or an XML document an Excel export.
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let start = String::from_utf8_lossy(start.get(..start.len().min(16)).unwrap_or_default()).to_lowercase();
    if ["<!doctype", "<html", "<?xml", "<table"].iter().any(|tag| start.starts_with(tag)) {
        return refused("a web page or an XML document", SAVE);
    }
    Ok(())
}

/// Weighs the evidence.
pub(crate) fn tell(path: &Path, named: Option<&'static Encoding>, evidence: Evidence) -> Result<Told, ImportFault> {
    let told = |encoding| Ok(Told { encoding, had_bom: evidence.mark.is_some(), guessed: false });
    if let Some(mark) = evidence.mark {
        return match named {
            Some(named) if named != mark => {
                Err(ImportFault::OtherMark { file: path.display().to_string(), mark: mark.name(), named: named.name() })
            }
            _ => told(mark),
        };
    }
    if let Some(encoding) = named.filter(|encoding| [UTF_16LE, UTF_16BE].contains(encoding)) {
        return told(encoding);
    }
    let [even, odd] = evidence.zeros;
    if even + odd > 0 {
        return match named {
            None if odd > even * ZEROS_OF_ONE_SIDE => told(UTF_16LE),
            None if even > odd * ZEROS_OF_ONE_SIDE => told(UTF_16BE),
            _ => Err(ImportFault::Binary { at: at(path, evidence.first_zero_line) }),
        };
    }
    if let Some(encoding) = named {
        return told(encoding);
    }
    if evidence.bad_sequences == 0 {
        return told(UTF_8);
    }
    // In other encodings bytes hardly ever fall into place as UTF-8: this file is UTF-8 that was
    // damaged, and reading it as anything else would spoil every other name in it.
    if evidence.good_sequences >= evidence.bad_sequences {
        return Err(undecodable(path, evidence.first_bad_line, UTF_8, false));
    }
    match evidence.letters.and_then(|letters| letters.guess()) {
        Some(encoding) => Ok(Told { encoding, had_bom: false, guessed: true }),
        None => Err(ImportFault::UnclearEncoding { at: at(path, evidence.first_bad_line) }),
    }
}

/// The fault of bytes that do not exist in the encoding.
pub(crate) fn undecodable(path: &Path, line: u64, encoding: &'static Encoding, guessed: bool) -> ImportFault {
    let mend = if guessed {
        "the encoding was told by the letters: name the right one (`--encoding windows-1250`), or save the file as CSV (UTF-8)"
    } else if encoding == UTF_8 {
        "the rest of the file is; mend that line, or save the file as CSV (UTF-8) again from the program it comes from"
    } else {
        "name another encoding, or leave it out to have it detected"
    };
    ImportFault::Undecodable { at: at(path, line), encoding: encoding.name(), mend }
}
