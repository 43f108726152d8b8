//! Decides when the next request is due. Pure: time is passed in.
//!
//! Closed loop: whenever a connection is free, and the server sets the pace. Open loop (`rate`): at fixed times, and a
//! request that finds no free connection is late by the server's fault, so its latency is counted from when it was due.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// One request: its number, and when it should have been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) number: u64,
    pub(super) intended: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Now(Due),
    At(Instant),
    Over,
}

/// One thread's part of the schedule.
#[derive(Debug)]
pub(super) struct Schedule<'a> {
    /// Shared by all threads of a closed loop: the next number.
    tickets: &'a AtomicU64,
    limit: u64,
    until: Option<Instant>,
    open: Option<OpenLoop>,
}

/// Every `step`-th request of the whole run, beginning with `number`.
#[derive(Debug)]
struct OpenLoop {
    start: Instant,
    rate: f64,
    number: u64,
    step: u64,
}

impl<'a> Schedule<'a> {
    pub(super) fn closed(
        tickets: &'a AtomicU64,
        limit: Option<u64>,
        until: Option<Instant>,
    ) -> Self {
        Self {
            tickets,
            limit: limit.unwrap_or(u64::MAX),
            until,
            open: None,
        }
    }

    /// Turns a closed schedule into thread `thread` of `threads` of an open one.
    pub(super) fn at_rate(
        mut self,
        rate: f64,
        start: Instant,
        thread: usize,
        threads: usize,
    ) -> Self {
        self.open = Some(OpenLoop {
            start,
            rate,
            number: thread as u64,
            step: threads as u64,
        });
        self
    }

    pub(super) fn next(&mut self, now: Instant) -> Next {
        let Some(open) = &mut self.open else {
            return self.next_closed(now);
        };
        let offset = Duration::try_from_secs_f64(open.number as f64 / open.rate).ok();
        let Some(intended) = offset.and_then(|offset| open.start.checked_add(offset)) else {
            return Next::Over;
        };
        if open.number >= self.limit || self.until.is_some_and(|until| intended >= until) {
            return Next::Over;
        }
        if intended > now {
            return Next::At(intended);
        }
        let number = open.number;
        open.number += open.step;
        Next::Now(Due { number, intended })
    }

    fn next_closed(&mut self, now: Instant) -> Next {
        if self.until.is_some_and(|until| now >= until) {
            return Next::Over;
        }
        let number = self.tickets.fetch_add(1, Ordering::Relaxed);
        if number >= self.limit {
            Next::Over
        } else {
            Next::Now(Due {
                number,
                intended: now,
            })
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// When no further request falls due, if time decides that.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Lets nothing fall due from `now` on.
    pub(super) fn stop(&mut self, now: Instant) {
        self.until = Some(self.until.map_or(now, |until| until.min(now)));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::AtomicU64,
        time::{Duration, Instant},
    };

    use super::{Next, Schedule};

    fn numbers(schedule: &mut Schedule<'_>, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| match schedule.next(now) {
            Next::Now(due) => Some(due.number),
            Next::At(_) | Next::Over => None,
        })
        .collect()
    }

    #[test]
    fn threads_of_a_closed_loop_share_the_numbers() {
        let (tickets, now) = (AtomicU64::new(0), Instant::now());
        let mut one = Schedule::closed(&tickets, Some(3), None);
        let mut two = Schedule::closed(&tickets, Some(3), None);
        assert!(matches!(one.next(now), Next::Now(due) if due.number == 0));
        assert_eq!(numbers(&mut two, now), [1, 2]);
        assert_eq!(one.next(now), Next::Over);
    }

    #[test]
    fn an_open_loop_is_due_at_fixed_times_however_late_we_ask() {
        // rate 10/s, two threads:   0 ms: #0 (thread 0)   100: #1 (thread 1)   200: #2 (thread 0) ...
        let (tickets, start) = (AtomicU64::new(0), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        let mut thread =
            Schedule::closed(&tickets, None, Some(at(1000))).at_rate(10.0, start, 1, 2);
        assert_eq!(thread.next(at(0)), Next::At(at(100)));
        assert!(
            matches!(thread.next(at(350)), Next::Now(due) if due.number == 1 && due.intended == at(100))
        );
        assert!(
            matches!(thread.next(at(350)), Next::Now(due) if due.number == 3 && due.intended == at(300))
        );
        assert_eq!(thread.next(at(350)), Next::At(at(500)));
        // Everything that was due before the end stays due after it.
        assert_eq!(numbers(&mut thread, at(5000)), [5, 7, 9]);
        assert_eq!(thread.next(at(5000)), Next::Over);
    }

    #[test]
    fn a_stopped_schedule_is_over() {
        let (tickets, now) = (AtomicU64::new(0), Instant::now());
        let mut schedule = Schedule::closed(&tickets, Some(10), None);
        schedule.stop(now);
        assert_eq!(schedule.next(now), Next::Over);
    }

    #[test]
    fn a_rate_too_small_to_fall_due_again_is_over() {
        let (tickets, now) = (AtomicU64::new(0), Instant::now());
        let mut schedule = Schedule::closed(&tickets, None, None).at_rate(1e-300, now, 0, 1);
        assert_eq!(numbers(&mut schedule, now), [0]);
        assert_eq!(schedule.next(now), Next::Over);
    }
}
