//! Every way to end an answer is understood, connections are used as asked, and nothing is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use load_tester::{Fault, Progress, Report, response::BadResponse, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{Server, balanced, hello, read_head};

fn report(server: &Server, change: impl FnOnce(&mut load_tester::Options)) -> Report {
    let mut options = server.options();
    options.requests = Some(20);
    options.connections = 4;
    options.timeout = Duration::from_secs(10);
    change(&mut options);
    run(&options, &Progress::default()).unwrap()
}

#[test]
fn a_thousand_requests_at_once_are_shared_by_three_servers() {
    let (front, _backends) = balanced();
    let report = run(&front.options(), &Progress::default()).unwrap();
    assert_eq!(report.map(), "{1: 334, 2: 333, 3: 333}");
    assert_eq!(
        (report.requests, report.connections_opened, report.failed()),
        (1000, 1000, 0)
    );
}

#[test]
fn all_requests_are_in_flight_before_the_first_is_answered() {
    // Nobody gets an answer until everybody has asked.
    let waiting = Arc::new(tokio::sync::Barrier::new(300));
    let server = Server::start(move |_, mut stream| {
        let waiting = Arc::clone(&waiting);
        async move {
            read_head(&mut stream).await?;
            waiting.wait().await;
            stream.write_all(hello(1).as_bytes()).await
        }
    });
    let report = report(&server, |options| {
        (options.requests, options.connections) = (Some(300), 300);
    });
    assert_eq!(report.map(), "{1: 300}");
}

#[test]
fn bodies_end_by_length_by_chunk_and_by_close() {
    for (wire, closes) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nHello from Server 7!",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nHello from \r\n9\r\nServer 7!\r\n0\r\n\r\n",
            false,
        ),
        (
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n7!",
            false,
        ),
        ("HTTP/1.1 200 OK\r\n\r\nHello from Server 7!", true),
        ("HTTP/1.0 200 OK\r\n\r\nHello from Server 7!", true),
    ] {
        // Byte by byte, so that every boundary falls between two reads once.
        let server = Server::start(move |_, mut stream| async move {
            stream.set_nodelay(true)?;
            while read_head(&mut stream).await? {
                for byte in wire.bytes() {
                    stream.write_all(&[byte]).await?;
                    tokio::task::yield_now().await;
                }
                if closes {
                    return Ok(());
                }
            }
            Ok(())
        });
        let report = report(&server, |options| options.keepalive = true);
        assert_eq!(
            (report.map().as_str(), report.failed()),
            ("{7: 20}", 0),
            "{wire:?}"
        );
        assert_eq!(
            report.connections_opened,
            if closes { 20 } else { 4 },
            "{wire:?}"
        );
    }
}

#[test]
fn a_large_body_is_read_to_its_end_and_counted() {
    let body = "x".repeat(3_000_000) + " Server 5!";
    let wire = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let length = wire.len() as u64;
    let report = report(&Server::answering(wire), |options| options.keepalive = true);
    assert_eq!(
        (report.map().as_str(), report.bytes_received),
        ("{5: 20}", 20 * length)
    );
}

#[test]
fn a_large_request_body_is_sent_whole() {
    let server = Server::start(|_, mut stream| async move {
        read_head(&mut stream).await?;
        let mut body = vec![0; 5_000_000];
        stream.read_exact(&mut body).await?;
        let whole = body.iter().all(|&byte| byte == b'a');
        stream.write_all(hello(usize::from(whole)).as_bytes()).await
    });
    let report = report(&server, |options| {
        options.method = "POST".into();
        options.body = vec![b'a'; 5_000_000];
    });
    assert_eq!(report.map(), "{1: 20}");
}

#[test]
fn answers_to_head_have_no_body() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");
    let report = report(&server, |options| {
        (options.method, options.keepalive) = ("HEAD".into(), true);
    });
    assert_eq!(
        (report.requests, report.unknown, report.failed()),
        (20, 20, 0)
    );
}

#[test]
fn connections_are_kept_or_not_as_asked() {
    let server = Server::answering(hello(1));
    assert_eq!(
        report(&server, |options| options.keepalive = true).connections_opened,
        4
    );
    assert_eq!(
        report(&server, |options| options.keepalive = false).connections_opened,
        20
    );
}

/// Answers the first request of every connection and hangs up on the second.
fn forgetful() -> Server {
    Server::start(|_, mut stream| async move {
        if read_head(&mut stream).await? {
            stream.write_all(hello(1).as_bytes()).await?;
            read_head(&mut stream).await?;
        }
        Ok(())
    })
}

#[test]
fn a_request_that_met_a_closing_connection_is_sent_again_and_said_so() {
    let report = report(&forgetful(), |options| {
        (options.keepalive, options.connections) = (true, 1);
    });
    assert_eq!((report.map().as_str(), report.failed()), ("{1: 20}", 0));
    assert_eq!((report.retries, report.connections_opened), (19, 20));
}

#[test]
fn a_post_is_never_sent_twice() {
    let report = report(&forgetful(), |options| {
        (options.keepalive, options.connections, options.method) = (true, 1, "POST".into());
    });
    assert_eq!(
        (report.retries, report.requests, report.map().as_str()),
        (0, 20, "{1: 10}")
    );
    assert_eq!(
        (report.errors[0].fault, report.errors[0].count),
        (Fault::ClosedEarly, 10)
    );
}

#[test]
fn bytes_beyond_the_announced_length_are_an_error() {
    let report = report(&Server::answering(hello(1) + "?"), |options| {
        options.keepalive = true;
    });
    assert_eq!(
        report.errors[0].fault,
        Fault::BadResponse(BadResponse::Excess)
    );
    assert_eq!(report.failed(), 20);
}

#[test]
fn threads_share_the_work_and_every_answer_is_told() {
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let progress = Progress::with_answers(Box::new(move |number, answer| {
        assert!(number < 1000 && answer == "Hello from Server 1!");
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    let server = Server::answering(hello(1));
    let mut options = server.options();
    (options.connections, options.threads, options.keepalive) = (10, 3, true);
    let report = run(&options, &progress).unwrap();
    assert_eq!(
        (report.map().as_str(), report.connections_opened),
        ("{1: 1000}", 10)
    );
    assert_eq!(
        (told.load(Ordering::Relaxed), progress.finished()),
        (1000, (1000, 0))
    );
}
