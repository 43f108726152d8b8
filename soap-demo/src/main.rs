//! Command line: `soap-demo` serves, `soap-demo healthcheck` asks a running one, `soap-demo call` calls an
//! operation.

mod call;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use service::{Shutdown, TrustedProxies};
use soap_demo::xml::Limits;

/// The five public SOAP services, contract first.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; 0.0.0.0 only inside a container
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8001")]
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
        #[arg(long, default_value = "http://127.0.0.1:8001/healthz")]
        url: String,
    },
    /// Call an operation: asks the service for its contract, sends, prints the result
    Call(call::Options),
    /// Say of each file whether the server's XML reader takes it for well formed
    #[command(hide = true)]
    CheckXml { files: Vec<PathBuf> },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Healthcheck { url }) => Ok(service::healthcheck(&url)?),
        Some(Command::Call(options)) => call::run(&options),
        Some(Command::CheckXml { files }) => check_xml(&files),
        None => serve(arguments),
    }
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn check_xml(files: &[PathBuf]) -> anyhow::Result<()> {
    for file in files {
        let name = file.display();
        match soap_demo::xml::check_well_formed(&std::fs::read(file)?, Limits::MESSAGE) {
            Ok(()) => println!("ok {name}"),
            Err(error) => println!("bad {name}: {}:{}: {error}", error.line, error.column),
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    service::init_logging();
    let shutdown = Shutdown::on_signals()?;
    let listener = service::bind(&arguments.bind).await?;
    let config = soap_demo::Config {
        trusted: arguments.trusted_proxies,
    };
    Ok(soap_demo::run(listener, config, shutdown).await?)
}
