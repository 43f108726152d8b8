//! The table of the lab's services. The launcher, `status`, the proxy's name mapping and the test that
//! compares us with compose.yaml all read it; a new service is one more row.
use std::path::Path;

use anyhow::{Result, bail};
use nix::sys::signal::Signal;

use crate::place::Place;
use crate::ports::Ports;

/// The packages whose binaries a lab needs.
pub const PACKAGES: &[&str] = &[
    "backends",
    "graphql-demo",
    "load-tester",
    "proxy",
    "soap-demo",
    "webhook-receiver",
    "websocket-chat",
];

/// One long-running process of the lab.
#[derive(Debug)]
pub struct Service {
    /// As in compose.yaml, and as the host name that nginx.conf uses.
    pub name: &'static str,
    /// The program that runs.
    pub binary: &'static str,
    /// The port it has inside compose's network.
    pub inside: u16,
    /// The port it has in this lab.
    pub port: fn(&Ports) -> u16,
    /// The path that answers 200 when the service is well.
    pub health: &'static str,
    /// What a reader finds there, for the table of URLs.
    pub page: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Backend {
        server_name: &'static str,
    },
    /// Starts with these arguments beside `--bind`.
    Demo(fn(&Place, &Ports) -> Vec<String>),
    Docs,
    ForwardProxy,
    Proxy,
}

/// In the order of starting: the proxy last, so that its first request finds somebody.
pub const SERVICES: &[Service] = &[
    backend("backend1", "Server 1", |ports| ports.backends[0]),
    backend("backend2", "Server 2", |ports| ports.backends[1]),
    backend("backend3", "Server 3", |ports| ports.backends[2]),
    Service {
        name: "docs",
        binary: "proxy",
        inside: 8000,
        port: |ports| ports.docs_server,
        health: "/",
        page: "",
        kind: Kind::Docs,
    },
    demo("soap-demo", 8001, |ports| ports.demo_servers[0], no_more),
    demo(
        "graphql-demo",
        8002,
        |ports| ports.demo_servers[1],
        explorer,
    ),
    demo(
        "websocket-chat",
        8003,
        |ports| ports.demo_servers[2],
        no_more,
    ),
    demo(
        "webhook-receiver",
        8004,
        |ports| ports.demo_servers[3],
        inbox,
    ),
    Service {
        name: "forward-proxy",
        binary: "proxy",
        inside: FORWARD,
        port: |ports| ports.forward,
        health: "/healthz",
        page: "",
        kind: Kind::ForwardProxy,
    },
    Service {
        name: "proxy",
        binary: "proxy",
        inside: 8080,
        port: |ports| ports.admin,
        health: "/api/status",
        page: "",
        kind: Kind::Proxy,
    },
];

/// What the proxy publishes: the port in nginx.conf and compose.yaml, the port here, what it is.
pub const FRONTS: &[Front] = &[
    Front {
        listen: 80,
        port: |ports| ports.http,
        title: "main lab",
        hint: "refresh: Server 1, 2, 3",
    },
    Front {
        listen: 8000,
        port: |ports| ports.docs,
        title: "book",
        hint: "the chapters",
    },
    Front {
        listen: 8001,
        port: |ports| ports.soap,
        title: "SOAP",
        hint: "five services, their contracts, both messages",
    },
    Front {
        listen: 8002,
        port: |ports| ports.graphql,
        title: "GraphQL",
        hint: "ask the countries API",
    },
    Front {
        listen: 8003,
        port: |ports| ports.chat,
        title: "chat",
        hint: "two windows, and the frames between them",
    },
    Front {
        listen: 8004,
        port: |ports| ports.webhooks,
        title: "webhooks",
        hint: "a URL of your own, and what arrives there",
    },
    Front {
        listen: FORWARD,
        port: |ports| ports.forward,
        title: "way out",
        hint: "the forward proxy, for curl -x",
    },
    Front {
        listen: 8080,
        port: |ports| ports.admin,
        title: "dashboard",
        hint: "what runs, who answered how often",
    },
];

/// One published port.
#[derive(Debug)]
pub struct Front {
    pub listen: u16,
    pub port: fn(&Ports) -> u16,
    pub title: &'static str,
    pub hint: &'static str,
}

const ADMIN: u16 = 8080;
const FORWARD: u16 = 3128;
/// Published like the others, though nothing listens there before chapter 8: so it is none of them.
pub const HTTPS: u16 = 443;

const fn backend(
    name: &'static str,
    server_name: &'static str,
    port: fn(&Ports) -> u16,
) -> Service {
    let kind = Kind::Backend { server_name };
    Service {
        name,
        binary: "backends",
        inside: 5000,
        port,
        health: "/healthz",
        page: "whoami",
        kind,
    }
}

const fn demo(
    name: &'static str,
    inside: u16,
    port: fn(&Ports) -> u16,
    more: fn(&Place, &Ports) -> Vec<String>,
) -> Service {
    Service {
        name,
        binary: name,
        inside,
        port,
        health: "/healthz",
        page: "",
        kind: Kind::Demo(more),
    }
}

/// Without the folder the demo warns and shows a plain page.
fn explorer(place: &Place, _: &Ports) -> Vec<String> {
    let folder = crate::graphiql::folder(&place.root);
    if !folder.is_dir() {
        return Vec::new();
    }
    vec!["--graphiql".into(), folder.display().to_string()]
}

