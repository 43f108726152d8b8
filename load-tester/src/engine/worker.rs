//! One thread of the run: an event loop over its connections. It gives due requests to idle connections, waits, lets
//! the connections that can go on go on, and hands every outcome to the tally.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};

use super::{
    connection::{Connection, Job, Outcome, Wire},
    schedule::{Due, Next, Schedule},
    wait,
};
use crate::{
    Progress,
    fault::Fault,
    tally::{Tally, Timing},
};

/// After the end of `-d`, answers still on their way are awaited this long at most.
const GRACE: Duration = Duration::from_secs(1);
/// A connection that failed waits before it tries again: a server that is down should not be asked in a busy loop.
const PAUSE: Duration = Duration::from_millis(20);
const READ_BUFFER: usize = 64 * 1024;
const EVENTS: usize = 1024;

/// What a thread is given.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) wire: Wire<'a>,
    pub(super) to_head_request: bool,
    pub(super) addresses: &'a [SocketAddr],
    pub(super) keepalive: bool,
    pub(super) timeout: Duration,
    pub(super) connections: usize,
    pub(super) start: Instant,
    pub(super) schedule: Schedule<'a>,
    pub(super) progress: &'a Progress,
}

#[derive(Debug)]
pub(super) struct Worker<'a> {
    plan: Plan<'a>,
    poll: Poll,
    connections: Vec<Connection>,
    /// Connections without a request, open or not.
    idle: Vec<usize>,
    /// Connections that failed, and when they may try again.
    paused: VecDeque<(Instant, usize)>,
    in_flight: usize,
    nothing_left: bool,
    next_check: Instant,
    /// Which of the host's addresses new connections go to.
    address: usize,
    scratch: Vec<u8>,
    tally: Tally,
    reported: (u64, u64),
}

impl<'a> Worker<'a> {
    pub(super) fn new(plan: Plan<'a>) -> io::Result<Self> {
        let connections = (0..plan.connections)
            .map(|_| Connection::new(plan.to_head_request))
            .collect();
        Ok(Self {
            poll: Poll::new()?,
            connections,
            idle: (0..plan.connections).rev().collect(),
            paused: VecDeque::new(),
            in_flight: 0,
            nothing_left: false,
            next_check: plan.start,
            address: 0,
            scratch: vec![0; READ_BUFFER],
            tally: Tally::new(plan.schedule.is_open()),
            reported: (0, 0),
            plan,
        })
    }

