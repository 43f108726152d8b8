//! Command line: `webhook-receiver` serves, `send` plays a sender, `healthcheck` asks a running one.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service::{Shutdown, TrustedProxies};
use webhook_receiver::sender;

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
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Healthcheck { url }) => service::healthcheck(&url)?,
        Some(Command::Send(delivery)) => return send(&delivery),
        None => serve(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
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
    let listener = service::bind(&arguments.bind).await?;
    let config = webhook_receiver::Config {
        trusted: arguments.trusted_proxies,
    };
    webhook_receiver::run(listener, config, shutdown).await;
    Ok(())
}
