//! Points in time at the provider's precision of one second.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds since 1970, UTC. Shown as `2024-05-01T10:00:00+00:00`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(i64);

impl Moment {
    /// The machine's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(Timestamp::now().as_second())
    }

    /// Reads ISO 8601 with an offset, or without one as UTC. Fractions of a second are dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return Some(Self(timestamp.as_second()));
        }
        let civil: DateTime = text.parse().ok()?;
        let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_second()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = Timestamp::from_second(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{}", timestamp.strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is not a time; write it as 2024-05-01T10:00:00+00:00"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_utc_and_a_missing_offset_means_utc() {
        for text in [
            "2024-05-01T12:00:00+02:00",
            "2024-05-01T10:00:00Z",
            "2024-05-01 10:00:00",
            "2024-05-01T10:00:00.900+00:00",
        ] {
            assert_eq!(Moment::parse(text).unwrap().to_string(), "2024-05-01T10:00:00+00:00");
        }
        assert_eq!(Moment::parse("yesterday"), None);
    }
}
