//! What a hostile target may look like. Every entry is refused under the public policy before a connection is made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::net::{TcpListener, UdpSocket};

use super::*;

fn public() -> Targets {
    Targets {
        policy: Policy::Public,
        ..Targets::default()
    }
}

/// Literals in every spelling that resolvers and URL parsers accept.
const HOSTILE_LITERALS: [&str; 58] = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1:80/",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0177.0.0x1/",
    "http://00000177.0.0.1/",
    "http://127.0.0.1./",
    "http://%31%32%37.0.0.1/",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://①②⑦.0.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://10.0.0.1/",
    "http://0xa000001/",
    "http://10.255.255.255:8080/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://192.168.1.1/",
    "http://192.168.257/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::1]/",
    "http://[ff02::1]/",
];

#[test]
fn literals_that_are_not_public_are_refused_in_every_spelling() {
    for target in HOSTILE_LITERALS {
        assert!(
            matches!(public().check(target), Err(Refused::NotPublic { .. })),
            "{target}: {:?}",
            public().check(target)
        );
    }
}

#[test]
fn urls_that_are_more_than_a_target_are_refused_under_every_policy() {
    for (target, refused) in [
        ("ftp://192.0.2.1/", Refused::Scheme("ftp".to_owned())),
        ("file:///etc/passwd", Refused::Scheme("file".to_owned())),
        (
            "gopher://127.0.0.1:25/",
            Refused::Scheme("gopher".to_owned()),
        ),
        ("http://public.example@127.0.0.1/", Refused::Credentials),
        ("http://user:secret@example.org/", Refused::Credentials),
        ("//127.0.0.1/", Refused::NotAUrl("//127.0.0.1/".to_owned())),
        ("http://", Refused::NotAUrl("http://".to_owned())),
        (
            "http://[fe80::1%25eth0]/",
            Refused::NotAUrl("http://[fe80::1%25eth0]/".to_owned()),
        ),
        (
            "http://1.2.3.256/",
            Refused::NotAUrl("http://1.2.3.256/".to_owned()),
        ),
    ] {
        assert_eq!(Targets::any().check(target), Err(refused), "{target}");
    }
}

#[test]
fn public_addresses_are_fair() {
    for target in [
        "http://8.8.8.8/",
        "http://172.32.0.1/",
        "http://192.169.0.1:8080/hook",
        "http://[2606:4700::1111]/",
        "http://[::ffff:8.8.8.8]/",
        "http://example.org/",
    ] {
        assert!(public().check(target).is_ok(), "{target}");
    }
}

#[test]
fn the_loopback_policy_allows_this_machine_and_the_networks_that_are_named() {
    let mut targets = Targets::default();
    for fair in [
        "http://127.0.0.1:3000/",
        "http://127.9.9.9/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
    ] {
        assert!(targets.check(fair).is_ok(), "{fair}");
    }
    for target in [
        "http://8.8.8.8/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://169.254.169.254/",
    ] {
        assert!(
            matches!(targets.check(target), Err(Refused::NotLoopback(_))),
            "{target}"
        );
    }
    targets.allowed = vec!["10.0.0.0/8".parse().unwrap()];
    assert!(targets.check("http://10.0.0.1/").is_ok());
    assert!(targets.check("http://11.0.0.1/").is_err());
}

/// A DNS server that gives the first two answers (A and AAAA of one lookup) a public address, then loopback.
async fn rebinding_server() -> (SocketAddr, Arc<AtomicU8>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Arc::new(AtomicU8::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut bytes = [0; 1232];
        while let Ok((length, client)) = socket.recv_from(&mut bytes).await {
            let mut message = Message::from_vec(&bytes[..length]).unwrap();
            message.metadata.message_type = MessageType::Response;
            let query = message.queries[0].clone();
            if query.query_type() == RecordType::A {
                let turn = count.fetch_add(1, Ordering::SeqCst);
                let ip = if turn == 0 {
                    [8, 8, 8, 8]
                } else {
                    [127, 0, 0, 1]
                };
                let data = RData::A(A(ip.into()));
                message.add_answer(Record::from_rdata(query.name().clone(), 0, data));
            }
            let _ = socket.send_to(&message.to_vec().unwrap(), client).await;
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_name_that_changes_its_address_after_a_check_gains_nothing() {
    let (server, asked) = rebinding_server().await;
    let victim = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = victim.local_addr().unwrap().port();
    let mut targets = public();
    targets.lookup = Lookup::Server(server);
    // Somebody checks the name first, and it is fair then...
    let first = targets.resolve_fair("rebind.example").await.unwrap();
    assert_eq!(first, vec!["8.8.8.8:0".parse().unwrap()]);
    // ... but the connection looks at the address that it really uses.
    let url = targets
        .check(&format!("http://rebind.example:{port}/"))
        .unwrap();
    let client = targets.client(Duration::from_secs(2));
    let error = client.get(url).send().await.unwrap_err();
    assert!(reason(&error).contains("loopback"), "{}", reason(&error));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let nobody = tokio::time::timeout(Duration::from_millis(50), victim.accept()).await;
    assert!(nobody.is_err(), "a connection reached the victim");
}

#[tokio::test]
async fn names_that_mean_this_machine_are_refused_when_they_are_resolved() {
    for name in ["localhost", "LOCALHOST", "localhost.", "a.b.localhost"] {
        let fair = public().resolve_fair(name).await;
        assert!(
            matches!(fair, Err(Refused::NotPublic { .. })),
            "{name} {fair:?}"
        );
    }
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut targets = public();
    targets.lookup = Lookup::Server(silent.local_addr().unwrap());
    drop(silent);
    let fair = targets.resolve_fair("nobody.example").await;
    assert_eq!(fair, Err(Refused::Unresolved("nobody.example".to_owned())));
}
