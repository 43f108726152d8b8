//! Ports and limits of the machine.
use std::io::ErrorKind;
use std::net::TcpListener;

use nix::sys::resource::{Resource, getrlimit};

use super::Finding;
use crate::place::Place;
use crate::ports::Ports;
use crate::services::{FRONTS, SERVICES};

/// A thousand clients at once, each with a connection on either side of the proxy, and some to spare.
const FILES_NEEDED: u64 = 4096;

pub(super) fn look(place: &Place) -> Vec<Finding> {
    let mut findings = ports(place);
    findings.push(open_files());
    findings
}

/// Each port by name. Those that our own lab holds are well.
fn ports(place: &Place) -> Vec<Finding> {
    let running = place.running();
    let ports = running
        .as_ref()
        .map_or_else(Ports::default, |running| running.ports.clone());
    let fronts = FRONTS
        .iter()
        .map(|front| ((front.port)(&ports), front.title));
    let own = SERVICES.iter().filter(|service| service.name != "proxy");
    let needed = fronts.chain(own.map(|service| ((service.port)(&ports), service.name)));
    let mut findings: Vec<_> = needed.map(|(port, who)| match (owner(port), &running) {
        (Owner::Nobody, None) => Finding::Well(format!("port {port} ({who}) is free")),
        (Owner::Nobody, Some(_)) => Finding::Note(
            format!("port {port} ({who}) should be ours, but nobody listens"),
            "see `cargo lab status`".into(),
        ),
        (Owner::Somebody(_), Some(_)) => Finding::Well(format!("port {port} ({who}) is ours")),
        (Owner::Somebody(name), None) => Finding::Fault(
            format!("port {port} ({who}) is taken by {name}"),
            "stop that program, or move the lab: `cargo lab up --help` lists the ports' options".into(),
        ),
        (Owner::Forbidden, _) => Finding::Fault(
            format!("port {port} ({who}) may not be used here"),
            "choose a port above 1024: `cargo lab up --help` lists the options".into(),
        ),
    }).collect();
    findings.push(dockers_port());
    findings
}

/// Port 80 is only Docker's business.
fn dockers_port() -> Finding {
    match owner(80) {
        Owner::Nobody => Finding::Well("port 80 (the main lab in Docker) is free".into()),
        Owner::Somebody(name) if name.starts_with("docker") => {
            Finding::Well(format!("port 80 is published by {name}"))
        }
        Owner::Somebody(name) => Finding::Note(
            format!(
                "port 80 is taken by {name}: `docker compose up` will say it is already allocated"
            ),
            "stop that program, or put LAB_HTTP_PORT=8088 into the file .env".into(),
        ),
        Owner::Forbidden => Finding::Well("port 80 is the engine's to open, not ours".into()),
    }
}

enum Owner {
    Nobody,
    Somebody(String),
    Forbidden,
}

fn owner(port: u16) -> Owner {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Owner::Nobody,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Owner::Forbidden,
        Err(_) => {
            Owner::Somebody(service::who_listens(port).unwrap_or_else(|| "another program".into()))
        }
    }
}

fn open_files() -> Finding {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) if soft >= FILES_NEEDED => {
            Finding::Well(format!("{soft} open files per process (ulimit -n)"))
        }
        Ok((soft, hard)) if hard >= FILES_NEEDED => Finding::Note(
            format!("only {soft} open files per process, but {hard} may be had"),
            format!("before a load test: ulimit -n {FILES_NEEDED}"),
        ),
        Ok((_, hard)) => Finding::Note(
            format!("at most {hard} open files per process: a thousand clients at once will fail"),
            "load test with fewer: load-tester -n 1000 -c 100".into(),
        ),
        Err(error) => Finding::Note(format!("ulimit: {error}"), "nothing to do".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_its_owner() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let Owner::Somebody(name) = owner(port) else {
            panic!("port {port} counts as free")
        };
        if cfg!(target_os = "linux") {
            assert!(name.contains(&std::process::id().to_string()), "{name}");
        }
    }
}
