//! `geo` (ngx_http_geo_module): takes a client's address, decides which of the listed networks or ranges it is in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::access::Network;
use super::real_ip::Trusted;
use super::syntax::{ConfigError, Directive};
use super::template::Template;
use crate::exchange::Exchange;
use crate::http1::Known;
use crate::parse::real_ip;
use crate::variables::Names;

type Value = Box<[u8]>;

#[derive(Debug, Default)]
pub(crate) struct Geo {
    /// The address, if it is not the client's own.
    source: Option<Template>,
    places: Places,
    proxies: Vec<Network>,
    trusted: Trusted,
    recursive: bool,
    pub(super) volatile: bool,
}

#[derive(Debug)]
enum Places {
    Networks(Networks),
    Ranges(Ranges),
}

impl Default for Places {
    fn default() -> Self {
        Self::Networks(Networks::default())
    }
}

/// Networks by the length of their prefix, so that the longest that holds an address is found first.
#[derive(Debug, Default)]
struct Networks {
    v4: HashMap<u32, HashMap<u128, Value>>,
    v6: HashMap<u32, HashMap<u128, Value>>,
}

/// Ranges of IPv4 addresses that don't overlap, in order.
#[derive(Debug, Default)]
struct Ranges {
    list: Vec<(u32, u32, Value)>,
    default: Value,
}

/// A client without an address (on a Unix-domain socket) is taken for this one, as in nginx.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);

impl Geo {
    pub(super) fn parse(directive: &Directive, names: &Names) -> Result<Self, ConfigError> {
        let mut geo = Self::default();
        if let [source, _] = directive.args.as_slice() {
            geo.source = Some(Template::parse(source, names)?);
        }
        let lines = directive.block.as_deref().unwrap_or_default();
        if lines.iter().any(|line| line.name == "ranges") {
            geo.places = Places::Ranges(Ranges::default());
        }
        for line in lines {
            geo.add(line)?;
        }
        geo.trusted = Trusted::of(std::mem::take(&mut geo.proxies));
        Ok(geo)
    }

    fn add(&mut self, line: &Directive) -> Result<(), ConfigError> {
        match (line.name.as_str(), line.args.as_slice()) {
            ("ranges", []) => Ok(()),
            ("proxy_recursive", []) => {
                self.recursive = true;
                Ok(())
            }
            ("volatile", []) => {
                self.volatile = true;
                Ok(())
            }
            ("proxy", [network]) => {
                let parsed = Network::parse(&network.text);
                self.proxies
                    .push(parsed.ok_or_else(|| invalid(line, &network.text))?);
                Ok(())
            }
            ("delete", [place]) => self
                .places
                .set(&place.text, None)
                .ok_or_else(|| invalid(line, &place.text)),
            (place, [value]) => {
                let value = value.text.as_bytes().into();
                self.places
                    .set(place, Some(value))
                    .ok_or_else(|| invalid(line, place))
            }
            _ => Err(line.error("invalid number of the geo parameters")),
        }
    }

    pub(super) fn value(&self, ex: &Exchange) -> &[u8] {
        let address = match &self.source {
            Some(source) => {
                let text = source.evaluate(ex);
                let parsed = std::str::from_utf8(&text)
                    .ok()
                    .and_then(|text| text.parse().ok());
                parsed.unwrap_or(NOBODY)
            }
            None => ex.client().map_or(NOBODY, |client| client.ip()),
        };
        self.places
            .find(self.behind_proxies(ex, address).to_canonical())
    }

    /// Whom a trusted proxy asks for.
    fn behind_proxies(&self, ex: &Exchange, address: IpAddr) -> IpAddr {
        if self.trusted.is_empty() {
            return address;
        }
        let chain = ex.request.head.head.joined(Known::XForwardedFor, b", ");
        let peer = Some(SocketAddr::new(address, 0));
        let named =
            chain.and_then(|chain| real_ip::client(peer, &chain, &self.trusted, self.recursive));
        named.map_or(address, |named| named.ip())
    }
}

fn invalid(line: &Directive, what: &str) -> ConfigError {
    line.error(format!("invalid network \"{what}\""))
}

impl Places {
    /// Gives a place its value, or takes it away; `None` is a place that can't be read.
    fn set(&mut self, place: &str, value: Option<Value>) -> Option<()> {
        match self {
            Self::Networks(networks) if place == "default" => {
                networks.set("0.0.0.0/0", value.clone())?;
                networks.set("::/0", value)
            }
            Self::Networks(networks) => networks.set(place, value),
            Self::Ranges(ranges) if place == "default" => {
                ranges.default = value.unwrap_or_default();
                Some(())
            }
            Self::Ranges(ranges) => {
                let (first, last) = place.split_once('-')?;
                let first = first.parse::<Ipv4Addr>().ok()?.to_bits();
                let last = last.parse::<Ipv4Addr>().ok()?.to_bits();
                (first <= last).then(|| ranges.set(first, last, value))
            }
        }
    }

