//! Command line: `webhook-receiver` serves, `forward` brings events to this machine, `send` plays a sender,
//! `healthcheck` asks a running one.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service::Shutdown;
use webhook_receiver::{Serving, forward, sender};

/// The webhook receiver: inbox, API, forwarder.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    serving: Serving,
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
        None => serve(arguments.serving)?,
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
async fn serve(serving: Serving) -> anyhow::Result<()> {
    service::init_logging();
    let shutdown = Shutdown::on_signals()?;
    let (listeners, config) = serving.open().await?;
    webhook_receiver::run(listeners, config, shutdown).await?;
    Ok(())
}