/// What arrives is kept beside the lab's other state, so it is there again after a restart.
fn inbox(place: &Place, ports: &Ports) -> Vec<String> {
    let file = place.state.join("webhooks.db");
    vec![
        "--data".into(),
        file.display().to_string(),
        "--smtp".into(),
        format!("127.0.0.1:{}", ports.smtp),
        "--dns".into(),
        format!("127.0.0.1:{}", ports.dns),
    ]
}

fn no_more(_: &Place, _: &Ports) -> Vec<String> {
    Vec::new()
}

/// How to start one service: arguments and environment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Start {
    pub args: Vec<String>,
    pub env: Vec<(&'static str, String)>,
}

impl Service {
    pub fn find(name: &str) -> Result<&'static Self> {
        match SERVICES.iter().find(|service| service.name == name) {
            Some(service) => Ok(service),
            None => bail!("no service {name:?}; there are {}", names().join(", ")),
        }
    }

    /// `backends` names all three.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || (self.binary == name && matches!(self.kind, Kind::Backend { .. }))
    }

    /// nginx's language: QUIT lets requests in flight finish, TERM does not.
    pub fn stop_signal(&self) -> Signal {
        match self.kind {
            Kind::Backend { .. } | Kind::Demo(_) => Signal::SIGTERM,
            Kind::Docs | Kind::ForwardProxy | Kind::Proxy => Signal::SIGQUIT,
        }
    }

    pub fn health_url(&self, ports: &Ports) -> String {
        format!("http://127.0.0.1:{}{}", (self.port)(ports), self.health)
    }

    pub fn start(&self, place: &Place, ports: &Ports) -> Start {
        let listen = format!("127.0.0.1:{}", (self.port)(ports));
        match self.kind {
            Kind::Backend { server_name } => Start {
                args: vec!["--bind".into(), listen],
                env: vec![("SERVER_NAME", server_name.to_owned())],
            },
            Kind::Demo(more) => {
                let mut args = vec!["--bind".into(), listen];
                args.extend(more(place, ports));
                Start { args, env: vec![] }
            }
            Kind::Docs => {
                let prefix = place.state.join("docs");
                let conf = place.root.join("docs/nginx.conf");
                let mut args = self.proxy_args(place, &prefix, &conf);
                args.extend(["--map-listen".into(), format!("{}={listen}", self.inside)]);
                Start { args, env: vec![] }
            }
            Kind::ForwardProxy => {
                let folder = place.conf.join("forward");
                let mut args = self.proxy_args(place, &folder, &folder.join("nginx.conf"));
                args.extend(["--map-listen".into(), format!("{}={listen}", self.inside)]);
                let admin = format!("127.0.0.1:{}", ports.forward_admin);
                args.extend(["--admin".into(), admin]);
                args.extend(self.others(ports));
                let fronts = FRONTS
                    .iter()
                    .filter(|front| !matches!(front.listen, ADMIN | FORWARD))
                    .map(|front| (front.listen, (front.port)(ports)));
                for (port, here) in fronts.chain([(HTTPS, ports.https)]) {
                    let mapped = format!("proxy:{port}=127.0.0.1:{here}");
                    args.extend(["--map-host".into(), mapped]);
                }
                Start { args, env: vec![] }
            }
            Kind::Proxy => {
                let conf = place.conf.join("nginx.conf");
                let mut args = self.proxy_args(place, &place.conf, &conf);
                args.extend(["--admin".into(), listen]);
                args.extend(self.others(ports));
                args.extend(
                    FRONTS
                        .iter()
                        .filter(|front| !matches!(front.listen, ADMIN | FORWARD))
                        .flat_map(|front| {
                            [
                                "--map-listen".into(),
                                format!("{}=127.0.0.1:{}", front.listen, (front.port)(ports)),
                            ]
                        }),
                );
                args.extend([
                    "--map-listen".into(),
                    format!("{HTTPS}=127.0.0.1:{}", ports.https),
                ]);
                Start { args, env: vec![] }
            }
        }
    }

    /// Where the other services are, for a program that knows them by their names in Docker.
    fn others(&self, ports: &Ports) -> impl Iterator<Item = String> {
        let others = SERVICES.iter().filter(|other| other.name != self.name);
        others.flat_map(|other| {
            let (name, inside) = (other.name, other.inside);
            let mapped = format!("{name}:{inside}=127.0.0.1:{}", (other.port)(ports));
            ["--map-host".into(), mapped]
        })
    }

    /// The status API of an instance of the proxy's program that has one.
    pub fn admin_port(&self, ports: &Ports) -> Option<u16> {
        match self.kind {
            Kind::ForwardProxy => Some(ports.forward_admin),
            Kind::Proxy => Some(ports.admin),
            Kind::Backend { .. } | Kind::Demo(_) | Kind::Docs => None,
        }
    }

    /// What all instances of the proxy's program need: where its files are, and to stay in the foreground.
    fn proxy_args(&self, place: &Place, prefix: &Path, conf: &Path) -> Vec<String> {
        let pid = place.state.join(format!("{}.nginx.pid", self.name));
        vec![
            "-p".into(),
            prefix.display().to_string(),
            "-c".into(),
            conf.display().to_string(),
            "-g".into(),
            format!("pid {}; daemon off;", pid.display()),
        ]
    }
}

/// All names, for messages.
pub fn names() -> Vec<&'static str> {
    SERVICES.iter().map(|service| service.name).collect()
}
