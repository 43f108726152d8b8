//! Is a peer worth a request? Learnt from requests that went there anyway (passive checks), as nginx does it; what
//! active checks say (`verdict`) counts beside it.
//!
//! ```text
//!            failure, fewer than max_fails           failure number max_fails
//!   healthy ───────────────────────────────> suspect ────────────────────────> out, for fail_timeout
//!      ^                                        │                                │  then ONE trial request
//!      └── success, fail_timeout after the last failure ─────────────────────────┘  (failed: out again)
//! ```
//!
//! A pure state machine: the time is passed in, and what it says of itself is what the status page and the log show.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::roster::Checks;
use super::verdict::{Turn, Verdict};

/// What went wrong with a request at a peer, in the words of the log, the status page and the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Connect(ErrorKind),
    #[error("timed out")]
    Timeout,
    #[error("connection closed before the whole response came")]
    ReadError,
    #[error("invalid response header")]
    InvalidHeader,
    #[error("status {0}")]
    HttpStatus(u16),
    /// Its address is none that may be connected to.
    #[error("access denied")]
    Denied,
}

/// The two numbers of a `server` line that decide. `max_fails` 0: a peer is never taken out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Health {
    fails: u32,
    last_failure: Option<(Failure, Instant)>,
    /// The last failure, or the trial after it: for `fail_timeout` from here on no (other) request is admitted.
    checked: Option<Instant>,
    outage: Option<Outage>,
    /// What the active checks say, in their order.
    verdicts: Vec<Verdict>,
    /// Which set of checks that is.
    expected: u64,
}

/// A time without this peer, and what ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outage {
    pub(crate) reason: String,
    pub(crate) since: Instant,
    /// When it was over; `None` while it lasts.
    pub(crate) back: Option<Instant>,
}

impl Health {
    // ANCHOR: admits
    /// May this peer have a request now?
    pub(crate) fn admits(&self, policy: Policy, now: Instant) -> bool {
        self.passes_checks()
            && (policy.max_fails == 0
                || self.fails < policy.max_fails
                || self.is_trial_due(policy, now))
    }
    // ANCHOR_END: admits

    /// From now on these checks are made. What earlier ones have found is kept as far as they are the same.
    pub(super) fn expect(&mut self, checks: &Checks) {
        if self.expected != checks.id {
            let before = std::mem::take(&mut self.verdicts);
            let rules = checks.rules.iter().enumerate();
            let begin = rules.map(|(number, rules)| Verdict::begin(*rules, before.get(number)));
            self.verdicts = begin.collect();
            self.expected = checks.id;
        }
    }

    /// A check has come to its end. One of a configuration that is gone says nothing.
    pub(super) fn checked(
        &mut self,
        number: usize,
        result: Result<(), String>,
        next: Instant,
        now: Instant,
    ) -> Option<Turn> {
        let verdict = self.verdicts.get_mut(number)?;
        verdict.next = Some(next);
        match result {
            Ok(()) => verdict.passed(now),
            Err(why) => verdict.failed(why, now),
        }
    }

    pub(super) fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    fn passes_checks(&self) -> bool {
        self.verdicts.iter().all(Verdict::is_healthy)
    }

    /// Neither failures nor checks speak against it.
    pub(super) fn is_clean(&self) -> bool {
        self.fails == 0 && self.passes_checks()
    }

    /// The peer was chosen. If it was out, this request is its trial, and the next one has to wait.
    pub(crate) fn picked(&mut self, policy: Policy, now: Instant) {
        if self.is_trial_due(policy, now) {
            self.checked = Some(now);
        }
    }

