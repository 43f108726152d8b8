//! Names of backends become addresses, again and again: containers come later than the proxy and return elsewhere.
//!
//! A name that does not resolve never stops the start; its peer is down until it does. Each named server has its own
//! loop, every second while something is wrong and every ten while nothing is. `getaddrinfo` blocks, so this runs on
//! the control runtime and never on a worker.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Address, Target, Upstream};

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
    fn get(&self, host: &str, port: u16) -> Option<SocketAddr> {
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
    for server in named_servers(upstreams, hosts) {
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
}

impl NamedServer {
    async fn keep_resolving(self) {
        loop {
            self.resolve().await;
            sleep(if self.upstream.is_troubled(self.line) {
                WHILE_TROUBLED
            } else {
                WHILE_FINE
            })
            .await;
        }
    }

    async fn resolve(&self) {
        let answer = match self.hosts.get(&self.host, self.port) {
            Some(address) => Ok(vec![address]),
            None => lookup(&self.host, self.port).await,
        };
        match answer {
            Ok(addresses) => self.upstream.resolved(self.line, addresses, Instant::now()),
            Err(trouble) => self.upstream.lost(self.line, &trouble, Instant::now()),
        }
    }
}

async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
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

impl Upstream {
    /// The answer for a `server` line. Its order changes from answer to answer (DNS round robin); ours stays: IPv4
    /// first, as nginx does.
    pub(crate) fn resolved(&self, line: usize, mut addresses: Vec<SocketAddr>, now: Instant) {
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(MAX_ADDRESSES);
        let addresses: Vec<Address> = addresses.into_iter().map(Address::Tcp).collect();
        let mut roster = self.roster();
        if roster.resolved(line, &addresses, now) {
            roster.regroup();
            drop(roster);
            let to: Vec<String> = addresses.iter().map(Address::to_string).collect();
            tracing::info!(
                upstream = self.name,
                server = self.servers[line].name,
                ?to,
                "resolved"
            );
        }
    }

    /// There is no answer for a `server` line.
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
