//! `resolver`, and the names in `proxy_pass` and `server ... resolve`: what DNS says is followed while requests run.
//! On Linux, where all of 127.0.0.0/8 is this machine.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;

use crate::harness::{PATIENCE, Proxy, wait_for};
use crate::name_server::{A, NameServer, Records, SRV};

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}

fn addresses(last: &[u8]) -> Records {
    Records::Addresses(last.iter().copied().map(ip).collect())
}

/// A port that is free at all of these addresses, with a backend at each that answers with the last byte of its own.
fn backends(last: &[u8]) -> u16 {
    'ports: for _ in 0..100 {
        let mut listeners = Vec::new();
        let mut port = 0;
        for &last in last {
            let Ok(listener) = TcpListener::bind((ip(last), port)) else {
                continue 'ports;
            };
            port = listener.local_addr().expect("an address").port();
            listeners.push((last, listener));
        }
        for (last, listener) in listeners {
            std::thread::spawn(move || serve(&listener, &format!("from {last}")));
        }
        return port;
    }
    panic!("no port is free at all addresses");
}

fn serve(listener: &TcpListener, word: &str) {
    for mut stream in listener.incoming().map_while(Result::ok) {
        let _ = stream.read(&mut [0; 4096]);
        let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\n{word}");
    }
}

fn body(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    if head.starts_with("HTTP/1.1 200 ") {
        body.to_owned()
    } else {
        head.lines().next().unwrap_or_default().to_owned()
    }
}

fn front(resolver: &NameServer, rest: &str) -> String {
    let address = resolver.address;
    format!("resolver {address} valid=1s ipv6=off; resolver_timeout 5s; {rest}")
}

fn variable(resolver: &NameServer, port: u16) -> Proxy {
    Proxy::start(&front(
        resolver,
        &format!(
            "server {{ listen unix:DIR/front.sock; location / {{ proxy_pass http://$arg_h:{port}; }} }}"
        ),
    ))
}

#[test]
fn a_name_in_a_variable_is_asked_for_again_when_its_answer_has_expired() {
    let names = NameServer::start();
    let port = backends(&[2, 3]);
    names.say("backend.test", addresses(&[2]));
    let proxy = variable(&names, port);
    assert_eq!(body(&proxy.get("/?h=backend.test")), "from 2");
    names.say("backend.test", addresses(&[3]));
    wait_for("the other address", || {
        (body(&proxy.get("/?h=backend.test")) == "from 3").then_some(())
    });
    names.say("backend.test", Records::Failure);
    wait_for("the failure", || {
        (body(&proxy.get("/?h=backend.test")) == "HTTP/1.1 502 Bad Gateway").then_some(())
    });
    let log = proxy.log("error.log");
    assert!(
        log.contains("backend.test could not be resolved (2: Server failure)"),
        "{log}"
    );
}

