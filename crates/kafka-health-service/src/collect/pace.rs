//! When a collector asks again.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The time between the starts of two attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// Until the first success: the service has just started, and somebody waits for it.
    pub(super) at_first: Duration,
    /// After a failure.
    pub(super) after_failure: Duration,
    /// After a success, at least.
    pub(super) shortest: Duration,
    /// After a success, at most. In between, an attempt takes a twentieth of the time.
    pub(super) longest: Duration,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It saw what it wanted to see.
    Success,
    /// It saw something that needs a second look this soon.
    LookAgain(Duration),
    /// It did not.
    Failure,
}

/// An attempt follows the last one after this at the earliest, however long that took.
const BREATH: Duration = Duration::from_millis(50);
const AT_FIRST: Duration = Duration::from_millis(250);
/// A collector whose calls are heavy spends at most one part in this many on them.
const SHARE: u32 = 20;

impl Pace {
    /// A steady pace; a failed attempt is repeated after `after_failure`.
    pub(super) fn every(period: Duration, after_failure: Duration) -> Self {
        Self {
            at_first: AT_FIRST.min(period),
            after_failure: after_failure.min(period),
            shortest: period,
            longest: period,
        }
    }

    /// How long to wait after an attempt that took `took`; `usual` is what attempts usually take.
    fn wait(
        &self,
        outcome: Outcome,
        took: Duration,
        usual: Duration,
        succeeded_before: bool,
    ) -> Duration {
        let period = match outcome {
            Outcome::Success => (SHARE * usual).clamp(self.shortest, self.longest),
            Outcome::LookAgain(soon) => soon.min(self.shortest),
            Outcome::Failure if succeeded_before => self.after_failure,
            Outcome::Failure => self.at_first,
        };
        period.saturating_sub(took).max(BREATH)
    }

    /// Repeats `attempt` at this pace until `stop`. An attempt under way is dropped then.
    pub(super) async fn repeat<F>(self, stop: &CancellationToken, mut attempt: impl FnMut() -> F)
    where
        F: Future<Output = Outcome>,
    {
        let mut succeeded = false;
        let mut before = Duration::ZERO;
        let forever = async {
            loop {
                let began = Instant::now();
                let outcome = attempt().await;
                let took = began.elapsed();
                // One slow attempt is chance, two are the rule.
                let wait = self.wait(outcome, took, took.min(before), succeeded);
                before = took;
                succeeded |= outcome != Outcome::Failure;
                tokio::time::sleep(wait).await;
            }
        };
        stop.run_until_cancelled(forever).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        at_first: Duration::from_millis(250),
        after_failure: Duration::from_secs(2),
        shortest: Duration::from_secs(5),
        longest: Duration::from_secs(30),
    };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn attempts_are_quick_until_the_first_success() {
        assert_eq!(PACE.wait(Outcome::Failure, ms(10), ms(10), false), ms(240));
        assert_eq!(PACE.wait(Outcome::Failure, ms(10), ms(10), true), ms(1_990));
    }

    #[test]
    fn a_period_runs_from_start_to_start() {
        assert_eq!(
            PACE.wait(Outcome::Success, ms(100), ms(100), true),
            ms(4_900)
        );
    }

    #[test]
    fn a_slow_attempt_takes_a_twentieth_of_the_time_up_to_the_longest_period() {
        assert_eq!(
            PACE.wait(Outcome::Success, ms(1_000), ms(1_000), true),
            ms(19_000)
        );
        assert_eq!(
            PACE.wait(Outcome::Success, ms(10_000), ms(10_000), true),
            ms(20_000)
        );
    }

    #[test]
    fn one_slow_attempt_does_not_slow_the_pace() {
        assert_eq!(
            PACE.wait(Outcome::Success, ms(1_000), ms(10), true),
            ms(4_000)
        );
    }

    #[test]
    fn an_attempt_longer_than_its_period_is_followed_after_a_breath() {
        assert_eq!(
            PACE.wait(Outcome::Success, ms(40_000), ms(40_000), true),
            BREATH
        );
        assert_eq!(
            PACE.wait(Outcome::Failure, ms(2_500), ms(2_500), true),
            BREATH
        );
    }

    #[test]
    fn a_second_look_is_taken_soon() {
        assert_eq!(
            PACE.wait(Outcome::LookAgain(ms(300)), ms(10), ms(10), true),
            ms(290)
        );
    }

    #[test]
    fn a_steady_pace_is_never_slower_than_its_period() {
        let pace = Pace::every(ms(100), ms(2_000));
        assert_eq!(pace.wait(Outcome::Failure, ms(0), ms(0), false), ms(100));
        assert_eq!(pace.wait(Outcome::Failure, ms(0), ms(0), true), ms(100));
        assert_eq!(
            pace.wait(Outcome::LookAgain(ms(300)), ms(0), ms(0), true),
            ms(100)
        );
    }
}
