//! Where may this server send a request that a stranger asked for? Without a rule, anybody who may add a forwarding
//! target reads the metadata service of our cloud and the router's admin page through us (server-side request forgery).
//!
//! Takes a target URL and decides on *addresses*, never on names: literals are judged at once, names when they are
//! resolved for the very connection that is about to be made. So a name that changes its address between a check and
//! the connection (DNS rebinding) gains nothing. Hands on a [`reqwest::Client`] that can't reach anything else and
//! doesn't follow redirects, since a redirect is a target that nobody checked.

mod lookup;
mod network;

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use reqwest::{Client, Url};

pub use lookup::Lookup;
pub use network::{Network, NotANetwork};

/// How long a target may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which addresses are fair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Only this machine: what a lab on a student's laptop needs, and nothing more.
    #[default]
    Loopback,
    /// Only the public internet: what a hosted receiver needs.
    Public,
    /// Everything.
    Any,
}

/// A word that names no policy.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is none of loopback, public, any")]
pub struct NotAPolicy(String);

impl FromStr for Policy {
    type Err = NotAPolicy;

    fn from_str(word: &str) -> Result<Self, NotAPolicy> {
        match word {
            "loopback" => Ok(Self::Loopback),
            "public" => Ok(Self::Public),
            "any" => Ok(Self::Any),
            _ => Err(NotAPolicy(word.to_owned())),
        }
    }
}

/// The policy on the command line of the server.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)] // each group needs a name of its own, and this one needs none
pub struct Arguments {
    /// Where deliveries may be forwarded to: loopback, public, any
    #[arg(long, env = "WEBHOOK_FORWARD_POLICY", default_value = "loopback")]
    forward_policy: Policy,
    /// Networks that deliveries may be forwarded to under every policy, comma-separated
    #[arg(long, env = "WEBHOOK_ALLOW_SUBNET", value_delimiter = ',')]
    allow_subnet: Vec<Network>,
    /// The DNS server that is asked for the addresses of targets, instead of the system
    #[arg(long, value_name = "ADDR:PORT")]
    resolver: Option<SocketAddr>,
}

impl From<Arguments> for Targets {
    fn from(arguments: Arguments) -> Self {
        Self {
            policy: arguments.forward_policy,
            allowed: arguments.allow_subnet,
            lookup: arguments.resolver.map_or(Lookup::System, Lookup::Server),
        }
    }
}

/// Why a target is not contacted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{0:?} is no URL")]
    NotAUrl(String),
    #[error("the scheme {0:?} is not http")]
    Scheme(String),
    #[error("a user name or password in the URL")]
    Credentials,
    #[error("no host in the URL")]
    NoHost,
    #[error("{address} is {what}; the policy allows public addresses only")]
    NotPublic { address: IpAddr, what: &'static str },
    #[error("{0} is not this machine; the policy allows loopback only")]
    NotLoopback(IpAddr),
    #[error("{0:?} has no address")]
    Unresolved(String),
}

/// The policy, the exceptions from it, and who resolves names.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    pub policy: Policy,
    /// Networks that are fair under every policy, such as a compose network.
    pub allowed: Vec<Network>,
    pub lookup: Lookup,
}

impl Targets {
    /// Everything is fair: the forwarder on a student's own machine, who could send the request without us.
    pub fn any() -> Self {
        Self {
            policy: Policy::Any,
            ..Self::default()
        }
    }

    /// A URL that may be contacted as far as its text tells: a fair literal, or a name that is still to be resolved.
    pub fn check(&self, text: &str) -> Result<Url, Refused> {
        // The parser folds 2130706433, 0x7f.1, 0177.0.0.1, 127.1 and full-width digits into 127.0.0.1.
        let url = Url::parse(text).map_err(|_| Refused::NotAUrl(text.to_owned()))?;
        if url.scheme() != "http" {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(Refused::NoHost)?;
        // reqwest never asks a resolver about a literal, so this is the only place that sees it.
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            self.judge(address)?;
        }
        Ok(url)
    }

    /// Whether one address may be contacted.
    pub(crate) fn judge(&self, address: IpAddr) -> Result<(), Refused> {
        let address = address.to_canonical();
        if self.allowed.iter().any(|network| network.holds(address)) {
            return Ok(());
        }
        match self.policy {
            Policy::Any => Ok(()),
            Policy::Loopback if address.is_loopback() => Ok(()),
            Policy::Loopback => Err(Refused::NotLoopback(address)),
            Policy::Public => match network::why_not_public(address) {
                Some(what) => Err(Refused::NotPublic { address, what }),
                None => Ok(()),
            },
        }
    }

    /// A client whose connections all obey: fair addresses only, no redirects, no proxy from the environment.
    pub fn client(&self, answer_within: Duration) -> Client {
        Client::builder()
            .dns_resolver(Arc::new(self.clone()))
            .redirect(redirect::Policy::none())
            .no_proxy()
            // An answer is passed on as it came; another crate of a build may have switched these on.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(answer_within)
            .pool_idle_timeout(Duration::from_secs(20))
            .build()
            .expect("a client without TLS has nothing to load")
    }

    /// The fair addresses of a name, or the first refusal when none is left.
    async fn resolve_fair(&self, name: &str) -> Result<Vec<SocketAddr>, Refused> {
        let found = self.lookup.addresses(name).await;
        let mut refusal = Refused::Unresolved(name.to_owned());
        let mut fair = Vec::new();
        for address in found {
            match self.judge(address) {
                Ok(()) => fair.push(SocketAddr::new(address, 0)),
                Err(reason) => refusal = reason,
            }
        }
        if fair.is_empty() {
            Err(refusal)
        } else {
            Ok(fair)
        }
    }
}

impl Resolve for Targets {
    fn resolve(&self, name: Name) -> Resolving {
        let targets = self.clone();
        Box::pin(async move {
            let fair = targets.resolve_fair(name.as_str()).await?;
            let addresses: Addrs = Box::new(fair.into_iter());
            Ok(addresses)
        })
    }
}

/// What went wrong with a request, in one line and without the URL's secrets: our refusal if there is one.
pub fn reason(error: &reqwest::Error) -> String {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut deepest = String::new();
    while let Some(inner) = source {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return refused.to_string();
        }
        deepest = inner.to_string();
        source = inner.source();
    }
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        deepest
    }
}

#[cfg(test)]
mod tests;
