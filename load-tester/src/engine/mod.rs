//! Takes checked options, starts the threads, waits for them, and adds up what they counted.

mod connection;
mod schedule;
mod wait;
mod worker;

use std::{io, net::SocketAddr, sync::atomic::AtomicU64, thread, time::Instant};

use connection::Wire;
use schedule::Schedule;
use worker::{Plan, Worker};

use crate::{Options, OptionsError, Progress, Report, open_files, request, tally::Tally};

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The options contradict themselves.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The target's name has no address.
    #[error("{target} cannot be asked: no address for its name")]
    Resolve {
        /// The address as given.
        target: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// The system gave no event queue or thread.
    #[error("the system gives no event queue or thread")]
    System(#[from] io::Error),
}

/// Offers the load and reports what came back. Blocks until the run is over; `progress` can be watched, and told to
/// stop, from other threads. Raises this process's limit of open files if the connections need it.
pub fn run(options: &Options, progress: &Progress) -> Result<Report, RunError> {
    options.check()?;
    let addresses = options
        .target
        .resolve()
        .map_err(|source| RunError::Resolve {
            target: options.target.to_string(),
            source,
        })?;
    let connections = options.requests.map_or(options.connections, |requests| {
        options
            .connections
            .min(usize::try_from(requests).unwrap_or(usize::MAX))
    });
    open_files::make_room_for(connections);
    let tally = offer(options, progress, &addresses, connections)?;
    Ok(Report::new(options, connections, tally))
}

fn offer(
    options: &Options,
    progress: &Progress,
    addresses: &[SocketAddr],
    connections: usize,
) -> Result<Tally, RunError> {
    let request = request::bytes(options);
    let wire = Wire {
        request: &request,
        idempotent: options.is_idempotent(),
    };
    let tickets = AtomicU64::new(0);
    let threads = options.threads.min(connections);
    let start = Instant::now();
    let until = options
        .duration
        .and_then(|duration| start.checked_add(duration));
    let plan = |thread: usize| {
        let mut schedule = Schedule::closed(&tickets, options.requests, until);
        if let Some(rate) = options.rate {
            schedule = schedule.at_rate(rate, start, thread, threads);
        }
        Plan {
            wire,
            to_head_request: options.method == "HEAD",
            addresses,
            keepalive: options.keepalive,
            timeout: options.timeout,
            // The first threads take one more each if it does not divide evenly.
            connections: connections / threads + usize::from(thread < connections % threads),
            start,
            schedule,
            progress,
        }
    };
    thread::scope(|scope| {
        let mut running = Vec::with_capacity(threads);
        for thread in 0..threads {
            let worker = Worker::new(plan(thread))?;
            let builder = thread::Builder::new().name(format!("load-{thread}"));
            running.push(builder.spawn_scoped(scope, move || worker.run())?);
        }
        let mut total = Tally::new(options.rate.is_some());
        for thread in running {
            total.merge(thread.join().expect("a worker does not panic")?);
        }
        Ok(total)
    })
}