    /// Returns the reason if this failure took the peer out.
    pub(crate) fn failed(
        &mut self,
        policy: Policy,
        failure: Failure,
        now: Instant,
    ) -> Option<&str> {
        self.fails = self.fails.saturating_add(1);
        self.last_failure = Some((failure, now));
        self.checked = Some(now);
        if policy.max_fails == 0 || self.fails < policy.max_fails || self.is_out() {
            return None;
        }
        let failures = if self.fails == 1 {
            "1 failure".into()
        } else {
            format!("{} failures", self.fails)
        };
        let reason = format!("{failures} in {:?}: {failure}", policy.fail_timeout);
        Some(
            &self
                .outage
                .insert(Outage {
                    reason,
                    since: now,
                    back: None,
                })
                .reason,
        )
    }

    /// Returns how long the peer was out if this answer brought it back.
    ///
    /// Only the answer to a request that was sent after the last failure, and `fail_timeout` later, clears the
    /// failures: answers to requests that were under way when the peer broke prove nothing.
    pub(crate) fn succeeded(&mut self, policy: Policy, now: Instant) -> Option<Duration> {
        let failed_at = self.last_failure.map(|(_, at)| at);
        if policy.max_fails > 0 && self.checked <= failed_at {
            return None;
        }
        self.fails = 0;
        self.end_outage(now)
    }

    /// The name of the peer does not resolve (any more).
    pub(crate) fn lost(&mut self, trouble: &str, now: Instant) {
        match &mut self.outage {
            Some(outage) if outage.back.is_none() => {
                if !outage.reason.contains("does not resolve") {
                    outage.reason = format!("{}; {trouble}", outage.reason);
                }
            }
            _ => {
                self.outage = Some(Outage {
                    reason: trouble.to_owned(),
                    since: now,
                    back: None,
                });
            }
        }
    }

    /// The peer has a new address: what was learnt about the old one does not count.
    pub(crate) fn moved(&mut self, now: Instant) -> Option<Duration> {
        self.fails = 0;
        self.verdicts.iter_mut().for_each(Verdict::begin_again);
        self.end_outage(now)
    }

    pub(crate) fn fails(&self) -> u32 {
        self.fails
    }

