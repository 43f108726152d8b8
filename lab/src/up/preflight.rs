//! Before anything starts: which services, whether their ports are free, and what an earlier launcher left behind.
use std::fs;

use anyhow::{Result, bail};
use nix::sys::signal::Signal;

use crate::place::{self, Place};
use crate::ports::Ports;
use crate::services::{FRONTS, SERVICES, Service};

/// `--only proxy,backends`: names of services, or of what they run.
pub(super) fn chosen(only: &[String]) -> Result<Vec<&'static Service>> {
    for name in only {
        if !SERVICES.iter().any(|service| service.is_called(name)) {
            Service::find(name)?;
        }
    }
    let wanted =
        |service: &&Service| only.is_empty() || only.iter().any(|name| service.is_called(name));
    Ok(SERVICES.iter().filter(wanted).collect())
}

/// Says who has a port before any process fails on it.
pub(super) fn ports_are_free(services: &[&'static Service], ports: &Ports) -> Result<()> {
    let own = services.iter().map(|service| (service.port)(ports));
    let fronts = FRONTS.iter().map(|front| (front.port)(ports));
    let with_proxy = services.iter().any(|service| service.name == "proxy");
    for port in own.chain(fronts.filter(|_| with_proxy)) {
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_err() {
            let owner = service::who_listens(port).unwrap_or_else(|| "another program".into());
            bail!(
                "port {port} is taken by {owner}: stop that, or move the lab (`cargo lab up --help` lists the ports)"
            );
        }
    }
    Ok(())
}

/// Ends what an earlier launcher, killed hard, may have left, and forgets its marks.
pub(super) fn sweep(place: &Place) -> Result<()> {
    for service in SERVICES {
        if let Some(pid) = place.pid(service.name)
            && place::runs(pid, service.binary)
        {
            place::signal(pid, Signal::SIGKILL)?;
        }
        for file in [place.pid_file(service.name), place.down_mark(service.name)] {
            let _ = fs::remove_file(file);
        }
    }
    let _ = fs::remove_file(place.state.join("lab.json"));
    Ok(())
}
