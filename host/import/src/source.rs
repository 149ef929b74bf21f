//! The bytes of a file, unpacked on the way where it is packed (gzip).
//!
//! Both readings go through here, so that nothing behind it knows a packed file from a plain one.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// The first bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How many bytes are unpacked at most: eight times the largest file that the readings are tried with,
/// and still read through in minutes.
const MAX_UNPACKED_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// How many times its packed size a file may have. Lists of contacts pack to a third or, where whole
/// columns repeat, to a fiftieth; gzip can reach a thousandth, and only a trap does.
const MAX_RATIO: u64 = 200;

/// Up to this size no ratio is asked for: a few repeated rows are no trap.
const RATIO_FREE_BYTES: u64 = 16 * 1024 * 1024;

/// The bytes of a file.
pub(crate) enum Source {
    Plain(File),
    Gzip(Box<Unpacked>),
}

impl Source {
    /// Opens a file, and knows a packed one by its first bytes, whatever it is called.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut head = Vec::new();
        (&mut file).take(GZIP_MAGIC.len() as u64).read_to_end(&mut head)?;
        file.seek(SeekFrom::Start(0))?;
        if head != GZIP_MAGIC {
            return Ok(Self::Plain(file));
        }
        let packed = BufReader::new(Counted { file, bytes: 0 });
        Ok(Self::Gzip(Box::new(Unpacked { decoder: MultiGzDecoder::new(packed), bytes: 0 })))
    }

    /// Whether the file is packed.
    pub(crate) fn is_packed(&self) -> bool {
        matches!(self, Self::Gzip(_))
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(into),
            Self::Gzip(unpacked) => unpacked.read(into),
        }
    }
}

/// A gzip file of one or several members, unpacked as a stream.
pub(crate) struct Unpacked {
    decoder: MultiGzDecoder<BufReader<Counted>>,
    bytes: u64,
}

impl Read for Unpacked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(into).map_err(|error| match error.kind() {
            // The system's own errors have a number, and those of the format have none.
            _ if error.raw_os_error().is_some() => error,
            io::ErrorKind::Interrupted => error,
            io::ErrorKind::UnexpectedEof => PackedFault::Truncated.into(),
            _ => PackedFault::Damaged.into(),
        })?;
        self.bytes += count as u64;
        let packed = self.decoder.get_ref().get_ref().bytes;
        weigh(packed, self.bytes)?;
        Ok(count)
    }
}

/// Stops a file that unpacks to more than a list of contacts can be.
fn weigh(packed: u64, unpacked: u64) -> Result<(), PackedFault> {
    if unpacked > MAX_UNPACKED_BYTES {
        return Err(PackedFault::TooLarge);
    }
    if unpacked > RATIO_FREE_BYTES && unpacked / MAX_RATIO > packed {
        return Err(PackedFault::TooDense);
    }
    Ok(())
}

/// A file that knows how many of its bytes were taken.
struct Counted {
    file: File,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

/// A fault of the packing; it travels inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackedFault {
    /// It ends before its end.
    Truncated,
    /// Its checksum or its structure is wrong.
    Damaged,
    /// It unpacks to more than [`MAX_UNPACKED_BYTES`].
    TooLarge,
    /// It unpacks to more than [`MAX_RATIO`] times its size.
    TooDense,
}

impl PackedFault {
    /// The fault that an error carries, if it carries one.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Self>().copied()
    }

    /// What is to be done about it.
    pub(crate) fn mend(self) -> &'static str {
        match self {
            Self::Truncated => "copy or download it again, whole",
            Self::Damaged => "copy or pack it again (`gzip --test` shows whether it is whole)",
            Self::TooLarge => "split it into several files",
            Self::TooDense => "unpack it, look at what it holds, and import that",
        }
    }
}

impl fmt::Display for PackedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("ends in the middle"),
            Self::Damaged => f.write_str("is damaged"),
            Self::TooLarge => write!(f, "unpacks to more than {} GiB", MAX_UNPACKED_BYTES >> 30),
            Self::TooDense => write!(f, "unpacks to more than {MAX_RATIO} times its size"),
        }
    }
}

impl std::error::Error for PackedFault {}

impl From<PackedFault> for io::Error {
    fn from(fault: PackedFault) -> Self {
        Self::other(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_list_of_contacts_can_be_is_unpacked_and_a_trap_is_not() {
        assert_eq!(weigh(1_000, RATIO_FREE_BYTES), Ok(()));
        assert_eq!(weigh(10 << 20, 1 << 30), Ok(()));
        assert_eq!(weigh(1_000, RATIO_FREE_BYTES + 1), Err(PackedFault::TooDense));
        assert_eq!(weigh(1 << 40, MAX_UNPACKED_BYTES + 1), Err(PackedFault::TooLarge));
    }
}
