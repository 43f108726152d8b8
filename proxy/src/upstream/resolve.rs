//! Names of backends become addresses, again and again: containers come later than the proxy and return elsewhere.
//!
//! A name that does not resolve never stops the start; its peer is down until it does. Each named server has its own
//! loop on the control runtime, never on a worker. With `resolve` and a `resolver` it asks when the last answer has
//! expired, and what the answer says is what there is. Else it asks the system, every second while something is wrong
//! and every ten while nothing is, and a peer that works keeps its address while the name is lost.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::{Address, Endpoint, Target, Upstream};
use crate::dns::{self, Name, Resolver, Trouble};

const WHILE_TROUBLED: Duration = Duration::from_secs(1);
const WHILE_FINE: Duration = Duration::from_secs(10);
/// How long a start waits for all names; slow ones come in later.
const START: Duration = Duration::from_secs(2);
/// More addresses of one name than this are ignored.
const MAX_ADDRESSES: usize = 64;

/// `--map-host NAME:PORT=ADDR:PORT`: answers that need no asking, so that one nginx.conf serves with and without Docker.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostMap(HashMap<(String, u16), SocketAddr>);

/// One `--map-host`, read by the command line.
pub(crate) type Mapping = ((String, u16), SocketAddr);

impl FromIterator<Mapping> for HostMap {
    fn from_iter<I: IntoIterator<Item = Mapping>>(mappings: I) -> Self {
        Self(
            mappings
                .into_iter()
                .map(|((host, port), to)| ((host.to_ascii_lowercase(), port), to))
                .collect(),
        )
    }
}

impl HostMap {
    pub(crate) fn get(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.0.get(&(host.to_ascii_lowercase(), port)).copied()
    }
}

pub(crate) fn parse_mapping(text: &str) -> Result<Mapping, String> {
    let expected = "expected NAME:PORT=ADDR:PORT, such as backend1:5000=127.0.0.1:5001";
    let (from, to) = text.split_once('=').ok_or(expected)?;
    let (host, port) = from.rsplit_once(':').ok_or(expected)?;
    let port = port
        .parse()
        .map_err(|_| format!("invalid port {port:?}; {expected}"))?;
    let to = to
        .parse()
        .map_err(|_| format!("invalid address {to:?}; {expected}"))?;
    Ok(((host.to_owned(), port), to))
}

/// One look-up of each name, all at a time; call it before the workers start, so that the first request finds peers.
pub(crate) async fn resolve_once(upstreams: &[Arc<Upstream>], hosts: &Arc<HostMap>) {
    let mut lookups = JoinSet::new();
    // What a reload has taken over is good enough to begin with.
    let wanted = named_servers(upstreams, hosts).filter(|server| !server.is_known());
    for server in wanted {
        lookups.spawn(async move { server.resolve().await });
    }
    // What is not there in time is left to `keep_resolving`.
    let _ = timeout(START, async {
        while lookups.join_next().await.is_some() {}
    })
    .await;
}

/// Runs until it is dropped (a reload ends it with the configuration that it belongs to).
pub(crate) async fn keep_resolving(upstreams: Vec<Arc<Upstream>>, hosts: Arc<HostMap>) {
    let mut loops = JoinSet::new();
    for server in named_servers(&upstreams, &hosts) {
        loops.spawn(server.keep_resolving());
    }
    while loops.join_next().await.is_some() {}
}

fn named_servers<'a>(
    upstreams: &'a [Arc<Upstream>],
    hosts: &'a Arc<HostMap>,
) -> impl Iterator<Item = NamedServer> + 'a {
    upstreams.iter().flat_map(move |upstream| {
        upstream
            .servers()
            .iter()
            .enumerate()
            .filter_map(move |(line, server)| match &server.target {
                Target::Address(_) => None,
                Target::Name { host, port } => Some(NamedServer {
                    upstream: Arc::clone(upstream),
                    hosts: Arc::clone(hosts),
                    line,
                    host: host.clone(),
                    port: *port,
                    resolving: server.resolving.clone(),
                }),
            })
    })
}

/// One `server` line with a name.
struct NamedServer {
    upstream: Arc<Upstream>,
    hosts: Arc<HostMap>,
    line: usize,
    host: String,
    port: u16,
    resolving: Option<Arc<Resolving>>,
}

impl NamedServer {
    async fn keep_resolving(self) {
        loop {
            let next = self.resolve().await;
            sleep_until(next.into()).await;
        }
    }

