//! The system's resolver: hosts files and whatever else the machine is set up with.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::message::Data;
use super::{Answer, Found, Name, Trouble};

/// The system does not say how long an answer counts.
const VALID: Duration = Duration::from_secs(10);
const VALID_TROUBLE: Duration = Duration::from_secs(1);

pub(super) async fn ask(name: &Name) -> Answer {
    let found = lookup(name.as_str(), 0).await;
    let now = Instant::now();
    match found {
        Ok(addresses) => {
            let mut ips: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
            ips.sort_unstable();
            ips.dedup();
            Ok(Found {
                records: ips.into_iter().map(Data::Address).collect(),
                until: now + VALID,
            })
        }
        Err(why) => Err((Trouble::System(why.into()), Some(now + VALID_TROUBLE))),
    }
}

pub(crate) async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    match tokio::net::lookup_host((host, port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => {
            let text = error.to_string();
            Err(text
                .rsplit_once(": ")
                .map_or(text.as_str(), |(_, reason)| reason)
                .to_owned())
        }
    }
}