    pub(crate) fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref()
    }

    pub(crate) fn last_failure(&self) -> Option<Failure> {
        self.last_failure.map(|(failure, _)| failure)
    }

    /// When the next trial is due.
    pub(crate) fn until(&self, policy: Policy) -> Option<Instant> {
        self.checked.map(|checked| checked + policy.fail_timeout)
    }

    pub(crate) fn is_out(&self) -> bool {
        self.outage
            .as_ref()
            .is_some_and(|outage| outage.back.is_none())
    }

    fn is_trial_due(&self, policy: Policy, now: Instant) -> bool {
        self.checked
            .is_none_or(|checked| now.saturating_duration_since(checked) > policy.fail_timeout)
    }

    fn end_outage(&mut self, now: Instant) -> Option<Duration> {
        let outage = self
            .outage
            .as_mut()
            .filter(|outage| outage.back.is_none())?;
        outage.back = Some(now);
        Some(now.saturating_duration_since(outage.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: Failure = Failure::Connect(ErrorKind::ConnectionRefused);

    /// A peer with `max_fails` and fail_timeout=10s, and a clock that the test turns.
    struct Story {
        health: Health,
        policy: Policy,
        start: Instant,
    }

    impl Story {
        fn new(max_fails: u32) -> Self {
            let policy = Policy {
                max_fails,
                fail_timeout: Duration::from_secs(10),
            };
            Self {
                health: Health::default(),
                policy,
                start: Instant::now(),
            }
        }
        fn at(&self, second: u64) -> Instant {
            self.start + Duration::from_secs(second)
        }
        fn admits(&self, second: u64) -> bool {
            self.health.admits(self.policy, self.at(second))
        }
        fn pick(&mut self, second: u64) {
            assert!(self.admits(second), "picked at {second} s while it is out");
            self.health.picked(self.policy, self.at(second));
        }
        fn fail(&mut self, second: u64) -> Option<String> {
            self.health
                .failed(self.policy, REFUSED, self.at(second))
                .map(str::to_owned)
        }
        fn succeed(&mut self, second: u64) -> Option<Duration> {
            self.health.succeeded(self.policy, self.at(second))
        }
    }

    #[test]
    fn max_fails_failures_take_it_out_and_say_why() {
        let mut peer = Story::new(2);
        assert_eq!(peer.fail(0), None);
        assert!(peer.admits(0), "one of two is not enough");
        assert_eq!(
            peer.fail(3).unwrap(),
            "2 failures in 10s: connection refused"
        );
        assert!(!peer.admits(3));
        assert_eq!(peer.health.outage().unwrap().since, peer.at(3));
        assert_eq!(peer.health.until(peer.policy), Some(peer.at(13)));
    }

    #[test]
    fn after_fail_timeout_one_request_tries_it() {
        let mut peer = Story::new(1);
        assert_eq!(
            peer.fail(0).unwrap(),
            "1 failure in 10s: connection refused"
        );
        assert!(!peer.admits(10), "fail_timeout has to be over");
        peer.pick(11);
        assert!(!peer.admits(11), "one trial at a time");
        assert!(!peer.admits(21));
        assert!(
            peer.admits(22),
            "a trial that never ends does not block the next"
        );
    }

    #[test]
    fn a_good_trial_brings_it_back() {
        let mut peer = Story::new(1);
        peer.fail(0);
        peer.pick(11);
        assert_eq!(peer.succeed(12), Some(Duration::from_secs(12)));
        assert!(peer.admits(12));
        assert_eq!(peer.health.outage().unwrap().back, Some(peer.at(12)));
        assert_eq!(peer.succeed(13), None, "it comes back once");
    }

    #[test]
    fn a_failed_trial_keeps_it_out_for_another_fail_timeout() {
        let mut peer = Story::new(1);
        peer.fail(0);
        peer.pick(11);
        assert_eq!(peer.fail(12), None, "it was out already");
        assert!(!peer.admits(22));
        assert!(peer.admits(23));
        assert_eq!(
            peer.health.outage().unwrap().since,
            peer.at(0),
            "the outage is one, from its start"
        );
    }

    #[test]
    fn answers_to_requests_from_before_the_failure_prove_nothing() {
        let mut peer = Story::new(1);
        peer.pick(0);
        peer.pick(0);
        peer.fail(1);
        assert_eq!(peer.succeed(2), None);
        assert!(!peer.admits(2));
    }

    #[test]
    fn a_failure_is_forgotten_after_fail_timeout_and_a_success() {
        let mut peer = Story::new(2);
        peer.fail(0);
        peer.pick(5);
        peer.succeed(5);
        assert_eq!(peer.health.fails(), 1, "not yet: the window is open");
        peer.pick(11);
        peer.succeed(11);
        assert_eq!(peer.health.fails(), 0);
        peer.fail(12);
        assert!(peer.admits(12), "this is the first failure again");
    }

    #[test]
    fn max_fails_0_never_takes_it_out() {
        let mut peer = Story::new(0);
        for second in 0..100 {
            assert_eq!(peer.fail(second), None);
            assert!(peer.admits(second));
        }
        peer.succeed(100);
        assert_eq!(
            peer.health.fails(),
            0,
            "and one success clears what is shown"
        );
    }

    #[test]
    fn a_new_address_starts_without_a_past() {
        let mut peer = Story::new(1);
        peer.fail(0);
        assert_eq!(peer.health.moved(peer.at(3)), Some(Duration::from_secs(3)));
        assert!(peer.admits(3));
    }

    #[test]
    fn a_name_that_is_lost_during_an_outage_adds_to_its_reason() {
        let mut peer = Story::new(1);
        peer.fail(0);
        peer.health.lost("does not resolve any more", peer.at(1));
        peer.health.lost("does not resolve any more", peer.at(2));
        let outage = peer.health.outage().unwrap();
        assert_eq!(
            outage.reason,
            "1 failure in 10s: connection refused; does not resolve any more"
        );
        assert_eq!(outage.since, peer.at(0));
    }
}