    fn is_known(&self) -> bool {
        let roster = self.upstream.roster();
        let mut peers = roster.lines()[self.line].iter();
        peers.any(|peer| peer.address.is_some())
    }

    /// Asks once; answers when to ask again.
    async fn resolve(&self) -> Instant {
        if let Some(address) = self.hosts.get(&self.host, self.port) {
            self.upstream
                .resolved(self.line, vec![address], Instant::now());
        } else if let Some(resolving) = &self.resolving {
            let answer = resolving.ask(&self.host, self.port).await;
            return self.upstream.answered(self.line, answer, Instant::now());
        } else {
            match dns::ask_system(&self.host, self.port).await {
                Ok(addresses) => self.upstream.resolved(self.line, addresses, Instant::now()),
                Err(trouble) => self.upstream.lost(self.line, &trouble, Instant::now()),
            }
        }
        let is_troubled = self.upstream.is_troubled(self.line);
        Instant::now()
            + if is_troubled {
                WHILE_TROUBLED
            } else {
                WHILE_FINE
            }
    }
}

/// How the name of a `server ... resolve` line is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Resolving {
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) patience: Duration,
    /// The whole name of `service=`.
    pub(crate) service: Option<Name>,
}

/// What a name stands for, and until when.
type Answer = Result<(Vec<Endpoint>, Instant), Trouble>;

impl Resolving {
    pub(crate) async fn ask(&self, host: &str, port: u16) -> Answer {
        if let Some(service) = &self.service {
            return self.ask_service(service).await;
        }
        let name = Name::new(host).ok_or(Trouble::NotFound)?;
        let found = self.resolver.addresses(&name, self.patience).await?;
        let mut endpoints: Vec<Endpoint> = found
            .records
            .iter()
            .map(|ip| Address::Tcp(SocketAddr::new(*ip, port)).into())
            .collect();
        settle(&mut endpoints);
        Ok((endpoints, found.until))
    }

    /// Services with the lowest number come first, the rest are backups. A target without an address has no peer.
    async fn ask_service(&self, service: &Name) -> Answer {
        let found = self.resolver.services(service, self.patience).await?;
        let (mut endpoints, mut until) = (Vec::new(), found.until);
        let first = found.records.iter().map(|record| record.priority).min();
        for record in found.records.iter() {
            let targets = match self.resolver.addresses(&record.target, self.patience).await {
                Ok(targets) => targets,
                Err(Trouble::NotFound) => continue,
                Err(trouble) => return Err(trouble),
            };
            until = until.min(targets.until);
            endpoints.extend(targets.records.iter().map(|ip| Endpoint {
                address: Address::Tcp(SocketAddr::new(*ip, record.port)),
                weight: u32::from(record.weight.max(1)),
                backup: Some(record.priority) != first,
            }));
        }
        if endpoints.is_empty() {
            return Err(Trouble::NotFound);
        }
        settle(&mut endpoints);
        Ok((endpoints, until))
    }
}

/// The order of an answer changes (DNS round robin); ours stays: IPv4 first, as nginx does.
fn settle(endpoints: &mut Vec<Endpoint>) {
    endpoints.sort_by_key(|endpoint| match endpoint.address {
        Address::Tcp(address) => (endpoint.backup, Some(address)),
        Address::Unix(_) => (endpoint.backup, None),
    });
    endpoints.truncate(MAX_ADDRESSES);
}

impl Upstream {
    /// The system's answer for a `server` line.
    pub(crate) fn resolved(&self, line: usize, mut addresses: Vec<SocketAddr>, now: Instant) {
        addresses.sort_unstable();
        addresses.dedup();
        let endpoints = addresses
            .into_iter()
            .map(|address| Address::Tcp(address).into());
        self.stands_for(
            line,
            &endpoints.take(MAX_ADDRESSES).collect::<Vec<_>>(),
            now,
        );
    }

    /// A name server's answer for a `server` line; returns when to ask again.
    pub(crate) fn answered(&self, line: usize, answer: Answer, now: Instant) -> Instant {
        let server = &self.servers[line].name;
        match answer {
            Ok((endpoints, until)) => {
                self.stands_for(line, &endpoints, now);
                return until;
            }
            Err(trouble @ Trouble::NotFound) => {
                let mut roster = self.roster();
                if roster.emptied(line, &trouble.to_string(), now) {
                    roster.regroup();
                    drop(roster);
                    tracing::warn!(upstream = self.name, server, %trouble, "resolves to nothing");
                }
            }
            // Nobody knows better than we do, so what there is stays.
            Err(trouble) => {
                tracing::debug!(upstream = self.name, server, %trouble, "could not be resolved");
                self.roster().wanted(line, &trouble.to_string(), now);
            }
        }
        now + WHILE_TROUBLED
    }

