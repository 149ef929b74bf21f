//! When a request may be made again inside one call, and how long to wait before.
//!
//! Only two cases come here: the request provably never left (no connection), or the provider
//! answered 429 to a request that is safe to repeat. The status says that nothing was done, and is
//! taken at its word only where it does no harm if it is not so. A bare 403 or 503, a timeout and a
//! broken answer go back to the run, whatever the plugin says about repeating: they may hide an effect.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::header::{DATE, HeaderMap, RETRY_AFTER};
use rand::Rng;

use crate::timeouts::Timeouts;

/// Attempts to get a connection, the first included.
const CONNECT_ATTEMPTS: u32 = 3;

/// Attempts that may be answered with 429, the first included.
const LIMITED_ATTEMPTS: u32 = 5;

/// A longer `Retry-After` counts as this long. No provider means more, and whatever a server sends
/// must stay within what a clock can add up.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The retries of one call.
pub(crate) struct Retries {
    ceilings: ExponentialBackoff,
    smallest: Duration,
    unconnected: u32,
    limited: u32,
}

impl Retries {
    pub(crate) fn new(timeouts: &Timeouts) -> Self {
        Self {
            ceilings: ExponentialBuilder::new()
                .with_min_delay(timeouts.backoff_min)
                .with_max_delay(timeouts.backoff_max)
                .without_max_times()
                .build(),
            smallest: timeouts.backoff_min,
            unconnected: 0,
            limited: 0,
        }
    }

    /// The wait before the next attempt after a failed connection; none when enough were made.
    pub(crate) fn after_no_connection(&mut self) -> Option<Duration> {
        self.unconnected += 1;
        if self.unconnected >= CONNECT_ATTEMPTS {
            return None;
        }
        self.full_jitter()
    }

    /// The wait before the next attempt after a 429; none when enough were made.
    pub(crate) fn after_limit(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        self.limited += 1;
        if self.limited >= LIMITED_ATTEMPTS {
            return None;
        }
        match retry_after {
            // Never earlier than asked, and not all calls in the same instant.
            Some(asked) => Some(asked + random_up_to(self.smallest)),
            None => self.full_jitter(),
        }
    }

    fn full_jitter(&mut self) -> Option<Duration> {
        self.ceilings.next().map(random_up_to)
    }
}

fn random_up_to(ceiling: Duration) -> Duration {
    ceiling.mul_f64(rand::rng().random_range(0.0..=1.0))
}

/// What a `Retry-After` asks for: seconds, or a date, which is compared with the answer's own
/// `Date` where there is one so that a wrong clock on either side does no harm.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let from = headers
        .get(DATE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| httpdate::parse_http_date(text).ok())
        .unwrap_or(now);
    Some(until.duration_since(from).unwrap_or(Duration::ZERO).min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let cases = [
            (headers(&[]), None),
            (headers(&[(RETRY_AFTER, "7")]), Some(7)),
            (headers(&[(RETRY_AFTER, " 0 ")]), Some(0)),
            (headers(&[(RETRY_AFTER, "soon")]), None),
            (headers(&[(RETRY_AFTER, "-3")]), None),
            (headers(&[(RETRY_AFTER, "18446744073709551615")]), Some(86_400)),
            (headers(&[(RETRY_AFTER, "Fri, 31 Dec 9999 23:59:59 GMT")]), Some(86_400)),
            // `now` is Sun, 06 Nov 1994 08:49:37 GMT.
            (headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT")]), Some(30)),
            (headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:00 GMT")]), Some(0)),
            (
                headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 09:00:10 GMT"), (DATE, "Sun, 06 Nov 1994 09:00:00 GMT")]),
                Some(10),
            ),
        ];
        for (headers, wanted) in cases {
            assert_eq!(retry_after(&headers, now), wanted.map(Duration::from_secs), "{headers:?}");
        }
    }

    #[test]
    fn retries_end_and_stay_under_their_ceilings() {
        let timeouts = Timeouts::default();
        let mut retries = Retries::new(&timeouts);
        let mut ceiling = timeouts.backoff_min;
        for _ in 1..LIMITED_ATTEMPTS {
            assert!(retries.after_limit(None).unwrap() <= ceiling);
            ceiling = (ceiling * 2).min(timeouts.backoff_max);
        }
        assert_eq!(retries.after_limit(None), None);

        let mut retries = Retries::new(&timeouts);
        for _ in 1..CONNECT_ATTEMPTS {
            assert!(retries.after_no_connection().is_some());
        }
        assert_eq!(retries.after_no_connection(), None);
    }

    #[test]
    fn a_retry_after_is_never_cut_short() {
        let mut retries = Retries::new(&Timeouts::default());
        let asked = Duration::from_secs(3);
        assert!(retries.after_limit(Some(asked)).unwrap() >= asked);
    }
}
