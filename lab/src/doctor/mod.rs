//! `cargo lab doctor`: what could keep the lab from running on this machine, and what to do about it.
mod machine;
mod sources;
mod tools;

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::paint;
use crate::place::Place;

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Well(String),
    /// Something is less than ideal, or only needed for one way of running the lab.
    Note(String, String),
    /// The lab will not run: what is wrong, what to do.
    Fault(String, String),
}

/// Looks at everything; fails if something is at fault.
pub fn doctor(place: &Place) -> Result<ExitCode> {
    let findings = [
        tools::look(place),
        machine::look(place),
        sources::look(place),
    ];
    let findings: Vec<_> = findings.into_iter().flatten().collect();
    for finding in &findings {
        match finding {
            Finding::Well(what) => println!("{} {what}", paint::green("✓")),
            Finding::Note(what, advice) => println!("{} {what}\n    {advice}", paint::yellow("!")),
            Finding::Fault(what, advice) => println!("{} {what}\n    {advice}", paint::red("✗")),
        }
    }
    let faults = findings
        .iter()
        .filter(|finding| matches!(finding, Finding::Fault(..)))
        .count();
    if faults == 0 {
        println!("nothing keeps the lab from running here");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{faults} to mend before the lab runs");
    Ok(ExitCode::FAILURE)
}

/// The output of a command that succeeds.
fn output_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
