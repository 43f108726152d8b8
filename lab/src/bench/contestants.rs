//! Who takes part, each with the configuration that its users would write: the module's four headers, connections
//! kept to the backends, access log on, one worker.
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::binaries::Binaries;
use crate::server_process::{ServerProcess, free_port};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ours,
    Nginx,
    Haproxy,
    /// nginx's stream module: bytes from one socket to the other, the limit of what a proxy can save.
    Relay,
}

impl Kind {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Relay => "TCP relay",
        }
    }
}

#[derive(Debug)]
pub(super) struct Contestant {
    pub(super) kind: Kind,
    process: ServerProcess,
}

impl Contestant {
    pub(super) fn start(
        kind: Kind,
        folder: &Path,
        binaries: &Binaries,
        backends: &[u16; 3],
    ) -> Result<Self> {
        let port = free_port()?;
        let (program, name, text) = match kind {
            Kind::Ours => (
                binaries.path("proxy"),
                "ours",
                http(folder, "ours", &plain(port), backends),
            ),
            Kind::Nginx => (
                "nginx".into(),
                "nginx",
                http(folder, "nginx", &plain(port), backends),
            ),
            Kind::Relay => ("nginx".into(), "relay", relay(port, backends)),
            Kind::Haproxy => ("haproxy".into(), "haproxy", haproxy(port, backends)),
        };
        let conf = folder.join(format!("{name}.conf"));
        fs::write(&conf, text)?;
        let mut command = Command::new(program);
        if kind == Kind::Haproxy {
            command.arg("-db").arg("-f").arg(conf);
        } else {
            command.arg("-p").arg(folder).arg("-c").arg(conf);
            command.args(["-g", &in_foreground(folder, name)]);
        }
        Ok(Self {
            kind,
            process: ServerProcess::start(command, port, folder, name)?,
        })
    }

    /// Ours or nginx with TLS in front; the files are in `folder`.
    pub(super) fn start_tls(
        kind: Kind,
        folder: &Path,
        binaries: &Binaries,
        backends: &[u16; 3],
    ) -> Result<Self> {
        let (program, name) = match kind {
            Kind::Ours => (binaries.path("proxy"), "ours-tls"),
            _ => ("nginx".into(), "nginx-tls"),
        };
        let port = free_port()?;
        let conf = folder.join(format!("{name}.conf"));
        fs::write(&conf, http(folder, name, &secure(folder, port), backends))?;
        let mut command = Command::new(program);
        command.arg("-p").arg(folder).arg("-c").arg(conf);
        command.args(["-g", &in_foreground(folder, name)]);
        Ok(Self {
            kind,
            process: ServerProcess::start(command, port, folder, name)?,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.process.port
    }

    pub(super) fn pid(&self) -> i32 {
        self.process.pid()
    }
}

fn in_foreground(folder: &Path, name: &str) -> String {
    let base = folder.join(name).display().to_string();
    format!("daemon off; pid {base}.pid; error_log {base}.errors;")
}

/// Room for 10,000 clients and as many backend connections.
const LIMITS: &str =
    "worker_processes 1;\nworker_rlimit_nofile 40000;\nevents { worker_connections 25000; }\n";

fn plain(port: u16) -> String {
    format!("listen 127.0.0.1:{port} backlog=8192;")
}

/// What both would agree on anyway, said so that nobody wins by a cheaper curve.
fn secure(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "listen 127.0.0.1:{port} ssl backlog=8192;
        ssl_certificate {folder}/server.crt;
        ssl_certificate_key {folder}/server.key;
        ssl_protocols TLSv1.3;
        ssl_ecdh_curve X25519;"
    )
}

fn http(folder: &Path, name: &str, listen: &str, [a, b, c]: &[u16; 3]) -> String {
    let log = folder.join(format!("{name}.log")).display().to_string();
    format!(
        "{LIMITS}
http {{
    access_log {log};
    keepalive_timeout 600s;
    keepalive_requests 100000000;
    upstream servers {{
        server 127.0.0.1:{a};
        server 127.0.0.1:{b};
        server 127.0.0.1:{c};
        keepalive 64;
        keepalive_requests 100000000;
    }}
    server {{
        {listen}
        location / {{
            proxy_pass http://servers;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"
    )
}

fn relay(port: u16, [a, b, c]: &[u16; 3]) -> String {
    format!(
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;
{LIMITS}
stream {{
    upstream servers {{ server 127.0.0.1:{a}; server 127.0.0.1:{b}; server 127.0.0.1:{c}; }}
    server {{ listen 127.0.0.1:{port} backlog=8192; proxy_pass servers; }}
}}
"
    )
}

/// HAProxy logs to standard output, which is a file here.
fn haproxy(port: u16, [a, b, c]: &[u16; 3]) -> String {
    format!(
        "global
    nbthread 1
    maxconn 4000
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    timeout connect 5s
    timeout client 600s
    timeout server 60s
frontend lab
    bind 127.0.0.1:{port} backlog 8192
    http-request set-header X-Real-IP %[src]
    http-request set-header X-Forwarded-Proto http
    option forwardfor
    default_backend servers
backend servers
    balance roundrobin
    http-reuse always
    server a 127.0.0.1:{a}
    server b 127.0.0.1:{b}
    server c 127.0.0.1:{c}
"
    )
}

/// Where a backend's answer has 64 KiB.
pub(super) const LARGE: &str = "/large";

/// The backends: one nginx of its own, three ports, a short answer from memory, and a long one at `LARGE`.
pub(super) struct FastBackend {
    pub(super) ports: [u16; 3],
    _process: ServerProcess,
}

pub(super) fn fast_backend(folder: &Path) -> Result<FastBackend> {
    let ports = [free_port()?, free_port()?, free_port()?];
    // nginx reads no longer word than 4 KB.
    let (piece, pieces) = ("0123456789abcdef".repeat(128), "${piece}".repeat(32));
    let servers: String = ports
        .iter()
        .zip(1..)
        .map(|(port, id)| {
            format!(
                "server {{ listen 127.0.0.1:{port} backlog=8192; set $piece \"{piece}\";
                 location / {{ return 200 \"Hello from Server {id}!\"; }}
                 location {LARGE} {{ return 200 \"{pieces}\"; }} }}\n"
            )
        })
        .collect();
    let conf = folder.join("backend.conf");
    let settings = "access_log off; keepalive_requests 100000000; keepalive_timeout 600s;";
    fs::write(&conf, format!("{LIMITS}http {{\n{settings}\n{servers}}}\n"))?;
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(conf)
        .args(["-g", &in_foreground(folder, "backend")]);
    Ok(FastBackend {
        ports,
        _process: ServerProcess::start(command, ports[2], folder, "backend")?,
    })
}
