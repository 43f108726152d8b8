//! Command line of one backend: `backends` serves, `backends healthcheck` asks a running one.

use clap::{Parser, Subcommand};
use service::Shutdown;

/// One of the lab's identical backends: answers `Hello from Server N!`, and misbehaves on request.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; 0.0.0.0 only inside a container
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:5000")]
    bind: String,
    /// The name it answers with
    #[arg(long, env = "SERVER_NAME", default_value = "Server 1")]
    name: String,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Exit with 0 if a running backend is healthy
    Healthcheck {
        #[arg(long, default_value = "http://127.0.0.1:5000/healthz")]
        url: String,
    },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Healthcheck { url }) => Ok(service::healthcheck(&url)?),
        None => serve(arguments),
    }
}

// One thread does: three backends share the machine with the proxy and the load tester.
#[tokio::main(flavor = "current_thread")]
async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    service::init_logging();
    let shutdown = Shutdown::on_signals()?;
    let listener = service::bind(&arguments.bind).await?;
    tracing::info!(name = arguments.name, "ready");
    let config = backends::Config {
        name: arguments.name,
    };
    Ok(backends::run(listener, config, shutdown).await?)
}
