//! The proxy under the flood, with the configuration that its users would write against one, and an eye on it.
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::bench::process_cost;
use crate::binaries::Binaries;
use crate::server_process::{ServerProcess, free_port};

/// What a slow client is given for its head, and for each piece of its body.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Flooded {
    proxy: ServerProcess,
    _backend: ServerProcess,
    folder: PathBuf,
}

impl Flooded {
    pub(super) fn start(binaries: &Binaries, folder: &Path) -> Result<Self> {
        let (port, behind) = (free_port()?, free_port()?);
        let mut command = Command::new(binaries.path("backends"));
        command.args(["--bind", &format!("127.0.0.1:{behind}")]);
        let backend = ServerProcess::start(command, behind, folder, "backend")?;
        let conf = folder.join("flood.conf");
        fs::write(&conf, configuration(port, behind))?;
        let mut command = Command::new(binaries.path("proxy"));
        command.arg("-p").arg(folder).arg("-c").arg(conf);
        Ok(Self {
            proxy: ServerProcess::start(command, port, folder, "proxy")?,
            _backend: backend,
            folder: folder.to_owned(),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.proxy.port))
    }

    /// Looks at the proxy's memory once a second until it is told to finish.
    pub(super) fn watch(&self) -> Watching {
        let pid = self.proxy.pid();
        let logs = ["access.log", "error.log"].map(|name| self.folder.join(name));
        let (end, mut ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut watch = Watch::default();
            let mut second = tokio::time::interval(Duration::from_secs(1));
            let before = process_cost::cpu_seconds(pid)?;
            loop {
                tokio::select! {
                    _ = second.tick() => watch.memory_kb.push(process_cost::memory_kb(pid)?),
                    _ = &mut ended => break,
                }
            }
            watch.cpu_seconds = process_cost::cpu_seconds(pid)? - before;
            watch.log_bytes = logs
                .iter()
                .flat_map(fs::metadata)
                .map(|log| log.len())
                .sum();
            Ok(watch)
        });
        Watching { task, end }
    }
}

/// A watch that goes on.
#[derive(Debug)]
pub(super) struct Watching {
    task: JoinHandle<Result<Watch>>,
    end: oneshot::Sender<()>,
}

impl Watching {
    pub(super) async fn finish(self) -> Result<Watch> {
        let _ = self.end.send(());
        self.task.await?
    }
}

/// What the proxy cost while it was watched.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Second by second.
    pub(super) memory_kb: Vec<u64>,
    pub(super) cpu_seconds: f64,
    /// Written to its logs.
    pub(super) log_bytes: u64,
}

fn configuration(port: u16, behind: u16) -> String {
    let patience = PATIENCE.as_secs();
    format!(
        "daemon off;
pid proxy.pid;
error_log error.log;
worker_processes auto;
events {{ worker_connections 20000; }}
http {{
    # Refusals are counted in the error log; an access line for each would be what fills the disk.
    map $limit_req_status $worth_a_line {{ REJECTED 0; default 1; }}
    access_log access.log combined if=$worth_a_line;
    client_header_timeout {patience}s;
    client_body_timeout {patience}s;
    limit_req_zone $binary_remote_addr zone=each:1m rate=100r/s;
    upstream servers {{ server 127.0.0.1:{behind}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Connection \"\";
        location / {{ proxy_pass http://servers; }}
        location /limited {{
            limit_req zone=each burst=20 nodelay;
            limit_req_status 429;
            proxy_pass http://servers/;
        }}
    }}
}}
"
    )
}
