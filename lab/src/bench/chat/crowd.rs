//! `cargo lab bench crowd`: a fresh chat and a crowd of members, `websocket-chat/examples/crowd`. `soak` puts ten thousand
//! of them into rooms of ten, through our proxy; `slow` lets some members of a room not read.
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use super::idle::raise_limit;
use crate::bench::{process_cost, release};
use crate::binaries::Binaries;
use crate::place::Place;
use crate::server_process::{ServerProcess, free_port};

/// A tunnel has two ends, so one proxy would need twice as many open files as there are members.
const PROXIES: usize = 2;
const MOST_MEMBERS: usize = 15_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Ten thousand members through our proxy, some of them cut off every second
    Soak,
    /// A hundred members and large messages; some don't read
    Slow,
}

/// Which crowd.
#[derive(Debug, Args)]
pub struct CrowdOptions {
    #[arg(value_enum)]
    what: What,
    /// Use the release build as it is
    #[arg(long)]
    no_build: bool,
    /// The crowd's own options: `--members`, `--seconds`, `--churn`, `--rate`; `--stalled`, `--seconds`, `--pairs`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    own: Vec<String>,
}

/// Starts what the crowd needs, and lets it decide.
pub fn run(place: &Place, options: &CrowdOptions) -> Result<ExitCode> {
    let binaries = release(place, options.no_build)?;
    if !options.no_build {
        build(place, &binaries)?;
    }
    raise_limit(MOST_MEMBERS)?;
    let folder = tempfile::tempdir()?;
    let chat = start_chat(&binaries, folder.path(), options.what)?;
    let mut crowd = Command::new(binaries.path("examples/crowd"));
    crowd.arg(format!("--watch=chat={}", chat.pid()));
    let mut addresses = Vec::new();
    let mut proxies = Vec::new();
    if options.what == What::Soak {
        for number in 0..PROXIES {
            let proxy = start_proxy(&binaries, folder.path(), number, chat.port)?;
            let worker = process_cost::busiest(proxy.pid())?;
            crowd.arg(format!("--watch=proxy {number}={worker}"));
            addresses.push(format!("127.0.0.1:{}", proxy.port));
            proxies.push(proxy);
        }
    } else {
        addresses.push(format!("127.0.0.1:{}", chat.port));
    }
    crowd.arg(format!("--address={}", addresses.join(",")));
    crowd.arg(if options.what == What::Soak {
        "soak"
    } else {
        "slow"
    });
    let status = crowd.args(&options.own).status().context("the crowd")?;
    Ok(ExitCode::from(u8::from(!status.success())))
}

fn build(place: &Place, binaries: &Binaries) -> Result<()> {
    let target = binaries.path("..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(&place.root);
    build.args(["build", "--release", "--package", "websocket-chat"]);
    build
        .args(["--example", "crowd", "--target-dir"])
        .arg(target);
    ensure!(build.status()?.success(), "the crowd does not compile");
    Ok(())
}

fn start_chat(binaries: &Binaries, folder: &Path, what: What) -> Result<ServerProcess> {
    let port = free_port()?;
    let mut command = Command::new(binaries.path("websocket-chat"));
    command.arg(format!("--bind=127.0.0.1:{port}"));
    command.arg("--messages-per-second=1000");
    if what == What::Soak {
        // Full within the first third, so that what grows then is no history; and enough for who comes back to a busy room.
        command.arg("--history-mib=16");
    }
    command.env_remove("REDIS_URL");
    ServerProcess::start(command, port, folder, "chat")
}

fn start_proxy(
    binaries: &Binaries,
    folder: &Path,
    number: usize,
    chat: u16,
) -> Result<ServerProcess> {
    let (port, name) = (free_port()?, format!("proxy{number}"));
    let conf = folder.join(format!("{name}.conf"));
    fs::write(&conf, configuration(port, chat))?;
    let mut command = Command::new(binaries.path("proxy"));
    command.arg("-p").arg(folder).arg("-c").arg(conf);
    let base = folder.join(&name).display().to_string();
    command.arg("-g");
    command.arg(format!(
        "daemon off; pid {base}.pid; error_log {base}.errors;"
    ));
    ServerProcess::start(command, port, folder, &name)
}

fn configuration(port: u16, chat: u16) -> String {
    format!(
        "worker_processes 1;
events {{ worker_connections 25000; }}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        location / {{
            proxy_pass http://127.0.0.1:{chat};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_read_timeout 120s;
        }}
    }}
}}
"
    )
}
