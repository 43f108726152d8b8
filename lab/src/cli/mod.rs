//! The commands of `cargo lab` and which function does each. Options of a command lie beside what reads them.
mod up_options;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use nix::sys::signal::Signal;

use crate::place::Place;
use crate::ports::Ports;
use crate::{
    bench, book, browser, ca, check, control, docker_run, doctor, peers, status, transparent, up,
};

use up_options::UpOptions;

/// The lab without Docker, and its chores.
#[derive(Debug, Parser)]
#[command(name = "cargo lab", bin_name = "cargo lab", version)]
pub struct Cli {
    /// The folder in which the commands meet [default: .lab]
    #[arg(long, global = true, env = "LAB_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// The folder with nginx.conf [default: proxy/conf]
    #[arg(long, global = true, env = "LAB_CONF", value_name = "DIR")]
    conf: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything without Docker; Ctrl-C stops all of it
    Up(UpOptions),
    /// Stop the lab that runs
    Down,
    /// What runs, where, and how it feels; exit code 1 unless all is well
    Status,
    /// Kill a service as hard as possible (SIGKILL); it stays down
    Kill { name: String },
    /// Stop a service politely; it stays down
    Stop { name: String },
    /// Start a service that was killed or stopped
    Start { name: String },
    /// Stop a service politely and start it again
    Restart { name: String },
    /// Let the proxy read its configuration again, without dropping a request
    Reload {
        /// "proxy", or "forward-proxy"
        #[arg(default_value = "proxy")]
        name: String,
    },
    /// Run the load tester against the main lab (without Docker's port 80)
    Load {
        /// The load tester's own options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run the proxy's program as the lab runs it, e.g. `cargo lab proxy -t` or `cargo lab proxy -s reload`
    Proxy {
        /// nginx's options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// What a service has printed
    Logs {
        name: String,
        /// Go on as it prints more
        #[arg(short, long)]
        follow: bool,
    },
    /// What could keep the lab from running here, and what to do
    Doctor,
    /// What you should be able to show after a chapter
    Check {
        /// 1 to 9
        chapter: u8,
    },
    /// Certificates for this machine, and an authority of your own that issued them (chapter 8)
    Ca {
        /// Another authority, even if there is one
        #[arg(long)]
        renew: bool,
    },
    /// The book
    #[command(subcommand)]
    Book(Book),
    /// Our proxy beside nginx, HAProxy and plain TCP relaying
    Bench(Bench),
    /// The runs that need more than Rust: Docker, a browser, nginx
    #[command(subcommand)]
    Test(Test),
}

#[derive(Debug, Subcommand)]
enum Book {
    /// Render docs/ into a folder
    Build {
        /// [default: target/book]
        #[arg(long, value_name = "DIR")]
        dest: Option<PathBuf>,
    },
    /// Render docs/, serve it, and render it again whenever a chapter changes
    Serve {
        #[arg(long, default_value_t = Ports::default().docs)]
        port: u16,
    },
}

#[derive(Debug, Subcommand)]
enum Test {
    /// The module's flow through `docker compose`, and every command of the book
    Docker {
        /// Leave the book's commands out
        #[arg(long)]
        no_book: bool,
    },
    /// Chapter 10 on a swarm of this one machine: an update, a lost task, more and fewer of them, not one request lost
    Swarm,
    /// Three servers, the dashboard and the book in a headless Chromium without internet
    Browser(browser::Options),
    /// The same requests to real nginx and to ours, the answers compared
    Peers(peers::Options),
    /// The transparent forward proxy, in network namespaces of its own (needs root, ip and iptables)
    Transparent(transparent::Options),
}

#[derive(Debug, Args)]
struct Bench {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    #[command(flatten)]
    options: bench::Options,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// What a connection costs that does nothing
    Idle(bench::IdleOptions),
    /// Ordinary clients beside a flood and two thousand slow ones
    Flood(bench::flood::FloodOptions),
    /// Our proxy and nginx with TLS in front: kept connections, a handshake for each request, long answers
    Tls(bench::Options),
    /// The SOAP demo beside npm soap and gSOAP
    Soap(bench::Options),
    /// The GraphQL demo beside mercurius with its JIT
    Graphql(bench::Options),
    /// The chat beside ws, socket.io, Flask-SocketIO and Bun
    Chat(bench::chat::ChatOptions),
    /// The chat with thousands of members who come and go, or with some who don't read
    Crowd(bench::chat::CrowdOptions),
    /// The webhook receiver beside one commit per request and hookspool
    Webhook(bench::Options),
}

impl Cli {
    /// Does what was asked for.
    pub async fn run(self) -> Result<ExitCode> {
        let place = Place::find(self.state, self.conf)?;
        match self.command {
            Command::Up(asked) => return up::up(place, asked.read()?).await,
            Command::Status => return status::status(&place).await,
            Command::Test(Test::Docker { no_book }) => {
                return docker_run::run(&place, !no_book).await;
            }
            Command::Test(Test::Swarm) => return docker_run::swarm(&place),
            Command::Test(Test::Browser(options)) => return browser::run(&place, options).await,
            Command::Test(Test::Peers(options)) => return peers::run(&place, options).await,
            Command::Test(Test::Transparent(options)) => {
                return transparent::run(&place, &options);
            }
            Command::Check { chapter } => return check::check(&place, chapter).await,
            Command::Bench(Bench { command, options }) => {
                return match command {
                    None => bench::run(&place, &options),
                    Some(BenchCommand::Idle(options)) => bench::idle(&place, &options).await,
                    Some(BenchCommand::Flood(options)) => bench::flood::run(&place, &options).await,
                    Some(BenchCommand::Tls(options)) => bench::tls::run(&place, &options),
                    Some(BenchCommand::Soap(options)) => bench::soap::run(&place, &options),
                    Some(BenchCommand::Graphql(options)) => bench::graphql::run(&place, &options),
                    Some(BenchCommand::Chat(options)) => bench::chat::run(&place, &options),
                    Some(BenchCommand::Crowd(options)) => bench::chat::crowd(&place, &options),
                    Some(BenchCommand::Webhook(options)) => {
                        bench::webhook::run(&place, &options).await
                    }
                };
            }
            Command::Doctor => return doctor::doctor(&place),
            Command::Book(Book::Build { dest }) => book::build_for_people(&place.root, dest)?,
            Command::Book(Book::Serve { port }) => book::serve(&place, port).await?,
            Command::Ca { renew } => ca::make(&place, renew)?,
            Command::Down => control::down(&place).await?,
            Command::Kill { name } => control::stop(&place, &name, Signal::SIGKILL).await?,
            Command::Stop { name } => control::stop_politely(&place, &name).await?,
            Command::Start { name } => control::start(&place, &name).await?,
            Command::Restart { name } => control::restart(&place, &name).await?,
            Command::Load { args } => return control::load(&place, &args),
            Command::Proxy { args } => return control::proxy(&place, "proxy", &args),
            Command::Reload { name } => control::reload(&place, &name).await?,
            Command::Logs { name, follow } => control::logs(&place, &name, follow)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
