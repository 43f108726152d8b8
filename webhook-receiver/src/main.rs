//! Command line: `webhook-receiver` serves, `forward` brings events to this machine, `send` plays a sender,
//! `healthcheck` asks a running one.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use service::{Shutdown, TrustedProxies};
use tokio::net::TcpListener;
use webhook_receiver::dns::Sockets;
use webhook_receiver::{Listeners, Settings, forward, sender, target};

/// The webhook receiver: inbox, API, forwarder.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; 0.0.0.0 only inside a container
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8004")]
    bind: String,
    /// Addresses whose X-Forwarded-* headers are believed: networks, comma-separated
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "127.0.0.0/8,::1")]
    trusted_proxies: TrustedProxies,
    /// Take mail there
    #[arg(long, value_name = "ADDR:PORT")]
    smtp: Option<String>,
    /// Answer DNS there, by UDP and TCP
    #[arg(long, value_name = "ADDR:PORT")]
    dns: Option<String>,
    /// The SQLite file that everything is kept in
    #[arg(long, env = "WEBHOOK_DATA", default_value = "data/webhooks.db")]
    data: PathBuf,
    /// Most events that may wait to be stored; the next is answered 503
    #[arg(long, default_value_t = 1024)]
    queue: usize,
    /// One commit per event, to measure what the group commit is worth
    #[arg(long, hide = true)]
    commit_each: bool,
    /// Whoever sends this as Api-Key may list all tokens
    #[arg(long, env = "WEBHOOK_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    #[command(flatten)]
    targets: target::Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Exit with 0 if a running one is healthy
    Healthcheck {
        #[arg(long, default_value = "http://127.0.0.1:8004/healthz")]
        url: String,
    },
    /// Send a delivery as GitHub or a sender of Standard Webhooks does; fails unless it is answered with 2xx
    Send(sender::Arguments),
    /// Bring a token's events to a server on this machine, and its answers back
    Forward(forward::Arguments),
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Healthcheck { url }) => service::healthcheck(&url)?,
        Some(Command::Send(delivery)) => return send(&delivery),
        Some(Command::Forward(what)) => follow(&what)?,
        None => serve(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[tokio::main(flavor = "current_thread")]
async fn follow(what: &forward::Arguments) -> anyhow::Result<()> {
    service::init_logging();
    Ok(forward::run(what, &Shutdown::on_signals()?).await?)
}

#[tokio::main(flavor = "current_thread")]
async fn send(delivery: &sender::Arguments) -> anyhow::Result<ExitCode> {
    let delivered = sender::run(delivery).await?;
    Ok(if delivered {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[tokio::main(flavor = "current_thread")]
async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    service::init_logging();
    let shutdown = Shutdown::on_signals()?;
    let listeners = listen(&arguments).await?;
    let config = webhook_receiver::Config {
        trusted: arguments.trusted_proxies,
        store: Settings {
            file: arguments.data,
            queue: arguments.queue,
            commit_each: arguments.commit_each,
        },
        api_key: arguments.api_key,
        targets: arguments.targets.into(),
    };
    webhook_receiver::run(listeners, config, shutdown).await?;
    Ok(())
}

async fn listen(arguments: &Arguments) -> anyhow::Result<Listeners> {
    let mut listeners = Listeners::from(service::bind(&arguments.bind).await?);
    if let Some(smtp) = &arguments.smtp {
        let listener = TcpListener::bind(smtp).await;
        let listener = listener.with_context(|| format!("can't take mail on {smtp}"))?;
        tracing::info!("listening for mail on {}", listener.local_addr()?);
        listeners.smtp = Some(listener);
    }
    if let Some(dns) = &arguments.dns {
        let sockets = Sockets::bind(dns).await;
        listeners.dns = Some(sockets.with_context(|| format!("can't answer DNS on {dns}"))?);
    }
    Ok(listeners)
}
