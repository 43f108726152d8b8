//! Signals: reload without losing a request, finish on QUIT, logs opened anew on USR1.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::Signal;

use crate::harness::{Backend, Proxy, command, wait_for, write_config};

fn answering(text: &str) -> String {
    format!("server {{ listen unix:DIR/front.sock; location / {{ return 200 \"{text}\\n\"; }} }}")
}

#[test]
fn fifty_reloads_under_load_lose_not_one_request() {
    let proxy = Arc::new(Proxy::start(&answering("generation 0")));
    let (stop, served) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (proxy, stop, served) =
                (Arc::clone(&proxy), Arc::clone(&stop), Arc::clone(&served));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if client % 2 == 0 {
                        let answer = proxy.get("/");
                        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
                    } else {
                        keep_asking(&proxy, 20);
                    }
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for generation in 1..=50 {
        let before = served.load(Ordering::Relaxed);
        write_config(
            proxy.dir.path(),
            &answering(&format!("generation {generation}")),
        );
        proxy.signal(Signal::SIGHUP);
        wait_for("the new generation", || {
            proxy
                .get("/")
                .ends_with(&format!("generation {generation}\n"))
                .then_some(())
        });
        wait_for("the clients to go on", || {
            (served.load(Ordering::Relaxed) > before).then_some(())
        });
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("no request was lost");
    }
}

/// Request after request on one connection.
fn keep_asking(proxy: &Proxy, count: usize) {
    let mut stream = proxy.connect();
    for _ in 0..count {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\n") || !answer.windows(10).any(|w| w == b"generation") {
            let mut piece = [0; 512];
            let length = stream.read(&mut piece).expect("answered");
            assert!(length > 0, "the connection was closed without an answer");
            answer.extend_from_slice(&piece[..length]);
        }
    }
}

#[test]
fn the_reload_command_returns_when_the_new_configuration_is_in_use() {
    let proxy = Proxy::start(&answering("generation 0"));
    for generation in 1..=10 {
        let text = format!("generation {generation}");
        write_config(proxy.dir.path(), &answering(&text));
        let reload = command(proxy.dir.path()).args(["-s", "reload"]).output();
        let reload = reload.expect("the command runs");
        assert!(reload.status.success(), "{reload:?}");
        assert!(proxy.get("/").ends_with(&format!("{text}\n")));
    }
}

#[test]
fn a_broken_configuration_changes_nothing() {
    let proxy = Proxy::start(&answering("old"));
    write_config(proxy.dir.path(), "server { nonsense; }");
    proxy.signal(Signal::SIGHUP);
    wait_for("the complaint", || {
        proxy
            .log("error.log")
            .contains("unknown directive \"nonsense\"")
            .then_some(())
    });
    assert!(proxy.get("/").ends_with("old\n"));
}

#[test]
fn quit_lets_a_request_finish_and_then_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let backend = Backend::start(dir.path(), "back.sock", move |mut stream, _| {
        wait.recv_timeout(crate::harness::PATIENCE)
            .expect("the test says when");
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    });
    let mut proxy = Proxy::start_in(
        dir,
        "server { listen unix:DIR/front.sock; location / { proxy_pass http://unix:DIR/back.sock; } }",
    );
    let mut stream = proxy.connect();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("sent");
    wait_for("the backend to be asked", || {
        (!backend.seen().is_empty()).then_some(())
    });
    proxy.signal(Signal::SIGQUIT);
    wait_for("the proxy to say so", || {
        proxy.log("error.log").contains("gracefully").then_some(())
    });
    go.send(()).expect("the backend waits");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(
        answer.ends_with("done") && answer.contains("Connection: close"),
        "{answer}"
    );
    assert!(proxy.ended());
    assert!(!proxy.path("proxy.pid").exists(), "the pid file is gone");
}

#[test]
fn logs_are_opened_anew_on_usr1() {
    let proxy = Proxy::start(&answering("x"));
    proxy.get("/before");
    wait_for("the first line", || {
        proxy.log("access.log").contains("/before").then_some(())
    });
    std::fs::rename(proxy.path("access.log"), proxy.path("access.log.1")).expect("rotated");
    proxy.signal(Signal::SIGUSR1);
    wait_for("the new file", || {
        proxy.path("access.log").exists().then_some(())
    });
    proxy.get("/after");
    wait_for("the second line", || {
        proxy.log("access.log").contains("/after").then_some(())
    });
    assert!(!proxy.log("access.log.1").contains("/after"));
}