#[test]
fn many_requests_for_a_name_are_one_question() {
    let names = NameServer::start();
    let port = backends(&[2]);
    names.say("backend.test", addresses(&[2]));
    let address = names.address;
    let proxy = Proxy::start(&format!(
        "resolver {address} ipv6=off; server {{ listen unix:DIR/front.sock;
           location / {{ proxy_pass http://$arg_h:{port}; }} }}"
    ));
    std::thread::scope(|scope| {
        for name in ["backend.test", "BACKEND.test", "backend.test."].repeat(4) {
            let proxy = &proxy;
            scope.spawn(move || assert_eq!(body(&proxy.get(&format!("/?h={name}"))), "from 2"));
        }
    });
    assert_eq!(names.asked("backend.test", A), 1);
}

#[test]
fn only_a_reply_to_our_question_is_believed() {
    let names = NameServer::start();
    let port = backends(&[2]);
    names.say("backend.test", Records::AfterForgeries(vec![ip(2)]));
    let proxy = variable(&names, port);
    assert_eq!(body(&proxy.get("/?h=backend.test")), "from 2");
}

#[test]
fn aliases_are_followed_and_those_that_never_end_are_given_up() {
    let names = NameServer::start();
    let port = backends(&[2]);
    names.say("www.test", Records::Alias("backend.test"));
    names.say("backend.test", addresses(&[2]));
    names.say("a.test", Records::Alias("b.test"));
    names.say("b.test", Records::Alias("a.test"));
    let proxy = variable(&names, port);
    assert_eq!(body(&proxy.get("/?h=www.test")), "from 2");
    assert_eq!(body(&proxy.get("/?h=a.test")), "HTTP/1.1 502 Bad Gateway");
    assert!(names.asked("a.test", A) < 20);
    assert_eq!(
        body(&proxy.get("/?h=nobody.test")),
        "HTTP/1.1 502 Bad Gateway"
    );
    let log = proxy.log("error.log");
    assert!(
        log.contains("nobody.test could not be resolved (3: Host not found)"),
        "{log}"
    );
}

#[test]
fn a_reply_that_does_not_fit_is_had_over_tcp() {
    let names = NameServer::start();
    let port = backends(&[2]);
    names.say("backend.test", Records::OverTcp(vec![ip(2)]));
    let proxy = variable(&names, port);
    assert_eq!(body(&proxy.get("/?h=backend.test")), "from 2");
}

#[test]
fn the_peers_of_a_server_with_resolve_come_and_go() {
    let names = NameServer::start();
    let port = backends(&[2, 3]);
    names.say("backend.test", addresses(&[2]));
    let proxy = Proxy::start(&front(
        &names,
        &format!(
            "upstream u {{ server backend.test:{port} resolve; }}
             server {{ listen unix:DIR/front.sock; location / {{ proxy_pass http://u; }} }}"
        ),
    ));
    assert_eq!(
        body(&proxy.get("/")),
        "from 2",
        "it is known before the first request"
    );
    let who = || {
        let mut who = [body(&proxy.get("/")), body(&proxy.get("/"))];
        who.sort();
        who.join(", ")
    };
    let become_ = |wanted: &str| wait_for(wanted, || (who() == wanted).then_some(()));
    names.say("backend.test", addresses(&[2, 3]));
    become_("from 2, from 3");
    names.say("backend.test", Records::Failure);
    let asked = names.asked("backend.test", A);
    wait_for("another question", || {
        (names.asked("backend.test", A) > asked + 1).then_some(())
    });
    assert_eq!(
        who(),
        "from 2, from 3",
        "what is known stays while nobody knows better"
    );
    names.say("backend.test", addresses(&[3]));
    become_("from 3, from 3");
    names.say_nothing("backend.test");
    become_("HTTP/1.1 502 Bad Gateway, HTTP/1.1 502 Bad Gateway");
    names.say("backend.test", addresses(&[2]));
    become_("from 2, from 2");
}

#[test]
fn a_request_at_a_peer_that_goes_ends_as_it_would() {
    let names = NameServer::start();
    let port = backends(&[3]);
    let slow = TcpListener::bind((ip(2), port)).expect("the same port");
    let (finish, finished) = mpsc::channel();
    let (reached, is_reached) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = slow.accept().expect("a request");
        let _ = stream.read(&mut [0; 4096]);
        reached.send(()).expect("the test waits");
        finished.recv_timeout(PATIENCE).expect("the test goes on");
        let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nfrom 2");
    });
    names.say("backend.test", addresses(&[2]));
    let proxy = Proxy::start(&front(
        &names,
        &format!(
            "upstream u {{ server backend.test:{port} resolve; }}
             server {{ listen unix:DIR/front.sock; location / {{ proxy_pass http://u; }} }}"
        ),
    ));
    std::thread::scope(|scope| {
        let early = scope.spawn(|| body(&proxy.get("/")));
        is_reached
            .recv_timeout(PATIENCE)
            .expect("the peer is asked");
        names.say("backend.test", addresses(&[3]));
        // When it asks once more, it has the new answer: the old peer must not be asked again, it is busy.
        let asked = names.asked("backend.test", A);
        wait_for("two more questions", || {
            (names.asked("backend.test", A) > asked + 1).then_some(())
        });
        assert_eq!(body(&proxy.get("/")), "from 3");
        finish.send(()).expect("the peer waits");
        assert_eq!(early.join().expect("no panic"), "from 2");
    });
}

#[test]
fn services_have_ports_weights_and_backups() {
    let names = NameServer::start();
    let (one, two, three) = (backends(&[2]), backends(&[3]), backends(&[4]));
    for (name, last) in [("a.test", 2), ("b.test", 3), ("c.test", 4)] {
        names.say(name, addresses(&[last]));
    }
    let all = vec![
        (1, 3, one, "a.test"),
        (1, 1, two, "b.test"),
        (2, 1, three, "c.test"),
    ];
    names.say("_http._tcp.backend.test", Records::Services(all.clone()));
    let proxy = Proxy::start(&front(
        &names,
        "upstream u { server backend.test service=http resolve; }
         server { listen unix:DIR/front.sock; location / { proxy_pass http://u; } }",
    ));
    let mut who: Vec<String> = (0..8).map(|_| body(&proxy.get("/"))).collect();
    who.sort();
    assert_eq!(who[5..], ["from 2", "from 3", "from 3"]);
    assert_eq!(
        who[0], "from 2",
        "three of four, and nobody asks the backup"
    );
    names.say(
        "_http._tcp.backend.test",
        Records::Services(all[1..].to_vec()),
    );
    names.say_nothing("b.test");
    wait_for("the backup", || {
        (body(&proxy.get("/")) == "from 4").then_some(())
    });
    assert!(names.asked("_http._tcp.backend.test", SRV) > 1);
}
