//! Command line: `graphql-demo` serves, `graphql-demo healthcheck` asks a running one.

use std::num::NonZeroU32;

use clap::{Parser, Subcommand};
use service::{Shutdown, TrustedProxies};

/// Answers are made of many small pieces, which this allocator is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The Countries GraphQL API.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; 0.0.0.0 only inside a container
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8002")]
    bind: String,
    /// Addresses whose X-Forwarded-* headers are believed: networks, comma-separated
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "127.0.0.0/8,::1")]
    trusted_proxies: TrustedProxies,
    /// A folder with GraphiQL's files, as graphiql/collect.mjs collects them; without it the page is a plain one
    #[arg(long, env = "GRAPHIQL_DIR", value_name = "DIR")]
    graphiql: Option<std::path::PathBuf>,
    /// Requests per minute that one address may send to /graphql; without it, any number
    #[arg(long, env = "RATE_LIMIT", value_name = "COUNT")]
    rate_limit: Option<NonZeroU32>,
    /// Serve /stock/graphql too: the same schema by async-graphql-axum as it comes, to compare; it knows fewer limits
    #[arg(long)]
    stock: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Exit with 0 if a running one is healthy
    Healthcheck {
        #[arg(long, default_value = "http://127.0.0.1:8002/healthz")]
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

#[tokio::main(flavor = "current_thread")]
async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    service::init_logging();
    let shutdown = Shutdown::on_signals()?;
    let listener = service::bind(&arguments.bind).await?;
    let config = graphql_demo::Config {
        trusted: arguments.trusted_proxies,
        graphiql: arguments.graphiql,
        rate_limit: arguments.rate_limit,
        stock: arguments.stock,
    };
    graphql_demo::run(listener, config, shutdown).await;
    Ok(())
}
