//! What a run found, as plain data: the JSON that `--json` prints, and what the text and the HTML page are made from.

mod bars;
pub mod html;
mod latency;
pub mod text;
mod units;

use std::collections::BTreeMap;

pub use latency::{Latency, Percentile};
use serde::Serialize;

use crate::{Options, fault::Fault, tally::Tally};

/// The result of one run. `servers`, `unknown` and `errors` add up to `requests`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whom we asked.
    pub target: String,
    /// How we asked.
    pub method: String,
    /// Requests offered: answered, failed, and those that were due but could not be sent.
    pub requests: u64,
    /// Requests per second that got a whole answer, whatever its status.
    pub requests_per_second: f64,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Requests per second that were asked for, if `--rate` was given.
    pub rate: Option<f64>,
    /// Connections used at the same time.
    pub connections: usize,
    /// Connections opened in all, those that failed included.
    pub connections_opened: u64,
    /// Whether connections were used again.
    pub keepalive: bool,
    /// Requests sent a second time because the server closed a kept connection at that moment.
    pub retries: u64,
    /// All bytes of all answers.
    pub bytes_received: u64,
    /// Who answered how often, by number.
    pub servers: Vec<ServerShare>,
    /// Good answers that name no server.
    pub unknown: u64,
    /// The first line of one of them.
    pub unknown_sample: Option<String>,
    /// Requests without a good answer, by reason, the most frequent first.
    pub errors: Vec<ErrorGroup>,
    /// Answers by status code, errors included.
    pub statuses: BTreeMap<u16, u64>,
    /// Latency. With a rate it is corrected: counted from when a request was due, so that a stall counts for every
    /// request it held up.
    pub latency: Latency,
    /// With a rate, what a client that counts from the real sending would have seen.
    pub latency_uncorrected: Option<Latency>,
    /// The run in equal slices of time.
    pub timeline: Vec<Moment>,
}

/// What one server did.
#[derive(Debug, Clone, Serialize)]
pub struct ServerShare {
    /// Its number.
    pub id: i64,
    /// Its answers.
    pub count: u64,
    /// Its part of all requests, from 0 to 1.
    pub share: f64,
    /// Its latency.
    pub latency: Latency,
}

/// Requests that failed for the same reason.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorGroup {
    /// The reason.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// What to do about it.
    pub hint: String,
    /// The reason to match on.
    #[serde(skip)]
    pub fault: Fault,
}

/// One slice of the run.
#[derive(Debug, Clone, Serialize)]
pub struct Moment {
    /// When it began.
    pub at_seconds: f64,
    /// Answers per server, in the order of `Report::servers`.
    pub servers: Vec<u64>,
    /// Good answers that name no server.
    pub unknown: u64,
    /// Failures.
    pub errors: u64,
    /// The slowest request that ended in it.
    pub slowest_ms: f64,
}

impl Report {
    pub(crate) fn new(options: &Options, connections: usize, mut tally: Tally) -> Self {
        let timeline = timeline(&mut tally);
        let seconds = tally.last.as_secs_f64().max(1e-6);
        let whole_answers: u64 = tally.statuses.values().sum();
        let mut errors: Vec<_> = tally
            .faults
            .iter()
            .map(|(&fault, &count)| ErrorGroup::new(fault, count))
            .collect();
        errors.sort_by_key(|group| std::cmp::Reverse(group.count));
        let servers = tally.servers.iter().map(|(&id, server)| ServerShare {
            id,
            count: server.count,
            share: server.count as f64 / tally.finished.max(1) as f64,
            latency: Latency::of(&server.latency),
        });
        Self {
            target: options.target.to_string(),
            method: options.method.clone(),
            requests: tally.finished,
            requests_per_second: whole_answers as f64 / seconds,
            seconds,
            rate: options.rate,
            connections,
            connections_opened: tally.connections,
            keepalive: options.keepalive,
            retries: tally.retries,
            bytes_received: tally.bytes,
            servers: servers.collect(),
            unknown: tally.unknown,
            errors,
            latency: Latency::of(&tally.latency),
            latency_uncorrected: tally.uncorrected.as_ref().map(Latency::of),
            timeline,
            unknown_sample: tally.unknown_sample,
            statuses: tally.statuses,
        }
    }

    /// Requests without a good answer.
    pub fn failed(&self) -> u64 {
        self.errors.iter().map(|group| group.count).sum()
    }

    /// The module's map of answers per server: `{1: 333, 2: 333, 3: 334}`.
    pub fn map(&self) -> String {
        let pairs: Vec<_> = self
            .servers
            .iter()
            .map(|server| format!("{}: {}", server.id, server.count))
            .collect();
        format!("{{{}}}", pairs.join(", "))
    }
}

impl ErrorGroup {
    fn new(fault: Fault, count: u64) -> Self {
        Self {
            reason: fault.to_string(),
            count,
            hint: fault.hint(),
            fault,
        }
    }
}

/// Puts the timelines side by side, all in slices of the same length.
fn timeline(tally: &mut Tally) -> Vec<Moment> {
    let servers = tally.servers.values_mut().map(|server| &mut server.answers);
    let single = [
        &mut tally.unknown_answers,
        &mut tally.fault_times,
        &mut tally.slowest,
    ];
    let mut all: Vec<_> = servers.chain(single).collect();
    let power = all
        .iter()
        .map(|timeline| timeline.power())
        .max()
        .unwrap_or(0);
    for timeline in &mut all {
        timeline.coarsen_to(power);
    }
    let slice_ms = 1_u64 << power;
    let millis = u64::try_from(tally.last.as_millis()).unwrap_or(u64::MAX);
    let count = usize::try_from(millis / slice_ms + 1).unwrap_or(usize::MAX);
    (0..count.min(tally.slowest.slices().len()))
        .map(|index| Moment {
            at_seconds: (index as u64 * slice_ms) as f64 / 1e3,
            servers: tally
                .servers
                .values()
                .map(|server| server.answers.slices()[index])
                .collect(),
            unknown: tally.unknown_answers.slices()[index],
            errors: tally.fault_times.slices()[index],
            slowest_ms: tally.slowest.slices()[index] as f64 / 1e3,
        })
        .collect()
}
