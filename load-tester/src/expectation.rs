//! Takes what shares were expected (`1:1:1`) and a report, and decides whether they agree, in a sentence.

use std::str::FromStr;

use crate::Report;

/// One part per server, the first for the server with the smallest number.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    parts: Vec<f64>,
    tolerance: f64,
}

/// Why a text is no expectation, or why a report does not meet it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExpectationError {
    /// Not numbers with colons between them.
    #[error(
        "{0:?} is no list of shares: write parts above zero, as in 1:1:1 or 5:1:1 (`1` for one server alone)"
    )]
    Parts(String),
    /// Some requests got no good answer.
    #[error(
        "{failed} of {requests} requests got no good answer, the most frequent reason is: {reason}"
    )]
    Failed {
        /// How many.
        failed: u64,
        /// Of how many.
        requests: u64,
        /// Why most of them failed.
        reason: String,
    },
    /// Answers came that do not say from whom.
    #[error("{unknown} of {requests} answers name no server")]
    Unknown {
        /// How many.
        unknown: u64,
        /// Of how many.
        requests: u64,
    },
    /// Too few or too many servers.
    #[error("{expected} server(s) should have answered, {map} shows {found}")]
    Servers {
        /// How many parts were expected.
        expected: usize,
        /// How many servers there were.
        found: usize,
        /// Who they were.
        map: String,
    },
    /// One share is off.
    #[error(
        "server {id} answered {count} requests, expected were {expected:.0}, give or take {allowed:.0}: {map}"
    )]
    Share {
        /// The server.
        id: i64,
        /// Its answers.
        count: u64,
        /// What it should have answered.
        expected: f64,
        /// The tolerance in requests.
        allowed: f64,
        /// All of them.
        map: String,
    },
}

impl FromStr for Expectation {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        let parts: Option<Vec<f64>> = text.split(':').map(part).collect();
        let parts = parts.ok_or_else(|| ExpectationError::Parts(text.to_owned()))?;
        Ok(Self {
            parts,
            tolerance: 0.0,
        })
    }
}

fn part(text: &str) -> Option<f64> {
    text.trim()
        .parse()
        .ok()
        .filter(|part: &f64| part.is_finite() && *part > 0.0)
}

impl Expectation {
    /// `percent` of all requests may be with another server than expected. One request always may: 1000 is not
    /// divisible by three.
    pub fn with_tolerance(self, percent: f64) -> Self {
        Self {
            tolerance: percent / 100.0,
            ..self
        }
    }

    /// Does the report show every request answered, in these shares?
    pub fn check(&self, report: &Report) -> Result<(), ExpectationError> {
        if let Some(first) = report.errors.first() {
            let (failed, reason) = (report.failed(), first.reason.clone());
            return Err(ExpectationError::Failed {
                failed,
                requests: report.requests,
                reason,
            });
        }
        if report.unknown > 0 {
            return Err(ExpectationError::Unknown {
                unknown: report.unknown,
                requests: report.requests,
            });
        }
        let (expected, found) = (self.parts.len(), report.servers.len());
        if expected != found {
            return Err(ExpectationError::Servers {
                expected,
                found,
                map: report.map(),
            });
        }
        let sum: f64 = self.parts.iter().sum();
        let all = report.requests as f64;
        let allowed = (self.tolerance * all).max(1.0);
        for (server, part) in report.servers.iter().zip(&self.parts) {
            let expected = all * part / sum;
            if (server.count as f64 - expected).abs() > allowed {
                let (id, count, map) = (server.id, server.count, report.map());
                return Err(ExpectationError::Share {
                    id,
                    count,
                    expected,
                    allowed,
                    map,
                });
            }
        }
        Ok(())
    }
}