    fn find(&self, address: IpAddr) -> &[u8] {
        match (self, address) {
            (Self::Networks(networks), address) => networks.find(address),
            (Self::Ranges(ranges), IpAddr::V4(address)) => ranges.find(address.to_bits()),
            (Self::Ranges(ranges), IpAddr::V6(_)) => &ranges.default,
        }
    }
}

impl Networks {
    fn set(&mut self, place: &str, value: Option<Value>) -> Option<()> {
        let Network::Prefix { address, bits } = Network::parse(place)? else {
            return None;
        };
        let table = match address {
            IpAddr::V4(_) => self.v4.entry(bits).or_default(),
            IpAddr::V6(_) => self.v6.entry(bits).or_default(),
        };
        let key = prefix(address, bits);
        match value {
            Some(value) => table.insert(key, value),
            None => table.remove(&key),
        };
        Some(())
    }

    fn find(&self, address: IpAddr) -> &[u8] {
        let width = if address.is_ipv4() { 32 } else { 128 };
        let found = (0..=width).rev().find_map(|bits| {
            let table = match address {
                IpAddr::V4(_) => self.v4.get(&bits)?,
                IpAddr::V6(_) => self.v6.get(&bits)?,
            };
            table.get(&prefix(address, bits))
        });
        found.map_or(&[], |value| value)
    }
}

/// The first bits of an address.
fn prefix(address: IpAddr, bits: u32) -> u128 {
    let (all, width) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    all.checked_shr(width - bits).unwrap_or(0)
}

impl Ranges {
    /// A later range is laid over the earlier ones; one without a value leaves a hole.
    fn set(&mut self, first: u32, last: u32, value: Option<Value>) {
        let mut list = Vec::with_capacity(self.list.len() + 2);
        for (from, to, old) in self.list.drain(..) {
            if to < first || from > last {
                list.push((from, to, old));
                continue;
            }
            if from < first {
                list.push((from, first - 1, old.clone()));
            }
            if to > last {
                list.push((last + 1, to, old));
            }
        }
        list.extend(value.map(|value| (first, last, value)));
        list.sort_by_key(|(from, ..)| *from);
        self.list = list;
    }

    fn find(&self, address: u32) -> &[u8] {
        let after = self.list.partition_point(|(from, ..)| *from <= address);
        match after.checked_sub(1).map(|at| &self.list[at]) {
            Some((_, to, value)) if address <= *to => value,
            _ => &self.default,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(places: &Places, address: &str) -> String {
        let found = places.find(address.parse().expect("an address"));
        String::from_utf8_lossy(found).into_owned()
    }

    fn set(places: &mut Places, place: &str, value: &str) {
        let value = (!value.is_empty()).then(|| value.as_bytes().into());
        assert!(places.set(place, value).is_some(), "{place}");
    }

    #[test]
    fn the_longest_network_that_holds_the_address_gives_its_value() {
        let mut places = Places::default();
        for (place, value) in [
            ("default", "world"),
            ("127.0.0.0/8", "loop"),
            ("127.0.0.1", "me"),
            ("10.0.0.0/8", "inside"),
            ("10.0.0.0/8", ""),
            ("2001:db8::/32", "doc"),
        ] {
            set(&mut places, place, value);
        }
        for (address, value) in [
            ("127.0.0.1", "me"),
            ("127.9.9.9", "loop"),
            ("10.1.1.1", "world"),
            ("192.0.2.1", "world"),
            ("2001:db8::9", "doc"),
            ("::1", "world"),
        ] {
            assert_eq!(find(&places, address), value, "{address}");
        }
        assert_eq!(places.set("300.0.0.0/8", None), None);
    }

    #[test]
    fn a_later_range_is_laid_over_an_earlier_one() {
        let mut places = Places::Ranges(Ranges::default());
        for (place, value) in [
            ("default", "none"),
            ("127.0.0.0-127.0.0.255", "test"),
            ("127.0.0.1-127.0.0.2", "two"),
            ("127.0.0.1-127.0.0.1", "me"),
            ("127.0.0.9-127.0.0.10", ""),
        ] {
            set(&mut places, place, value);
        }
        for (address, value) in [
            ("127.0.0.0", "test"),
            ("127.0.0.1", "me"),
            ("127.0.0.2", "two"),
            ("127.0.0.3", "test"),
            ("127.0.0.10", "none"),
            ("127.0.1.0", "none"),
            ("::1", "none"),
        ] {
            assert_eq!(find(&places, address), value, "{address}");
        }
        assert_eq!(places.set("127.0.0.9-127.0.0.1", None), None);
    }
}
