//! Who may change something: a program or a page on an allowed address, and no page of another origin.
//!
//! Without this, any site in the student's browser could drain a peer: a form on it can POST here (CSRF). It can't set
//! `Content-Type: application/json` without asking first (a CORS preflight), and nobody here answers such a question;
//! what browsers say of themselves in `Origin` and `Sec-Fetch-Site` is checked as well.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::{ConnectInfo, Request};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};

use crate::config::Network;

/// The addresses from which changes are accepted (`--admin-write`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Writers(Vec<Network>);

impl FromStr for Writers {
    type Err = String;

    /// `127.0.0.0/8,::1`; `gateway` is the machine's default gateway, as which the host of a container appears; `off`.
    fn from_str(list: &str) -> Result<Self, String> {
        let mut networks = Vec::new();
        for word in list.split(',').map(str::trim) {
            match word {
                "off" => {}
                "gateway" => networks.extend(gateway().map(Network::of)),
                _ => networks.push(Network::parse(word).ok_or_else(|| {
                    format!("{word:?} is no address, no network such as 127.0.0.0/8, not \"gateway\" and not \"off\"")
                })?),
            }
        }
        Ok(Self(networks))
    }
}

/// What is wrong with a request that wants to change something.
pub(super) type Refusal = (StatusCode, &'static str);

impl Writers {
    pub(super) fn check(&self, request: &Request) -> Result<(), Refusal> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(address)| address.ip());
        let is_allowed = peer.is_some() && self.0.iter().any(|network| network.contains(peer));
        if !is_allowed {
            let why = "changes are not accepted from this address (--admin-write)";
            return Err((StatusCode::FORBIDDEN, why));
        }
        is_own_page_or_program(request.headers())
    }
}

fn is_own_page_or_program(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_json = text(CONTENT_TYPE).is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        let why = "send Content-Type: application/json";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let own = text(HOST).map(|host| format!("http://{host}"));
    let foreign_origin = headers.contains_key(ORIGIN) && text(ORIGIN) != own.as_deref();
    let foreign_site = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none");
    if foreign_origin || foreign_site {
        return Err((
            StatusCode::FORBIDDEN,
            "a page of another origin may not change anything",
        ));
    }
    Ok(())
}

/// The IPv4 default gateway, as Linux tells it; elsewhere there is none to tell.
fn gateway() -> Option<IpAddr> {
    default_gateway(&std::fs::read_to_string("/proc/net/route").ok()?)
}

/// Columns: interface, destination, gateway, flags, … ; addresses in hexadecimal, in the machine's byte order.
fn default_gateway(routes: &str) -> Option<IpAddr> {
    let default = |line: &str| {
        let mut columns = line.split_whitespace().skip(1);
        (columns.next()? == "00000000").then_some(())?;
        let address = u32::from_str_radix(columns.next()?, 16).ok()?;
        (address != 0).then(|| IpAddr::from(address.to_ne_bytes()))
    };
    routes.lines().find_map(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_writers_is_networks_or_words() {
        let writers: Writers = "127.0.0.0/8, ::1".parse().unwrap();
        assert_eq!(writers.0.len(), 2);
        assert_eq!("off".parse::<Writers>().unwrap(), Writers(Vec::new()));
        assert!("localhost".parse::<Writers>().is_err());
        assert!("".parse::<Writers>().is_err());
    }

    #[test]
    fn the_gateway_is_that_of_the_default_route() {
        let address = u32::from_ne_bytes([172, 18, 0, 1]);
        let routes = format!(
            "Iface Destination Gateway Flags\neth0 000012AC 00000000 0001\neth0 00000000 {address:08X} 0003\n"
        );
        assert_eq!(
            default_gateway(&routes),
            Some(IpAddr::from([172, 18, 0, 1]))
        );
        assert_eq!(default_gateway("Iface Destination Gateway\n"), None);
    }
}
