//! The table that `up` ends with: what to click.
use std::time::Duration;

use crate::paint;
use crate::ports::Ports;
use crate::services::{FRONTS, Service};

pub(super) fn print(ports: &Ports, services: &[&'static Service], took: Duration) {
    println!();
    println!(
        "{} ({:.1} s)",
        paint::bold("the lab is up"),
        took.as_secs_f32()
    );
    if services.iter().any(|service| service.name == "proxy") {
        for front in FRONTS {
            row(front.title, &Ports::url((front.port)(ports)), front.hint);
        }
    }
    for service in services.iter().filter(|service| !service.page.is_empty()) {
        let url = format!("{}{}", Ports::url((service.port)(ports)), service.page);
        row(
            service.name,
            &url,
            "past the proxy; in Docker nobody outside can",
        );
    }
    println!("  configuration: proxy/conf/nginx.conf, then `cargo lab reload`; Ctrl-C stops all");
    println!();
}

fn row(title: &str, url: &str, hint: &str) {
    println!("  {title:10} {} {hint}", paint::green(&format!("{url:31}")));
}
