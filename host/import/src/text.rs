//! Bytes become text, as a stream.
//!
//! [`Text`] is what the CSV reader reads from. It decodes to UTF-8, turns every line end (`\r\n`
//! and a lone `\r` too) into `\n`, so that lines are counted rightly, and keeps the digest of the
//! bytes. After the last byte it adds [`END_MARK`]: only so can a quote that was never closed be
//! told from a file that simply ends.

use std::fmt;
use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// How many bytes are read at once: large enough that system calls do not count, and small enough
/// for the caches of a processor.
const CHUNK_BYTES: usize = 64 * 1024;

/// The longest record. Forty columns of the longest text that a field takes fit in it; what is
/// longer is a quote that was opened and never closed.
pub(crate) const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// What follows the last byte: a record of its own, of one character that hardly any text holds (U+0003,
/// end of text). Where one does, [`Text::is_over`] tells the two apart.
pub(crate) const END_MARK: &str = "\n\u{3}\n";

/// A fault of the text itself; it travels through the CSV reader inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextFault {
    /// A byte sequence that the encoding has not, on this line.
    Malformed { line: u64 },
    /// A record that does not end within [`MAX_RECORD_BYTES`].
    Endless,
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { line } => write!(f, "undecodable bytes on line {line}"),
            Self::Endless => f.write_str("endless record"),
        }
    }
}

impl std::error::Error for TextFault {}

impl TextFault {
    /// The fault that an error of the reader carries, if it carries one.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Self>().copied()
    }
}

/// A stream of bytes, read as UTF-8 text with `\n` line ends.
pub(crate) struct Text<R> {
    source: R,
    decoder: Decoder,
    hasher: blake3::Hasher,
    size: u64,
    chunk: Vec<u8>,
    decoded: Vec<u8>,
    taken: usize,
    /// The last character was a `\r`, so that a `\n` would belong to it.
    after_return: bool,
    line: u64,
    ended: bool,
    /// How many bytes of text were given, the end mark included.
    given: u64,
    record_bytes: usize,
}

impl<R: Read> Text<R> {
    /// Reads `source` in `encoding`, past its byte order mark.
    pub(crate) fn new(source: R, encoding: &'static Encoding) -> Self {
        Self {
            source,
            decoder: encoding.new_decoder_with_bom_removal(),
            hasher: blake3::Hasher::new(),
            size: 0,
            chunk: vec![0; CHUNK_BYTES],
            decoded: Vec::new(),
            taken: 0,
            after_return: false,
            line: 1,
            ended: false,
            given: 0,
            record_bytes: 0,
        }
    }

    /// Says that a record ended: the next one has the whole of [`MAX_RECORD_BYTES`] again.
    pub(crate) fn begin_record(&mut self) {
        self.record_bytes = 0;
    }

    /// Whether a reader that has consumed so many bytes has consumed the end mark.
    pub(crate) fn is_over(&self, consumed: u64) -> bool {
        self.ended && self.given == consumed
    }

    /// How many bytes were read, and their digest.
    pub(crate) fn seen(&self) -> (u64, blake3::Hash) {
        (self.size, self.hasher.finalize())
    }

    fn fill(&mut self) -> io::Result<()> {
        self.decoded.clear();
        self.taken = 0;
        while self.decoded.is_empty() && !self.ended {
            let count = loop {
                match self.source.read(&mut self.chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
            let bytes = self.chunk.get(..count).unwrap_or_default();
            self.hasher.update(bytes);
            self.size += bytes.len() as u64;
            let last = bytes.is_empty();
            let result = decode(&mut self.decoder, bytes, last, &mut self.decoded);
            self.unify_line_ends();
            self.line += newlines(&self.decoded);
            result.map_err(|()| io::Error::other(TextFault::Malformed { line: self.line }))?;
            if last {
                self.ended = true;
                self.decoded.extend_from_slice(END_MARK.as_bytes());
            }
        }
        Ok(())
    }

    fn unify_line_ends(&mut self) {
        if !self.after_return && !self.decoded.contains(&b'\r') {
            return;
        }
        let mut after_return = self.after_return;
        self.decoded.retain_mut(|byte| {
            let belongs = after_return && *byte == b'\n';
            after_return = *byte == b'\r';
            if after_return {
                *byte = b'\n';
            }
            !belongs
        });
        self.after_return = after_return;
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.decoded.len() {
            self.fill()?;
        }
        let ready = self.decoded.get(self.taken..).unwrap_or_default();
        let count = ready.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken += count;
        self.given += count as u64;
        self.record_bytes += count;
        if self.record_bytes > MAX_RECORD_BYTES {
            return Err(io::Error::other(TextFault::Endless));
        }
        Ok(count)
    }
}

/// Appends the text of `bytes` to `into`; on a malformed sequence what came before it.
fn decode(decoder: &mut Decoder, bytes: &[u8], last: bool, into: &mut Vec<u8>) -> Result<(), ()> {
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(bytes.len() * 3);
    into.resize(room, 0);
    let (result, _, written) = decoder.decode_to_utf8_without_replacement(bytes, into, last);
    into.truncate(written);
    match result {
        DecoderResult::InputEmpty => Ok(()),
        // The room suffices, so that a full output cannot be.
        DecoderResult::OutputFull | DecoderResult::Malformed(..) => Err(()),
    }
}

fn newlines(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}
