//! The bytes of a file, unpacked, looked at once from the first to the last: their number, their digest and
//! what they are.

use std::io::{self, Read};
use std::path::Path;

use encoding_rs::Encoding;

use crate::encoding::{self, Evidence, Told};
use crate::fault::ImportFault;
use crate::letters::Letters;
use crate::source::Source;

/// How many bytes are looked at in one go.
const CHUNK_BYTES: usize = 256 * 1024;

/// After this many sequences that are not UTF-8 the question is settled, and nobody counts on.
const COUNTED_BAD_SEQUENCES: u64 = 1000;

/// What the bytes of a file are.
pub(crate) struct Scan {
    pub(crate) told: Told,
    /// The file is packed; all else is about what it holds.
    pub(crate) packed: bool,
    pub(crate) size: u64,
    pub(crate) digest: blake3::Hash,
}

/// Looks at all bytes of the file; `named` is the encoding that the operator named.
pub(crate) fn scan(path: &Path, named: Option<&'static Encoding>) -> Result<Scan, ImportFault> {
    let unreadable = |error| ImportFault::unreadable(path, error);
    let mut file = Source::open(path).map_err(unreadable)?;
    let packed = file.is_packed();
    let mut hasher = blake3::Hasher::new();
    let mut evidence = Evidence::default();
    let mut utf8 = Utf8::default();
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    let mut size = 0_u64;
    let mut line = 1_u64;
    loop {
        chunk.clear();
        (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).map_err(unreadable)?;
        if size == 0 {
            encoding::refuse_other_kinds(path, &chunk)?;
            evidence.mark = encoding::byte_order_mark(&chunk);
        }
        if chunk.is_empty() {
            break;
        }
        hasher.update(&chunk);
        count_zeros(&mut evidence, &chunk, line);
        utf8.feed(&mut evidence, &chunk, line);
        // The detector is fed only from the first chunk on that is not UTF-8, so that the common
        // case pays nothing for it.
        if evidence.bad_sequences > 0 {
            evidence.letters.get_or_insert_with(Letters::new).feed(&chunk);
        }
        size += chunk.len() as u64;
        line += newlines(&chunk);
    }
    utf8.end(&mut evidence, line);
    Ok(Scan { told: encoding::tell(path, named, evidence)?, packed, size, digest: hasher.finalize() })
}

/// Counts zero bytes by the parity of their offset. Chunks have an even length, so that the offset
/// inside the chunk tells the parity of the offset inside the file.
fn count_zeros(evidence: &mut Evidence, chunk: &[u8], line: u64) {
    if !chunk.contains(&0) {
        return;
    }
    for (offset, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        if evidence.zeros == [0, 0] {
            evidence.first_zero_line = line + newlines(chunk.get(..offset).unwrap_or_default());
        }
        let [even, odd] = &mut evidence.zeros;
        *(if offset % 2 == 0 { even } else { odd }) += 1;
    }
}

/// Checks a stream for UTF-8 across the borders of its chunks.
#[derive(Default)]
struct Utf8 {
    /// The beginning of a sequence that the next chunk completes.
    open: Vec<u8>,
}

impl Utf8 {
    fn feed(&mut self, evidence: &mut Evidence, chunk: &[u8], line: u64) {
        if evidence.bad_sequences >= COUNTED_BAD_SEQUENCES {
            return;
        }
        let joined: Vec<u8>;
        let mut rest = chunk;
        if !self.open.is_empty() {
            self.open.extend_from_slice(chunk);
            joined = std::mem::take(&mut self.open);
            rest = &joined;
        }
        let mut passed = 0;
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            evidence.good_sequences += sequences(valid);
            passed += newlines(valid);
            let Some(length) = error.error_len() else {
                self.open = after.to_vec();
                return;
            };
            evidence.bad_sequence(line + passed);
            if evidence.bad_sequences >= COUNTED_BAD_SEQUENCES {
                return;
            }
            rest = after.get(length..).unwrap_or_default();
        }
        evidence.good_sequences += sequences(rest);
    }

    fn end(&self, evidence: &mut Evidence, line: u64) {
        if !self.open.is_empty() {
            evidence.bad_sequence(line);
            evidence.letters.get_or_insert_with(Letters::new).feed(&self.open);
        }
    }
}

/// How many characters of several bytes a valid text has.
fn sequences(valid: &[u8]) -> u64 {
    valid.iter().map(|byte| u64::from(*byte >= 0xc0)).sum()
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// The first `limit` bytes of the text of a file, for a look at its header.
pub(crate) fn sample(path: &Path, encoding: &'static Encoding, limit: usize) -> io::Result<String> {
    let mut text = crate::text::Text::new(Source::open(path)?, encoding);
    let mut bytes = Vec::new();
    (&mut text).take(limit as u64).read_to_end(&mut bytes)?;
    let whole = bytes.len() < limit;
    let mut sample = String::from_utf8_lossy(&bytes).into_owned();
    if whole {
        let end = sample.len().saturating_sub(crate::text::END_MARK.len());
        sample.truncate(end);
    } else if let Some(end) = sample.rfind('\n') {
        // The last line is cut somewhere; it would be counted as a narrow one.
        sample.truncate(end + 1);
    }
    Ok(sample)
}