    /// Gives a `server` line these peers.
    pub(crate) fn stands_for(&self, line: usize, endpoints: &[Endpoint], now: Instant) {
        let mut roster = self.roster();
        if roster.resolved(line, endpoints, now) {
            roster.regroup();
            drop(roster);
            let to: Vec<_> = endpoints.iter().map(|to| to.address.to_string()).collect();
            tracing::info!(
                upstream = self.name,
                server = self.servers[line].name,
                ?to,
                "resolved"
            );
        }
    }

    /// There is no answer from the system for a `server` line.
    pub(crate) fn lost(&self, line: usize, trouble: &str, now: Instant) {
        let mut roster = self.roster();
        if roster.lost(line, trouble, now) {
            roster.regroup();
            drop(roster);
            tracing::warn!(
                upstream = self.name,
                server = self.servers[line].name,
                trouble,
                "does not resolve"
            );
        }
    }

    fn is_troubled(&self, line: usize) -> bool {
        self.roster().lines()[line]
            .iter()
            .any(|peer| peer.address.is_none() || peer.state.is_suspect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{ClientAddr, PickKey};
    use crate::upstream::{State, Tried};

    fn mapped(mappings: &[&str]) -> Arc<HostMap> {
        Arc::new(
            mappings
                .iter()
                .map(|text| parse_mapping(text).unwrap())
                .collect(),
        )
    }

    fn picked(upstream: &Upstream) -> Option<String> {
        let key = PickKey {
            client: ClientAddr::Unix,
            hash_key: b"",
        };
        let lease = upstream.pick(&key, &mut Tried::default(), Instant::now())?;
        Some(lease.address().to_string())
    }

    #[test]
    fn a_mapping_is_a_name_and_an_address() {
        let (name, address) = parse_mapping("backend1:5000=127.0.0.1:5001").unwrap();
        assert_eq!(name, ("backend1".to_owned(), 5000));
        assert_eq!(address, "127.0.0.1:5001".parse().unwrap());
        for wrong in [
            "backend1:5000",
            "backend1=127.0.0.1:1",
            "a:b=127.0.0.1:1",
            "a:1=b:1",
            "",
        ] {
            assert!(
                parse_mapping(wrong)
                    .unwrap_err()
                    .contains("NAME:PORT=ADDR:PORT"),
                "{wrong}"
            );
        }
    }

    #[tokio::test]
    async fn a_mapped_name_is_not_asked_for() {
        let upstream = Arc::new(Upstream::implicit("Backend1:5000", 80).unwrap());
        assert_eq!(picked(&upstream), None, "not resolved yet");
        let hosts = mapped(&["backend1:5000=127.0.0.1:5001", "backend1:80=127.0.0.1:1"]);
        resolve_once(&[Arc::clone(&upstream)], &hosts).await;
        assert_eq!(picked(&upstream).unwrap(), "127.0.0.1:5001");
    }

    #[tokio::test]
    async fn names_that_the_system_knows_resolve_ipv4_first() {
        let upstream = Arc::new(Upstream::implicit("localhost:5000", 80).unwrap());
        resolve_once(&[Arc::clone(&upstream)], &Arc::default()).await;
        assert_eq!(picked(&upstream).unwrap(), "127.0.0.1:5000");
    }

    #[tokio::test]
    async fn the_loop_goes_on_until_it_is_dropped() {
        let upstream = Arc::new(Upstream::implicit("backend1:5000", 80).unwrap());
        let hosts = mapped(&["backend1:5000=127.0.0.1:5001"]);
        let resolving = tokio::spawn(keep_resolving(vec![Arc::clone(&upstream)], hosts));
        let arrived = async {
            while picked(&upstream).is_none() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(5), arrived)
            .await
            .expect("it resolves at once");
        assert_eq!(upstream.report().peers[0].condition.state, State::Up);
        assert!(!resolving.is_finished());
        resolving.abort();
        assert!(resolving.await.unwrap_err().is_cancelled());
    }
}
