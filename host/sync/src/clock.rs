//! The machine's clock.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_store::clock::Clock;

/// How long nobody looks at the clock at most. It may be set while somebody waits, and while a machine sleeps,
/// what the wait is measured by stands still: whoever waits is that much late at most.
const LOOKS_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn until(&self, moment: Timestamp) {
        while let Some(wait) = wait(self.now(), moment) {
            tokio::time::sleep(wait).await;
        }
    }
}

/// How long to wait before the next look; none when the moment has come.
fn wait(now: Timestamp, moment: Timestamp) -> Option<Duration> {
    // It is negative when the moment is past.
    let left = Duration::try_from(moment.duration_since(now)).ok()?;
    (!left.is_zero()).then_some(left.min(LOOKS_AGAIN_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_what_is_past_nor_long_without_a_look() {
        let now = Timestamp::UNIX_EPOCH;
        let in_millis = |millis| wait(now, Timestamp::from_millisecond(millis).unwrap());
        assert_eq!(in_millis(-1), None);
        assert_eq!(in_millis(0), None);
        assert_eq!(in_millis(1), Some(Duration::from_millis(1)));
        assert_eq!(in_millis(86_400_000), Some(LOOKS_AGAIN_AFTER));
        assert_eq!(wait(Timestamp::MIN, Timestamp::MAX), Some(LOOKS_AGAIN_AFTER));
    }

    #[tokio::test]
    async fn a_moment_that_has_come_is_not_waited_for() {
        SystemClock.until(SystemClock.now()).await;
        SystemClock.until(Timestamp::MIN).await;
    }
}
