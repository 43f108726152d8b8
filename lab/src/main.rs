//! The command line of `cargo lab`: parse, hand over, turn the outcome into an exit code.
use std::process::ExitCode;

use clap::Parser;
use lab::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cargo lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}
