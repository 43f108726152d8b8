//! `cargo lab bench chat`: one room, beside other chat servers, in one run and in turn.
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::Options;
use crate::place::Place;

/// Runs the comparison and prints the table.
pub fn run(_place: &Place, _options: &Options) -> Result<ExitCode> {
    bail!("this comparison is not written yet")
}
