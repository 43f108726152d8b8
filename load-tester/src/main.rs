//! Turns arguments into options and the report into text; the work is in the library.

mod terminal;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::Parser;
use load_tester::{Progress, RunError, command_line::CommandLine, html, run, text};

fn main() -> anyhow::Result<ExitCode> {
    let arguments = CommandLine::parse();
    let options = arguments.options().context("the body cannot be read")?;
    let progress = Arc::new(if arguments.verbose {
        Progress::with_answers(Box::new(|number, answer| {
            // A closed pipe (`| head`) must not end the run, so its error is dropped.
            let _closed = writeln!(std::io::stdout().lock(), "{number}: {answer}");
        }))
    } else {
        Progress::default()
    });
    terminal::stop_on_ctrl_c(Arc::clone(&progress))?;
    let line = (!arguments.verbose && std::io::stderr().is_terminal())
        .then(|| terminal::show(&options, Arc::clone(&progress)));
    let report = match run(&options, &progress) {
        Err(RunError::Options(reason)) => {
            eprintln!("error: {reason}");
            return Ok(ExitCode::from(2));
        }
        result => result?,
    };
    if let Some(line) = line {
        line.finish_and_clear();
    }

    let result = if arguments.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        text::render(&report)
    };
    // As above: whoever reads only the first line (`| head -1`) has what they want.
    let _closed = std::io::stdout().lock().write_all(result.as_bytes());
    if let Some(file) = &arguments.html {
        std::fs::write(file, html::render(&report))
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if let Some(Err(reason)) = arguments
        .expectation()
        .map(|expectation| expectation.check(&report))
    {
        eprintln!("not as expected: {reason}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(if report.failed() < report.requests {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
