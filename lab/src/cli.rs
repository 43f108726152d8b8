//! The commands of `cargo lab`, their options, and which function does each.
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use nix::sys::signal::Signal;

use crate::place::Place;
use crate::ports::Ports;
use crate::{bench, book, browser, check, control, docker_run, doctor, peers, status, up};

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
    Up(Up),
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
    Reload,
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
        /// 1 to 4
        chapter: u8,
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

#[derive(Debug, Args)]
struct Up {
    /// Only these services, e.g. proxy,backends
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Port of the main lab (80 in Docker)
    #[arg(long, env = "LAB_HTTP_PORT", default_value_t = Ports::default().http)]
    http_port: u16,
    /// Port of the book
    #[arg(long, env = "LAB_DOCS_PORT", default_value_t = Ports::default().docs)]
    docs_port: u16,
    /// Port of the lab home and the status API
    #[arg(long, env = "LAB_ADMIN_PORT", default_value_t = Ports::default().admin)]
    admin_port: u16,
    /// Port of backend1; backend2 and backend3 follow, the book's server is 7 above
    #[arg(long, env = "LAB_BACKEND_PORT", default_value_t = Ports::default().backends[0])]
    backend_port: u16,
    /// Take any free ports instead (`.lab/lab.json` says which)
    #[arg(long)]
    free_ports: bool,
    /// Use the programs as they were built last
    #[arg(long)]
    no_build: bool,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    until_input_ends: bool,
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

#[derive(Debug, Args)]
struct Bench {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    /// How often each has its turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// How long a turn lasts
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Fail if ours needs more than this part of nginx's CPU time per request
    #[arg(long, value_name = "RATIO")]
    at_most: Option<f64>,
    /// Use the release build as it is
    #[arg(long, global = true)]
    no_build: bool,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// What a connection costs that does nothing
    Idle {
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
        connections: u32,
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
    /// Three servers, the lab home and the book in a headless Chromium without internet
    Browser {
        /// Look at the lab that runs in Docker, not at a private one
        #[arg(long)]
        compose: bool,
        /// Save what the browser shows
        #[arg(long, value_name = "DIR")]
        screenshots: Option<PathBuf>,
    },
    /// The same requests to real nginx and to ours, the answers compared
    Peers {
        /// Only configurations whose name contains this
        only: Option<String>,
        /// A program to stand in our place (nginx itself proves the table)
        #[arg(long, value_name = "PROGRAM")]
        ours: Option<PathBuf>,
        /// Print every answer of nginx
        #[arg(short, long)]
        verbose: bool,
    },
}

impl Cli {
    /// Does what was asked for.
    pub async fn run(self) -> Result<ExitCode> {
        let place = Place::find(self.state, self.conf)?;
        match self.command {
            Command::Up(asked) => return up::up(place, asked.options()?).await,
            Command::Status => return status::status(&place).await,
            Command::Test(Test::Docker { no_book }) => {
                return docker_run::run(&place, !no_book).await;
            }
            Command::Test(Test::Browser {
                compose,
                screenshots,
            }) => {
                let compose = if compose {
                    Some(Ports::of_compose()?)
                } else {
                    None
                };
                return browser::run(
                    &place,
                    browser::Options {
                        compose,
                        screenshots,
                    },
                )
                .await;
            }
            Command::Test(Test::Peers {
                only,
                ours,
                verbose,
            }) => {
                return peers::run(
                    &place,
                    peers::Options {
                        only,
                        ours,
                        verbose,
                    },
                )
                .await;
            }
            Command::Check { chapter } => return check::check(&place, chapter).await,
            Command::Bench(asked) => return asked.run(&place).await,
            Command::Doctor => return doctor::doctor(&place),
            Command::Book(Book::Build { dest }) => book::build_for_people(&place.root, dest)?,
            Command::Book(Book::Serve { port }) => book::serve(&place, port).await?,
            Command::Down => control::down(&place).await?,
            Command::Kill { name } => control::stop(&place, &name, Signal::SIGKILL).await?,
            Command::Stop { name } => control::stop_politely(&place, &name).await?,
            Command::Start { name } => control::start(&place, &name).await?,
            Command::Restart { name } => control::restart(&place, &name).await?,
            Command::Load { args } => return control::load(&place, &args),
            Command::Proxy { args } => return control::proxy(&place, &args),
            Command::Reload => control::reload(&place).await?,
            Command::Logs { name, follow } => control::logs(&place, &name, follow)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Up {
    fn options(self) -> Result<up::Options> {
        let first = self.backend_port;
        let ports = if self.free_ports {
            Ports::free()?
        } else {
            Ports {
                http: self.http_port,
                docs: self.docs_port,
                admin: self.admin_port,
                backends: [first, first + 1, first + 2],
                docs_server: first + 7,
            }
        };
        let Self {
            only,
            no_build,
            until_input_ends,
            ..
        } = self;
        Ok(up::Options {
            ports,
            only,
            no_build,
            until_input_ends,
        })
    }
}

impl Bench {
    async fn run(self, place: &Place) -> Result<ExitCode> {
        let Self {
            command,
            rounds,
            seconds,
            connections,
            at_most,
            no_build,
        } = self;
        match command {
            Some(BenchCommand::Idle { connections }) => {
                bench::idle(place, connections as usize, no_build).await
            }
            None => bench::run(
                place,
                &bench::Options {
                    rounds,
                    seconds,
                    connections,
                    at_most,
                    no_build,
                },
            ),
        }
    }
}
