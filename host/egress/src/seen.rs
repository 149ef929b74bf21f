//! What the host saw of the requests that are not safe to repeat.
//!
//! Whether an effect may be tried again depends on whether a byte left and on what came back, and only
//! the host knows either. Of several requests the most doubtful one counts: a job that got one
//! answer and lost another has lost one.

/// What became of a job's requests that are not safe to repeat; of several, the most doubtful one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The job made none.
    NoRequest,
    /// No byte of it was written: the address was not allowed, the name was not found, the connection
    /// was refused, the handshake failed.
    NeverWritten,
    /// The provider's complete answer arrived, with this status.
    Answered(u16),
    /// It was, or may have been, written, and then the provider took too long or the connection broke.
    NoAnswer,
    /// It was, or may have been, written, and then the job was ended. While a job runs, a request that
    /// is under way is seen so.
    Killed,
}

/// Where the doubt stands in a packed value, above any status.
const DOUBT_SHIFT: u32 = u16::BITS;

impl Seen {
    /// What it comes to when the job was ended: whoever would have read an answer is gone, and what
    /// was never written stays so.
    #[must_use]
    pub fn cut_off(self) -> Self {
        match self {
            Self::NoRequest | Self::NeverWritten => self,
            Self::Answered(_) | Self::NoAnswer | Self::Killed => Self::Killed,
        }
    }

    /// How doubtful it is. Of answers, a refusal leaves the least doubt; what was done can't be
    /// undone, so it weighs more; whatever is neither may be anything.
    fn doubt(self) -> u32 {
        match self {
            Self::NoRequest => 0,
            Self::NeverWritten => 1,
            Self::Answered(408 | 409 | 425 | 429) => 4,
            Self::Answered(400..=499) => 2,
            Self::Answered(200..=299) => 3,
            Self::Answered(_) => 4,
            Self::NoAnswer => 5,
            Self::Killed => 6,
        }
    }

    /// One number, so that the greater of two is the more doubtful one.
    pub(crate) fn packed(self) -> u32 {
        let status = match self {
            Self::Answered(status) => status,
            Self::NoRequest | Self::NeverWritten | Self::NoAnswer | Self::Killed => 0,
        };
        (self.doubt() << DOUBT_SHIFT) | u32::from(status)
    }

    /// What [`Seen::packed`] made a number of.
    pub(crate) fn unpacked(packed: u32) -> Self {
        let [low, high, ..] = packed.to_le_bytes();
        match packed >> DOUBT_SHIFT {
            0 => Self::NoRequest,
            1 => Self::NeverWritten,
            2..=4 => Self::Answered(u16::from_le_bytes([low, high])),
            5 => Self::NoAnswer,
            _ => Self::Killed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_value_comes_back() {
        let all = [Seen::NoRequest, Seen::NeverWritten, Seen::NoAnswer, Seen::Killed];
        for seen in all.into_iter().chain((0..=u16::MAX).map(Seen::Answered)) {
            assert_eq!(Seen::unpacked(seen.packed()), seen);
        }
    }

    #[test]
    fn the_most_doubtful_one_is_the_greatest() {
        let rising = [
            Seen::NoRequest,
            Seen::NeverWritten,
            Seen::Answered(422),
            Seen::Answered(200),
            Seen::Answered(429),
            Seen::Answered(503),
            Seen::NoAnswer,
            Seen::Killed,
        ];
        assert!(rising.windows(2).all(|pair| pair[0].packed() < pair[1].packed()));
        assert!(Seen::Answered(302).packed() > Seen::Answered(299).packed());
    }

    #[test]
    fn what_was_never_written_is_not_killed() {
        assert_eq!(Seen::NoRequest.cut_off(), Seen::NoRequest);
        assert_eq!(Seen::NeverWritten.cut_off(), Seen::NeverWritten);
        for seen in [Seen::Answered(200), Seen::Answered(422), Seen::NoAnswer, Seen::Killed] {
            assert_eq!(seen.cut_off(), Seen::Killed);
        }
    }
}
