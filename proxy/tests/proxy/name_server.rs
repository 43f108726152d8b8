//! A name server that says what a test tells it to, over UDP and TCP, and counts what it was asked.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

pub(crate) const A: u16 = 1;
pub(crate) const SRV: u16 = 33;

/// The data of the records of one name.
#[derive(Clone)]
pub(crate) enum Records {
    Addresses(Vec<Ipv4Addr>),
    /// Priority, weight, port, target.
    Services(Vec<(u16, u16, u16, &'static str)>),
    Alias(&'static str),
    /// The answer does not fit; these are told over TCP.
    OverTcp(Vec<Ipv4Addr>),
    /// Other people's replies come first, all with 127.0.0.66.
    AfterForgeries(Vec<Ipv4Addr>),
    Failure,
}

#[derive(Default)]
struct Zone {
    records: HashMap<String, Records>,
    asked: Vec<(String, u16)>,
}

#[derive(Clone)]
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

impl NameServer {
    pub(crate) fn start() -> Self {
        let (udp, tcp) = sockets();
        let server = Self {
            address: udp.local_addr().expect("an address"),
            zone: Arc::default(),
        };
        let by_udp = server.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 512];
            while let Ok((length, client)) = udp.recv_from(&mut bytes) {
                for reply in by_udp.replies(&bytes[..length], false) {
                    let _ = udp.send_to(&reply, client);
                }
            }
        });
        let by_tcp = server.clone();
        std::thread::spawn(move || {
            for mut stream in tcp.incoming().map_while(Result::ok) {
                let (mut length, mut bytes) = ([0; 2], [0; 512]);
                let question = stream.read_exact(&mut length).and_then(|()| {
                    let question = &mut bytes[..usize::from(u16::from_be_bytes(length))];
                    stream.read_exact(question).map(|()| question.len())
                });
                let Ok(length) = question else { continue };
                for reply in by_tcp.replies(&bytes[..length], true) {
                    let length = u16::try_from(reply.len()).expect("a short reply");
                    let _ = stream.write_all(&[&length.to_be_bytes(), reply.as_slice()].concat());
                }
            }
        });
        server
    }

    pub(crate) fn say(&self, name: &str, records: Records) {
        let mut zone = self.zone.lock().expect("no panic");
        zone.records.insert(name.to_owned(), records);
    }

    pub(crate) fn say_nothing(&self, name: &str) {
        self.zone.lock().expect("no panic").records.remove(name);
    }

    /// How often it was asked for this name and kind.
    pub(crate) fn asked(&self, name: &str, kind: u16) -> usize {
        let zone = self.zone.lock().expect("no panic");
        let wanted = |asked: &&(String, u16)| asked.0 == name && asked.1 == kind;
        zone.asked.iter().filter(wanted).count()
    }

    fn replies(&self, question: &[u8], over_tcp: bool) -> Vec<Vec<u8>> {
        let (name, end) = read_name(question);
        let kind = u16::from_be_bytes([question[end], question[end + 1]]);
        let mut zone = self.zone.lock().expect("no panic");
        zone.asked.push((name.clone(), kind));
        let records = zone.records.get(&name).cloned();
        drop(zone);
        let asked = &question[..end + 4];
        let addresses = |ips: &[Ipv4Addr]| -> Vec<Vec<u8>> {
            let wanted = ips.iter().filter(|_| kind == A);
            wanted.map(|ip| record(A, &ip.octets())).collect()
        };
        match records {
            None => vec![reply(asked, 3, &[])],
            Some(Records::Failure) => vec![reply(asked, 2, &[])],
            Some(Records::Addresses(ips)) => vec![reply(asked, 0, &addresses(&ips))],
            Some(Records::Alias(to)) => vec![reply(asked, 0, &[record(5, &wire_name(to))])],
            Some(Records::OverTcp(ips)) if over_tcp => vec![reply(asked, 0, &addresses(&ips))],
            Some(Records::OverTcp(_)) => {
                let mut cut = reply(asked, 0, &[]);
                cut[2] |= 2;
                vec![cut]
            }
            Some(Records::AfterForgeries(ips)) => {
                let forged = reply(asked, 0, &addresses(&[Ipv4Addr::new(127, 0, 0, 66)]));
                let (mut id, mut other) = (forged.clone(), forged.clone());
                id[0] ^= 1;
                other[13] ^= 1;
                let short = forged[..forged.len() - 1].to_vec();
                vec![id, other, short, reply(asked, 0, &addresses(&ips))]
            }
            Some(Records::Services(services)) => {
                let wanted = services.iter().filter(|_| kind == SRV);
                let wanted = wanted.map(|(priority, weight, port, target)| {
                    let numbers = [priority, weight, port].map(|number| number.to_be_bytes());
                    record(SRV, &[numbers.concat(), wire_name(target)].concat())
                });
                vec![reply(asked, 0, &wanted.collect::<Vec<_>>())]
            }
        }
    }
}

/// UDP and TCP on one port.
fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("an address")) {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both");
}

/// The name of the question, and where it ends.
fn read_name(question: &[u8]) -> (String, usize) {
    let (mut at, mut labels) = (12, Vec::new());
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
        at = end;
    }
    (labels.join("."), at + 1)
}

fn wire_name(name: &str) -> Vec<u8> {
    let label = |label: &str| {
        let length = u8::try_from(label.len()).expect("a short label");
        [&[length], label.as_bytes()].concat()
    };
    let labels: Vec<u8> = name.split('.').flat_map(label).collect();
    [labels, vec![0]].concat()
}

/// Of the name of the question, for an hour.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short data");
    let mut record = vec![0xc0, 12];
    record.extend(kind.to_be_bytes());
    record.extend([0, 1, 0, 0, 0x0e, 0x10]);
    record.extend(length.to_be_bytes());
    record.extend(data);
    record
}

fn reply(asked: &[u8], code: u8, records: &[Vec<u8>]) -> Vec<u8> {
    let mut reply = asked.to_vec();
    reply[2] = 0x81;
    reply[3] = 0x80 | code;
    reply[7] = u8::try_from(records.len()).expect("few records");
    reply.extend(records.concat());
    reply
}
