//! The proxy's binary: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    service::init_logging();
    let code = proxy::cli::run(&proxy::cli::Cli::parse());
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
