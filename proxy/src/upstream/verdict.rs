//! Is a peer worth a request? Learnt by asking it (active checks, `health_check`), before a client has to.
//!
//! ```text
//!   checking ── first check ──> healthy ── `fails` checks failed in a row ──> unhealthy ── `passes` passed ──> healthy
//!   (mandatory)   failed ─────> unhealthy
//! ```
//!
//! A pure state machine, one for each check of each peer: the time is passed in.

use std::time::Instant;

/// What a `health_check` line says about counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckRules {
    /// Failures in a row that take a peer out.
    pub(crate) fails: u32,
    /// Passes in a row that bring it back.
    pub(crate) passes: u32,
    /// No request before the first check has passed.
    pub(crate) mandatory: bool,
    /// A peer that was healthy before a reload still is.
    pub(crate) persistent: bool,
}

impl CheckRules {
    fn first(&self) -> Standing {
        if self.mandatory {
            Standing::Checking
        } else {
            Standing::Healthy
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Checking,
    Healthy,
    Unhealthy,
}

/// What a check has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is out.
    Out,
    /// It takes requests again, or for the first time.
    Back,
}

#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    rules: CheckRules,
    pub(crate) standing: Standing,
    /// Results in a row that speak against the standing.
    against: u32,
    pub(crate) checks: u64,
    pub(crate) fails: u64,
    /// How often it was found unhealthy.
    pub(crate) outages: u64,
    /// Why the last check failed; `None` after one that passed.
    pub(crate) why: Option<String>,
    /// When the standing began.
    pub(crate) since: Option<Instant>,
    /// When it is asked again.
    pub(crate) next: Option<Instant>,
}

impl Verdict {
    /// `before` is what was known by the configuration before, if it checked this, too.
    pub(crate) fn begin(rules: CheckRules, before: Option<&Self>) -> Self {
        let is_new = Self {
            rules,
            standing: rules.first(),
            against: 0,
            checks: 0,
            fails: 0,
            outages: 0,
            why: None,
            since: None,
            next: None,
        };
        let Some(before) = before else {
            return is_new;
        };
        let known = Self {
            rules,
            against: 0,
            ..before.clone()
        };
        if rules.mandatory && !rules.persistent {
            let (standing, since) = (is_new.standing, is_new.since);
            return Self {
                standing,
                since,
                ..known
            };
        }
        known
    }

    /// There is another peer behind it now. Numbers go on.
    pub(crate) fn begin_again(&mut self) {
        self.standing = self.rules.first();
        (self.against, self.why, self.since) = (0, None, None);
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.standing == Standing::Healthy
    }

    pub(crate) fn passed(&mut self, now: Instant) -> Option<Turn> {
        self.checks += 1;
        self.why = None;
        match self.standing {
            Standing::Healthy => {
                self.against = 0;
                None
            }
            Standing::Checking => Some(self.turn(Standing::Healthy, Turn::Back, now)),
            Standing::Unhealthy => {
                self.against += 1;
                (self.against >= self.rules.passes)
                    .then(|| self.turn(Standing::Healthy, Turn::Back, now))
            }
        }
    }

    pub(crate) fn failed(&mut self, why: String, now: Instant) -> Option<Turn> {
        self.checks += 1;
        self.fails += 1;
        self.why = Some(why);
        match self.standing {
            Standing::Unhealthy => {
                self.against = 0;
                None
            }
            Standing::Checking => Some(self.turn(Standing::Unhealthy, Turn::Out, now)),
            Standing::Healthy => {
                self.against += 1;
                (self.against >= self.rules.fails)
                    .then(|| self.turn(Standing::Unhealthy, Turn::Out, now))
            }
        }
    }

    fn turn(&mut self, to: Standing, turn: Turn, now: Instant) -> Turn {
        self.outages += u64::from(turn == Turn::Out);
        (self.standing, self.against, self.since) = (to, 0, Some(now));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(fails: u32, passes: u32) -> CheckRules {
        CheckRules {
            fails,
            passes,
            mandatory: false,
            persistent: false,
        }
    }

    /// `.` is a check that passed, `x` one that failed; `h`, `u`, `c` is the standing after each.
    fn story(rules: CheckRules, checks: &str) -> String {
        let (mut verdict, now) = (Verdict::begin(rules, None), Instant::now());
        let after = |check| {
            let (before, turn) = match check {
                '.' => (verdict.standing, verdict.passed(now)),
                _ => (verdict.standing, verdict.failed("oh".to_owned(), now)),
            };
            assert_eq!(turn.is_some(), before != verdict.standing);
            match verdict.standing {
                Standing::Healthy => 'h',
                Standing::Unhealthy => 'u',
                Standing::Checking => 'c',
            }
        };
        checks.chars().map(after).collect()
    }

    #[test]
    fn so_many_in_a_row_take_it_out_and_bring_it_back() {
        assert_eq!(story(rules(1, 1), ".x.x"), "huhu");
        assert_eq!(story(rules(3, 2), "xx.xxx.x..x"), "hhhhhuuuuhh");
    }

    #[test]
    fn the_first_check_of_a_mandatory_one_decides_alone() {
        let mandatory = CheckRules {
            mandatory: true,
            ..rules(3, 3)
        };
        assert_eq!(Verdict::begin(mandatory, None).standing, Standing::Checking);
        assert_eq!(story(mandatory, ".xxx"), "hhhu");
        assert_eq!(story(mandatory, "x...x"), "uuuhh");
    }

    #[test]
    fn a_reload_forgets_what_it_should() {
        let now = Instant::now();
        let (mut good, mut bad) = (
            Verdict::begin(rules(1, 1), None),
            Verdict::begin(rules(1, 1), None),
        );
        good.passed(now);
        bad.failed("oh".to_owned(), now);
        let after = |mandatory, persistent| {
            let rules = CheckRules {
                mandatory,
                persistent,
                ..rules(1, 1)
            };
            [&good, &bad].map(|before| Verdict::begin(rules, Some(before)).standing)
        };
        let (healthy, unhealthy, checking) =
            (Standing::Healthy, Standing::Unhealthy, Standing::Checking);
        assert_eq!(
            after(false, false),
            [healthy, unhealthy],
            "it need not fail again"
        );
        assert_eq!(after(true, false), [checking, checking]);
        assert_eq!(after(true, true), [healthy, unhealthy]);
        assert_eq!(
            Verdict::begin(rules(1, 1), Some(&bad)).fails,
            1,
            "numbers go on"
        );
    }
}
