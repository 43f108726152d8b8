//! `cargo lab status`: what runs, under which pid, on which port, how it feels.
use std::process::ExitCode;

use anyhow::Result;

use crate::health;
use crate::paint;
use crate::place::Place;
use crate::services::{SERVICES, Service};

/// Prints a line per service; fails unless all are well.
pub async fn status(place: &Place) -> Result<ExitCode> {
    let running = place.must_run()?;
    let client = health::client();
    let mut all_well = true;
    println!("{:10} {:>8} {:>6}  health", "service", "pid", "port");
    for service in SERVICES
        .iter()
        .filter(|service| running.services.iter().any(|name| name == service.name))
    {
        let pid = place.pid(service.name);
        let ailment = match pid {
            Some(_) => health::ailment(&client, service, &running.ports).await,
            None => Some(absence(place, service)),
        };
        let pid = pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let health = ailment
            .as_deref()
            .map_or_else(|| paint::green("well"), paint::red);
        println!(
            "{:10} {pid:>8} {:>6}  {health}",
            service.name,
            (service.port)(&running.ports)
        );
        all_well &= ailment.is_none();
    }
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn absence(place: &Place, service: &Service) -> String {
    if place.down_mark(service.name).exists() {
        format!("down until `cargo lab start {}`", service.name)
    } else {
        "not running".to_owned()
    }
}
