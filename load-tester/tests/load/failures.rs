//! What goes wrong is grouped, counted and explained, and never lost.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use load_tester::{Fault, Options, Progress, response::BadResponse, run};
use tokio::{io::AsyncWriteExt, net::TcpSocket};

use crate::server::{Server, hello, read_head};

#[test]
fn every_kind_of_failure_is_a_group_and_all_counts_add_up() {
    // connection:  0 good   1 closed without a word   2 cut short   3 overloaded   4 not HTTP   5 never answered   6 good ...
    let server = Server::start(|number, mut stream| async move {
        read_head(&mut stream).await?;
        match number % 6 {
            0 => stream.write_all(hello(1).as_bytes()).await,
            1 => Ok(()),
            2 => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHello")
                    .await
            }
            3 => {
                stream
                    .write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
                    .await
            }
            4 => stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await,
            _ => std::future::pending().await,
        }
    });
    let mut options = server.options();
    (options.requests, options.connections) = (Some(120), 30);
    options.timeout = Duration::from_secs(2);
    let report = run(&options, &Progress::default()).unwrap();

    let mut groups: Vec<_> = report
        .errors
        .iter()
        .map(|group| (group.fault, group.count))
        .collect();
    groups.sort_unstable();
    let expected = [
        (Fault::Timeout, 20),
        (Fault::ClosedEarly, 40),
        (Fault::BadResponse(BadResponse::NotHttp), 20),
        (Fault::Status(503), 20),
    ];
    assert_eq!(groups, expected);
    assert_eq!((report.requests, report.map().as_str()), (120, "{1: 20}"));
    assert_eq!(
        report
            .statuses
            .iter()
            .map(|(&status, &count)| (status, count))
            .collect::<Vec<_>>(),
        [(200, 20), (503, 20)]
    );
    assert!(
        report
            .errors
            .iter()
            .all(|group| !group.hint.is_empty() && !group.reason.is_empty())
    );
    assert_eq!(report.errors[0].count, 40, "the most frequent comes first");
}

/// A port that is taken, so that no other test gets it, but has no listener.
fn nobody() -> (TcpSocket, Options) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    (socket, Options::new(url.parse().unwrap()))
}

#[test]
fn a_port_where_nobody_listens_asks_whether_the_lab_is_up() {
    let (_port, options) = nobody();
    let report = run(&options, &Progress::default()).unwrap();
    assert_eq!((report.requests, report.errors.len()), (1000, 1));
    assert_eq!(
        (report.errors[0].fault, report.errors[0].count),
        (Fault::Refused, 1000)
    );
    assert!(report.errors[0].hint.contains("Is the lab up?"));
}

#[test]
fn a_server_that_is_down_is_not_asked_in_a_busy_loop() {
    let (_port, mut options) = nobody();
    (options.requests, options.duration, options.connections) =
        (None, Some(Duration::from_millis(400)), 5);
    let report = run(&options, &Progress::default()).unwrap();
    // Five connections, a pause of 20 ms after each failure.
    assert!(
        (5..=5 * 21).contains(&report.requests),
        "{}",
        report.requests
    );
    assert_eq!(report.failed(), report.requests);
}

#[test]
fn the_other_address_of_a_name_is_tried_before_giving_up() {
    // `localhost` is ::1 and 127.0.0.1 on many machines, and this server listens on the second only.
    let server = Server::answering(hello(1));
    let mut options = Options::new(
        format!("http://localhost:{}/", server.address.port())
            .parse()
            .unwrap(),
    );
    options.requests = Some(50);
    let report = run(&options, &Progress::default()).unwrap();
    assert_eq!((report.map().as_str(), report.failed()), ("{1: 50}", 0));
}

#[test]
fn a_duration_ends_the_run_even_if_nobody_answers() {
    let server = Server::start(|_, mut stream| async move {
        read_head(&mut stream).await?;
        std::future::pending().await
    });
    let mut options = server.options();
    (options.requests, options.duration, options.connections) =
        (None, Some(Duration::from_millis(300)), 7);
    let before = Instant::now();
    let report = run(&options, &Progress::default()).unwrap();
    assert!(
        before.elapsed() < Duration::from_secs(10),
        "{:?}",
        before.elapsed()
    );
    assert_eq!(
        (report.requests, report.errors[0].fault),
        (7, Fault::CutOff)
    );
}

#[test]
fn a_run_can_be_stopped_and_reports_what_it_did() {
    let server = Server::answering(hello(1));
    let mut options = server.options();
    (options.requests, options.duration, options.keepalive) =
        (None, Some(Duration::from_secs(600)), true);
    options.connections = 2;
    let progress = Arc::new(Progress::default());
    let watched = Arc::clone(&progress);
    let running = thread::spawn(move || run(&options, &watched).unwrap());
    while progress.finished().0 < 100 {
        thread::yield_now();
    }
    progress.stop();
    let report = running.join().unwrap();
    assert!(report.requests >= 100 && report.failed() == 0);
}

#[test]
fn what_cannot_be_run_is_refused_before_the_first_connection() {
    let (_port, mut options) = nobody();
    options.connections = 0;
    assert_eq!(
        run(&options, &Progress::default()).unwrap_err().to_string(),
        "the number of connections must be more than zero"
    );
    let nowhere = Options::new("http://does-not-exist.invalid/".parse().unwrap());
    assert!(
        run(&nowhere, &Progress::default())
            .unwrap_err()
            .to_string()
            .contains("no address")
    );
}