    pub(super) fn run(mut self) -> io::Result<Tally> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let now = Instant::now();
            self.check_time(now);
            let next_due = self.assign(now);
            self.publish();
            if self.is_over(now) {
                return Ok(self.tally);
            }
            wait::until(self.wake_time(next_due), now, &mut self.poll, &mut events)?;
            for event in &events {
                let index = event.token().0;
                let outcome =
                    self.connections[index].ready(event, self.plan.wire, &mut self.scratch);
                if outcome != Outcome::Pending {
                    let now = Instant::now();
                    self.settle(index, outcome, now);
                    self.assign(now);
                }
            }
        }
    }

    /// Gives due requests to idle connections; returns when the next one is due, if a connection waits for it.
    fn assign(&mut self, now: Instant) -> Option<Instant> {
        while let Some(&index) = self.idle.last() {
            match self.plan.schedule.next(now) {
                Next::Now(due) => {
                    self.idle.pop();
                    self.in_flight += 1;
                    self.connections[index].addresses_tried = 0;
                    self.send(
                        index,
                        Job {
                            due,
                            sent: now,
                            retried: false,
                        },
                    );
                }
                Next::At(when) => return Some(when),
                Next::Over => {
                    self.nothing_left = true;
                    break;
                }
            }
        }
        None
    }

    fn send(&mut self, index: usize, job: Job) {
        let connection = &mut self.connections[index];
        connection.job = Some(job);
        if !connection.is_open() {
            connection.address = self.address;
            let address = self.plan.addresses[self.address];
            self.tally.connections += 1;
            if let Err(error) = connection.open(address, self.poll.registry(), Token(index)) {
                return self.settle(index, Outcome::Failed(Fault::of(&error)), Instant::now());
            }
        }
        let outcome = connection.send(job, self.plan.wire, &mut self.scratch);
        self.settle(index, outcome, job.sent);
    }

    /// Draws the consequences of an outcome: counts it, and says what the connection does next.
    fn settle(&mut self, index: usize, outcome: Outcome, now: Instant) {
        let connection = &mut self.connections[index];
        match outcome {
            Outcome::Pending => {}
            Outcome::IdleClosed => connection.close(),
            Outcome::Stale => {
                connection.close();
                if let Some(job) = connection.job {
                    self.tally.retries += 1;
                    self.send(
                        index,
                        Job {
                            retried: true,
                            ..job
                        },
                    );
                }
            }
            Outcome::Answered { reusable } => {
                self.finish(index, None, now);
                if !(reusable && self.plan.keepalive) {
                    self.connections[index].close();
                }
                self.idle.push(index);
            }
            Outcome::Failed(fault) if self.try_next_address(index, fault) => {}
            Outcome::Failed(fault) => {
                self.finish(index, Some(fault), now);
                self.connections[index].close();
                if self.plan.schedule.is_open() {
                    self.idle.push(index);
                } else {
                    self.paused.push_back((now + PAUSE, index));
                }
            }
        }
    }

    /// `localhost` may mean ::1 and 127.0.0.1, with a server on one of them only.
    fn try_next_address(&mut self, index: usize, fault: Fault) -> bool {
        let connection = &mut self.connections[index];
        connection.addresses_tried += 1;
        let left = connection.addresses_tried < self.plan.addresses.len();
        if !left || !fault.is_of_address() || connection.is_sending() {
            return false;
        }
        connection.close();
        self.address = (connection.address + 1) % self.plan.addresses.len();
        if let Some(job) = connection.job {
            self.send(index, job);
        }
        true
    }

    /// The request is done, well or badly: count it.
    fn finish(&mut self, index: usize, fault: Option<Fault>, now: Instant) {
        let connection = &mut self.connections[index];
        let Some(job) = connection.job.take() else {
            return;
        };
        self.in_flight -= 1;
        self.tally.bytes += std::mem::take(&mut connection.received);
        let timing = Timing {
            at: now.saturating_duration_since(self.plan.start),
            since_due: now.saturating_duration_since(job.due.intended),
            since_sent: Some(now.saturating_duration_since(job.sent)),
        };
        match fault {
            None => self.tally.answered(timing, &connection.parser),
            Some(fault) => self.tally.failed(timing, fault),
        }
        if let Some(tell) = self.plan.progress.on_answer() {
            match fault {
                None => tell(job.due.number, &connection.parser.body().first_line()),
                Some(fault) => tell(job.due.number, &fault.to_string()),
            }
        }
    }

    /// What only the clock decides: timeouts, the end of pauses, the end of the run.
    fn check_time(&mut self, now: Instant) {
        while let Some(&(when, index)) = self.paused.front()
            && when <= now
        {
            self.paused.pop_front();
            self.idle.push(index);
        }
        if now < self.next_check {
            return;
        }
        self.next_check = now
            + (self.plan.timeout / 8).clamp(Duration::from_millis(1), Duration::from_millis(50));
        if self.plan.progress.is_stopped() {
            self.plan.schedule.stop(now);
        }
        let at_the_end = self
            .plan
            .schedule
            .until()
            .is_some_and(|until| now >= until + GRACE);
        for index in 0..self.connections.len() {
            let connection = &self.connections[index];
            let Some(job) = connection.job else { continue };
            if now.saturating_duration_since(job.sent) >= self.plan.timeout {
                let connected = connection.is_sending();
                let fault = if connected {
                    Fault::Timeout
                } else {
                    Fault::ConnectTimeout
                };
                self.settle(index, Outcome::Failed(fault), now);
            } else if at_the_end {
                self.settle(index, Outcome::Failed(Fault::CutOff), now);
            }
        }
        if at_the_end {
            self.count_unsent(now);
        }
    }

    /// Requests that were due but never found a free connection are part of the load, and of the result.
    fn count_unsent(&mut self, now: Instant) {
        while let Next::Now(Due { intended, .. }) = self.plan.schedule.next(now) {
            let timing = Timing {
                at: now.saturating_duration_since(self.plan.start),
                since_due: now.saturating_duration_since(intended),
                since_sent: None,
            };
            self.tally.failed(timing, Fault::NotSent);
        }
        self.nothing_left = true;
    }

    fn is_over(&self, now: Instant) -> bool {
        let all_paused = self.idle.is_empty() && !self.plan.schedule.is_open();
        let time_is_up = self.plan.schedule.until().is_some_and(|until| now >= until);
        self.in_flight == 0 && (self.nothing_left || all_paused && time_is_up)
    }

    fn wake_time(&self, next_due: Option<Instant>) -> Instant {
        let resume = self.paused.front().map(|&(when, _)| when);
        [next_due, resume]
            .into_iter()
            .flatten()
            .fold(self.next_check, Instant::min)
    }

    fn publish(&mut self) {
        let (done, failed) = (self.tally.finished, self.tally.failures);
        if done > self.reported.0 {
            self.plan
                .progress
                .add(done - self.reported.0, failed - self.reported.1);
            self.reported = (done, failed);
        }
    }
}
