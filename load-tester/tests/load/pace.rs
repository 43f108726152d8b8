//! The open loop: requests leave when they are due, and what a stall holds up is counted from then.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use load_tester::{Fault, Progress, Report, run};
use tokio::io::AsyncWriteExt;

use crate::server::{Server, hello, read_head, turn};

const STALL: Duration = Duration::from_secs(1);

fn at_rate(server: &Server, rate: f64, duration: Duration, connections: usize) -> Report {
    let mut options = server.options();
    (options.requests, options.duration, options.keepalive) = (None, Some(duration), true);
    (options.rate, options.connections) = (Some(rate), connections);
    run(&options, &Progress::default()).unwrap()
}

/// Answers at once, but stops doing anything for a second when the 200th request has come.
fn stalling() -> Server {
    thread_local! {
        static BUSY: Rc<tokio::sync::Mutex<()>> = Rc::default();
    }
    Server::start(|_, mut stream| async move {
        let busy = BUSY.with(Rc::clone);
        while read_head(&mut stream).await? {
            let at_work = busy.lock().await;
            if turn() == 200 {
                tokio::time::sleep(STALL).await;
            }
            drop(at_work);
            stream.write_all(hello(1).as_bytes()).await?;
        }
        Ok(())
    })
}

/// Two connections, 200 requests a second for three seconds, and a server that does nothing during one of them. Two
/// requests meet the stall; some 200 more are due meanwhile and cannot even be sent. A client that starts its clock
/// when it sends sees two slow requests in 600, and its p99 says that all is well.
#[test]
fn corrected_percentiles_see_the_stall_that_uncorrected_ones_hide() {
    let report = at_rate(&stalling(), 200.0, Duration::from_secs(3), 2);
    let uncorrected = report.latency_uncorrected.as_ref().unwrap();
    assert_eq!((report.requests, report.failed()), (600, 0));
    assert_eq!((report.latency.count, uncorrected.count), (600, 600));

    let seen = [
        report.latency.p90_ms,
        report.latency.p99_ms,
        report.latency.max_ms,
    ];
    assert!(
        seen[0] > 400.0 && seen[1] > 800.0 && seen[2] > 900.0,
        "corrected: {seen:?}"
    );
    assert!(
        uncorrected.p99_ms < 300.0,
        "uncorrected p99: {}",
        uncorrected.p99_ms
    );
    assert!(
        uncorrected.max_ms > 900.0,
        "the stall did happen: {}",
        uncorrected.max_ms
    );
}

#[test]
fn a_rate_is_kept_by_a_server_that_keeps_up() {
    let before = Instant::now();
    let report = at_rate(
        &Server::answering(hello(1)),
        1000.0,
        Duration::from_secs(1),
        50,
    );
    assert_eq!(
        (report.requests, report.map().as_str()),
        (1000, "{1: 1000}")
    );
    assert!(before.elapsed() > Duration::from_millis(990) && report.seconds > 0.99);
}

#[test]
fn requests_that_could_not_be_sent_are_counted_and_so_is_their_waiting() {
    let silent = Server::start(|_, mut stream| async move {
        read_head(&mut stream).await?;
        std::future::pending().await
    });
    let report = at_rate(&silent, 100.0, Duration::from_millis(500), 2);
    let groups: Vec<_> = report
        .errors
        .iter()
        .map(|group| (group.fault, group.count))
        .collect();
    assert_eq!(groups, [(Fault::NotSent, 48), (Fault::CutOff, 2)]);
    assert_eq!((report.requests, report.latency.count), (50, 50));
    assert!(report.latency.p50_ms > 500.0, "{}", report.latency.p50_ms);
    assert_eq!(report.latency_uncorrected.unwrap().count, 2);
}
