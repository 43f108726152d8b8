//! Counts outcomes while the run goes on. Every thread has its own tally; they are merged at the end. Nothing is lost:
//! servers' counts, unknown answers and faults add up to the number of requests.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use crate::{
    fault::Fault,
    response::ResponseParser,
    timeline::{Join, Timeline},
};

/// More different servers than this are counted as unknown: an answer must not decide how much memory we use.
const MAX_SERVERS: usize = 64;
/// Latencies are kept in microseconds, up to an hour.
const LONGEST: u64 = 3_600_000_000;

/// When something ended, and how long it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Since the start of the run.
    pub(crate) at: Duration,
    /// Since the request should have been sent.
    pub(crate) since_due: Duration,
    /// Since it really was.
    pub(crate) since_sent: Option<Duration>,
}

/// What one server did.
#[derive(Debug)]
pub(crate) struct ServerTally {
    pub(crate) count: u64,
    pub(crate) latency: Histogram<u64>,
    pub(crate) answers: Timeline,
}

#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) finished: u64,
    pub(crate) failures: u64,
    pub(crate) servers: BTreeMap<i64, ServerTally>,
    pub(crate) unknown: u64,
    pub(crate) unknown_sample: Option<String>,
    pub(crate) unknown_answers: Timeline,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) fault_times: Timeline,
    /// Since the request was due; without a rate, the same as since it was sent.
    pub(crate) latency: Histogram<u64>,
    /// Since it was sent: kept beside the other only where they differ.
    pub(crate) uncorrected: Option<Histogram<u64>>,
    pub(crate) slowest: Timeline,
    pub(crate) connections: u64,
    pub(crate) retries: u64,
    pub(crate) bytes: u64,
    pub(crate) last: Duration,
}

impl Tally {
    pub(crate) fn new(open_loop: bool) -> Self {
        Self {
            finished: 0,
            failures: 0,
            servers: BTreeMap::new(),
            unknown: 0,
            unknown_sample: None,
            unknown_answers: Timeline::new(Join::Sum),
            statuses: BTreeMap::new(),
            faults: BTreeMap::new(),
            fault_times: Timeline::new(Join::Sum),
            latency: histogram(3),
            uncorrected: open_loop.then(|| histogram(3)),
            slowest: Timeline::new(Join::Largest),
            connections: 0,
            retries: 0,
            bytes: 0,
            last: Duration::ZERO,
        }
    }

    /// A whole answer came. From 400 on it is a fault all the same.
    pub(crate) fn answered(&mut self, timing: Timing, answer: &ResponseParser) {
        *self.statuses.entry(answer.status()).or_default() += 1;
        self.time(timing);
        if answer.status() >= 400 {
            return self.fault(timing, Fault::Status(answer.status()));
        }
        self.finished += 1;
        let id = answer.body().server_id();
        let room = self.servers.len() < MAX_SERVERS;
        match id.filter(|id| room || self.servers.contains_key(id)) {
            Some(id) => {
                let server = self.servers.entry(id).or_insert_with(ServerTally::new);
                server.count += 1;
                server.latency.saturating_record(micros(timing.since_due));
                server.answers.record(timing.at, 1);
            }
            None => {
                self.unknown += 1;
                self.unknown_sample
                    .get_or_insert_with(|| answer.body().first_line());
                self.unknown_answers.record(timing.at, 1);
            }
        }
    }

    /// No whole answer came.
    pub(crate) fn failed(&mut self, timing: Timing, fault: Fault) {
        if fault.waited() {
            self.time(timing);
        }
        self.fault(timing, fault);
    }

    fn fault(&mut self, timing: Timing, fault: Fault) {
        self.last = self.last.max(timing.at);
        self.finished += 1;
        self.failures += 1;
        *self.faults.entry(fault).or_default() += 1;
        self.fault_times.record(timing.at, 1);
    }

    fn time(&mut self, timing: Timing) {
        self.last = self.last.max(timing.at);
        self.latency.saturating_record(micros(timing.since_due));
        if let (Some(histogram), Some(since_sent)) = (&mut self.uncorrected, timing.since_sent) {
            histogram.saturating_record(micros(since_sent));
        }
        self.slowest.record(timing.at, micros(timing.since_due));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.finished += other.finished;
        self.failures += other.failures;
        for (id, server) in other.servers {
            self.servers
                .entry(id)
                .or_insert_with(ServerTally::new)
                .merge(server);
        }
        self.unknown += other.unknown;
        self.unknown_sample = self.unknown_sample.take().or(other.unknown_sample);
        self.unknown_answers.merge(other.unknown_answers);
        add_counts(&mut self.statuses, other.statuses);
        add_counts(&mut self.faults, other.faults);
        self.fault_times.merge(other.fault_times);
        add_histogram(&mut self.latency, &other.latency);
        if let (Some(mine), Some(theirs)) = (&mut self.uncorrected, &other.uncorrected) {
            add_histogram(mine, theirs);
        }
        self.slowest.merge(other.slowest);
        self.connections += other.connections;
        self.retries += other.retries;
        self.bytes += other.bytes;
        self.last = self.last.max(other.last);
    }
}

impl ServerTally {
    fn new() -> Self {
        // Two digits are enough to compare servers, and keep many of them small.
        Self {
            count: 0,
            latency: histogram(2),
            answers: Timeline::new(Join::Sum),
        }
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        add_histogram(&mut self.latency, &other.latency);
        self.answers.merge(other.answers);
    }
}

fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, digits).expect("these bounds are valid")
}

fn add_histogram(mine: &mut Histogram<u64>, theirs: &Histogram<u64>) {
    mine.add(theirs).expect("both have the same bounds");
}

fn add_counts<K: Ord>(mine: &mut BTreeMap<K, u64>, theirs: BTreeMap<K, u64>) {
    for (key, count) in theirs {
        *mine.entry(key).or_default() += count;
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros())
        .unwrap_or(LONGEST)
        .clamp(1, LONGEST)
}
