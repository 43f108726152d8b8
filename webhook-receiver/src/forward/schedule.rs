//! When to try again. The pause doubles with each failure and is then drawn at random between nothing and that (full
//! jitter): a thousand clients that lost the same server must not all come back in the same second. Pure: the random
//! number is passed in.

use std::time::Duration;

/// How often, and how long between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Attempts in all; after the last one the event is a dead letter.
    pub(crate) attempts: u32,
    /// The longest first pause.
    pub(crate) first: Duration,
    /// No pause is longer, whatever the target asks for.
    pub(crate) longest: Duration,
}

impl Schedule {
    /// The pause after `failed` attempts, None to give up. `asked` is the target's Retry-After; `random` is in 0..1.
    pub(crate) fn pause(
        &self,
        failed: u32,
        asked: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let doubled = self
            .first
            .saturating_mul(1 << failed.saturating_sub(1).min(20));
        let drawn = doubled.min(self.longest).mul_f64(random.clamp(0.0, 1.0));
        Some(drawn.max(asked.unwrap_or_default()).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        attempts: 6,
        first: Duration::from_millis(500),
        longest: Duration::from_secs(5),
    };

    #[test]
    fn the_pause_doubles_up_to_the_longest_and_ends() {
        let pauses: Vec<_> = (1..=6)
            .map(|failed| {
                SCHEDULE
                    .pause(failed, None, 1.0)
                    .map(|pause| pause.as_millis())
            })
            .collect();
        assert_eq!(
            pauses,
            [
                Some(500),
                Some(1000),
                Some(2000),
                Some(4000),
                Some(5000),
                None
            ]
        );
        assert_eq!(SCHEDULE.pause(u32::MAX, None, 1.0), None);
    }

    #[test]
    fn jitter_takes_any_part_of_the_pause() {
        for (random, millis) in [(0.0, 0), (0.5, 1000), (1.0, 2000), (7.0, 2000)] {
            let pause = SCHEDULE.pause(3, None, random).unwrap();
            assert_eq!(pause.as_millis(), millis, "{random}");
        }
    }

    #[test]
    fn retry_after_is_the_least_but_not_beyond_the_longest() {
        let asked = |seconds| {
            SCHEDULE
                .pause(1, Some(Duration::from_secs(seconds)), 0.0)
                .unwrap()
        };
        assert_eq!(asked(3), Duration::from_secs(3));
        assert_eq!(asked(3600), Duration::from_secs(5));
    }
}
