//! What the comparison found: a line per configuration, every difference in full, the marked ones by their reason.
use std::process::ExitCode;

use super::rules::{RULES, explain};
use super::site::{Row, Site};
use crate::paint;

/// One request's two answers.
pub(super) struct Outcome<'a> {
    pub(super) row: &'a Row,
    pub(super) strict: bool,
    pub(super) expected: String,
    pub(super) got: String,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    verbose: bool,
    sites: usize,
    same: usize,
    intended: usize,
    /// By rule.
    explained: [usize; RULES.len()],
    different: usize,
    refused: usize,
}

impl Tally {
    pub(super) fn new(verbose: bool) -> Self {
        Self {
            verbose,
            ..Self::default()
        }
    }

    pub(super) fn site(&mut self, site: &Site) {
        self.sites += 1;
        println!(
            "{} ({} requests)",
            paint::bold(&site.name),
            site.requests.len()
        );
    }

    /// Ours did not take the configuration: all its requests differ.
    pub(super) fn refused(&mut self, site: &Site, error: &anyhow::Error) {
        self.site(site);
        self.refused += site.requests.len();
        println!("  {} {error:#}", paint::red("✗"));
    }

    pub(super) fn add(&mut self, outcome: Outcome<'_>) {
        let Outcome {
            row,
            strict,
            expected,
            got,
        } = outcome;
        if self.verbose {
            println!(
                "  > {}\n    {}",
                row.title(),
                expected.replace('\n', "\n    ")
            );
        }
        let explained = if strict {
            None
        } else {
            explain(&expected, &got)
        };
        match (expected == got, row.differs(), explained) {
            (true, None, _) => self.same += 1,
            (false, None, Some(rule)) => self.explained[rule] += 1,
            (false, Some(reason), _) => {
                self.intended += 1;
                println!(
                    "  {} {}\n      differs on purpose: {reason}",
                    paint::yellow("≠"),
                    row.title()
                );
            }
            (true, Some(_), _) => {
                self.different += 1;
                println!(
                    "  {} {}\n      is marked as different, but is the same",
                    paint::red("✗"),
                    row.title()
                );
            }
            (false, None, None) => {
                self.different += 1;
                println!("  {} {}", paint::red("✗"), row.title());
                print_difference(&expected, &got);
            }
        }
    }

    pub(super) fn conclude(&self) -> ExitCode {
        let Self {
            sites,
            same,
            intended,
            different,
            refused,
            ..
        } = self;
        let explained: usize = self.explained.iter().sum();
        for (rule, times) in RULES
            .iter()
            .zip(self.explained)
            .filter(|(_, times)| *times > 0)
        {
            println!(
                "{} {times} answers differ on purpose: {}",
                paint::yellow("≠"),
                rule.reason
            );
        }
        let requests = same + intended + explained + different + refused;
        println!(
            "{requests} requests over {sites} configurations: {same} the same, {} different on purpose, \
             {different} different, {refused} to configurations that ours refused",
            intended + explained
        );
        if different + refused == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// Lines that only one side has; common ones would drown them.
fn print_difference(expected: &str, got: &str) {
    for (mark, lines, others) in [("nginx", expected, got), ("ours ", got, expected)] {
        let others: Vec<_> = others.lines().collect();
        for line in lines.lines().filter(|line| !others.contains(line)) {
            println!("      {mark} {line}");
        }
    }
}
