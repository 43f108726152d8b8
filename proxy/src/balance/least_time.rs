//! `least_time`: the peer that will be through with one more request first, as far as averages tell.
//!
//! ```text
//!   load = average, in steps of 20 ms and 5 s at most, x (requests in flight + 1)      compared by weight, as in least_conn
//! ```
//!
//! The steps keep peers that are about as quick taking turns. A peer that was too slow to be asked gets another chance:
//! for each `fail_timeout` without a request its average counts half. Who was never asked counts as quick. With `inflight`
//! a peer whose requests wait longer than its average is as slow as they are old.

use std::time::Duration;

const STEP_MS: u64 = 20;
const MOST_MS: u64 = 5000;
/// How much of an average the newest answer is.
const SHARE: u64 = 8;

pub(crate) fn load(
    average: Duration,
    idle: Duration,
    fail_timeout: Duration,
    waiting: Duration,
    in_flight: u64,
) -> u64 {
    let periods = idle.as_millis() / fail_timeout.as_millis().max(1000);
    let halvings = u32::try_from(periods).unwrap_or(u32::MAX);
    let average = u64::try_from(average.as_millis()).unwrap_or(u64::MAX);
    let waiting = u64::try_from(waiting.as_millis()).unwrap_or(u64::MAX);
    let average = average.checked_shr(halvings).unwrap_or(0).max(waiting);
    let step = if average >= MOST_MS {
        MOST_MS
    } else {
        average - average % STEP_MS + STEP_MS
    };
    step * (in_flight + 1)
}

/// An average with one more answer in it; 0 is no answer yet.
pub(crate) fn with(average: u64, newest: u64) -> u64 {
    match average {
        0 => newest.max(1),
        _ => (average - average / SHARE + newest / SHARE).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn quick_and_idle_comes_before_slow_or_busy() {
        let load = |average, in_flight| load(ms(average), ms(0), ms(10_000), ms(0), in_flight);
        assert_eq!(
            [load(0, 0), load(19, 0), load(20, 0), load(39, 0)],
            [20, 20, 40, 40]
        );
        assert_eq!([load(0, 1), load(100, 3)], [40, 480]);
        assert_eq!(
            [load(5000, 0), load(60_000, 0)],
            [5000, 5000],
            "all are equally bad"
        );
    }

    #[test]
    fn who_was_not_asked_for_long_gets_another_chance() {
        let load = |idle| load(ms(400), ms(idle), ms(10_000), ms(0), 0);
        assert_eq!(
            [load(0), load(9_999), load(10_000), load(20_000)],
            [420, 420, 220, 120]
        );
        assert_eq!(load(10_000_000_000), 20);
    }

    #[test]
    fn who_lets_requests_wait_is_as_slow_as_they_are_old() {
        let load = |waiting| load(ms(100), ms(0), ms(10_000), ms(waiting), 0);
        assert_eq!([load(0), load(99), load(500)], [120, 120, 520]);
    }

    #[test]
    fn an_average_follows_the_answers() {
        let mut average = with(0, 800);
        assert_eq!(average, 800);
        for _ in 0..100 {
            average = with(average, 80);
        }
        assert!((70..=90).contains(&average), "{average}");
    }
}
