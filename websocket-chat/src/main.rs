//! Command line: `websocket-chat` serves, `websocket-chat healthcheck` asks a running one,
//! `websocket-chat join` talks to one.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service::{Shutdown, TrustedProxies};
use websocket_chat::Limits;
use websocket_chat::terminal::JoinOptions;

/// The live chat: rooms over WebSocket.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; 0.0.0.0 only inside a container
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8003")]
    bind: String,
    /// Addresses whose X-Forwarded-* headers are believed: networks, comma-separated
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "127.0.0.0/8,::1")]
    trusted_proxies: TrustedProxies,
    /// How many messages a client may send in a second
    #[arg(long, value_name = "N", default_value_t = 50)]
    messages_per_second: u32,
    /// How many members a room may have
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    members: usize,
    /// How much the rooms may remember together
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    history_mib: usize,
    /// Pages of these origins may connect, too: http://localhost:3000, comma-separated
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    origins: Vec<String>,
    /// Redis that all instances of the chat share: redis://host:6379
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    redis_url: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Exit with 0 if a running one is healthy
    Healthcheck {
        #[arg(long, default_value = "http://127.0.0.1:8003/healthz")]
        url: String,
    },
    /// Chat in the terminal: lines from standard input, what others say on standard output
    Join(JoinOptions),
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Healthcheck { url }) => service::healthcheck(&url)?,
        Some(Command::Join(options)) => return talk(options),
        None => serve(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[tokio::main(flavor = "current_thread")]
async fn talk(options: JoinOptions) -> anyhow::Result<ExitCode> {
    websocket_chat::terminal::join(options).await
}

#[tokio::main(flavor = "current_thread")]
async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    service::init_logging();
    let shutdown = Shutdown::on_signals()?;
    let listener = service::bind(&arguments.bind).await?;
    let config = websocket_chat::Config {
        trusted: arguments.trusted_proxies,
        limits: Limits {
            messages_per_second: arguments.messages_per_second,
            members: arguments.members,
            history: arguments.history_mib.saturating_mul(1 << 20),
            ..Limits::default()
        },
        origins: arguments.origins,
        redis_url: arguments.redis_url.filter(|url| !url.is_empty()),
    };
    websocket_chat::run(listener, config, shutdown).await;
    Ok(())
}
