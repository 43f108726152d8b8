//! What runs where: the lab's services behind this proxy, each only if a `server {}` for its port is loaded, so that
//! the dashboard never shows a dead link.

use std::net::SocketAddr;

use serde::Serialize;

/// A port that the configuration listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    /// As written: `listen 80`.
    pub(crate) written: u16,
    /// Where it is bound; another one after `--map-listen`.
    pub(crate) bound: SocketAddr,
    pub(crate) tls: bool,
    /// Where its default server passes `/` to.
    pub(crate) upstream: Option<String>,
}

/// A row of the table: the port in nginx.conf, and the variable that moves it when compose publishes it.
struct Known {
    port: u16,
    variable: &'static str,
    name: &'static str,
    about: &'static str,
}

const KNOWN: [Known; 6] = [
    known(
        80,
        "LAB_HTTP_PORT",
        "Main lab",
        "refresh it: Server 1, 2, 3",
    ),
    known(8000, "LAB_DOCS_PORT", "The book", "the chapters of the lab"),
    known(
        8001,
        "LAB_SOAP_PORT",
        "SOAP",
        "country information, contract first",
    ),
    known(
        8002,
        "LAB_GRAPHQL_PORT",
        "GraphQL",
        "the countries as a graph",
    ),
    known(
        8003,
        "LAB_CHAT_PORT",
        "WebSocket chat",
        "rooms over one upgraded connection",
    ),
    known(
        8004,
        "LAB_WEBHOOKS_PORT",
        "Webhooks",
        "receive, look, forward",
    ),
];

const fn known(
    port: u16,
    variable: &'static str,
    name: &'static str,
    about: &'static str,
) -> Known {
    Known {
        port,
        variable,
        name,
        about,
    }
}

/// A link of the dashboard. The page puts its own host name before the port.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Service {
    name: &'static str,
    about: &'static str,
    port: u16,
    /// Its port as it stands in the configuration.
    written: u16,
    /// Whose health is its health.
    upstream: Option<String>,
}

/// `variable` reads the environment: inside a container only that can tell which port is published outside.
pub(super) fn running(ports: &[Port], variable: impl Fn(&str) -> Option<String>) -> Vec<Service> {
    let service = |known: &Known| {
        let port = ports.iter().find(|port| port.written == known.port)?;
        let published = variable(known.variable).and_then(|port| port.parse().ok());
        let bound = port.bound.port();
        let is_moved = bound != port.written;
        let reached = if is_moved {
            bound
        } else {
            published.unwrap_or(bound)
        };
        Some(Service {
            name: known.name,
            about: known.about,
            port: reached,
            written: port.written,
            upstream: port.upstream.clone(),
        })
    };
    KNOWN.iter().filter_map(service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(ports: &[(u16, u16)], variables: &[(&str, &str)]) -> Vec<(&'static str, u16)> {
        let ports: Vec<Port> = ports
            .iter()
            .map(|&(written, bound)| Port {
                written,
                bound: ([127, 0, 0, 1], bound).into(),
                tls: false,
                upstream: None,
            })
            .collect();
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        running(&ports, variable)
            .iter()
            .map(|service| (service.name, service.port))
            .collect()
    }

    #[test]
    fn a_service_is_listed_only_if_its_port_is_loaded() {
        assert_eq!(
            links(&[(80, 80), (8000, 8000), (9999, 9999)], &[]),
            [("Main lab", 80), ("The book", 8000)]
        );
    }

    #[test]
    fn a_moved_port_is_shown_as_it_is_reached() {
        assert_eq!(
            links(&[(80, 8088)], &[]),
            [("Main lab", 8088)],
            "cargo lab: --map-listen"
        );
        assert_eq!(
            links(&[(80, 80)], &[("LAB_HTTP_PORT", "8081")]),
            [("Main lab", 8081)],
            "compose: .env"
        );
        assert_eq!(
            links(&[(80, 80)], &[("LAB_HTTP_PORT", "none")]),
            [("Main lab", 80)]
        );
    }
}
