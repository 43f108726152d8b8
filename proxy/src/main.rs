//! The proxy's binary: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser as _;

/// An exchange's memory is one block of a few kilobytes, taken and given back for each request:
/// just past what glibc's allocator is quick at. Measured: see ARCHITECTURE.md, "Allocator".
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    service::init_logging();
    let code = proxy::cli::run(&proxy::cli::Cli::parse());
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
