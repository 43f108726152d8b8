//! `cargo lab test peers`: the demos with clients that others wrote (`crate::clients`), and the proxy beside real nginx:
//! the same configuration, the same bytes sent to both, the answers and what the backend saw compared. The table is
//! lab/peers/*.toml.
mod answer;
mod backend;
mod cache;
mod offered;
mod pair;
mod report;
mod rules;
mod site;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::binaries::Binaries;
use crate::clients;
use crate::place::Place;

use pair::Program;
use report::Tally;

/// What to compare.
#[derive(Debug, Args)]
pub struct Options {
    /// Only this: `soap`, `graphql`, `chat`, `webhook`, `forward` (clients that others wrote), `cache` (what
    /// cache-tests.fyi asks, of nginx too), `tls` (what testssl.sh finds), `nginx` (the same requests to both), or a part
    /// of the name of a configuration in lab/peers
    only: Option<String>,
    /// A program to stand in our place (nginx itself proves the table)
    #[arg(long, value_name = "PROGRAM")]
    ours: Option<PathBuf>,
    /// Print every answer of nginx
    #[arg(short, long)]
    verbose: bool,
    /// Use the programs as they were built last
    #[arg(long)]
    no_build: bool,
}

/// Runs the table; fails if an answer differs that is not marked, or a marked one no longer does.
pub async fn run(place: &Place, options: Options) -> Result<ExitCode> {
    let only = options.only.as_deref();
    let demo = only.filter(|name| clients::names().any(|demo| demo == *name));
    let asked = |name: &str| only.is_none_or(|only| only == name);
    let binaries = Binaries::beside_this_executable()?;
    if !options.no_build {
        binaries.build(&place.root)?;
    }
    let mut outcomes = Vec::new();
    if only.is_none() || demo.is_some() {
        outcomes.push(clients::run(place, &binaries, demo)?);
    }
    if asked("cache") {
        outcomes.push(cache::run(place, &binaries, options.verbose)?);
    }
    if asked("tls") {
        outcomes.push(offered::run(&binaries)?);
    }
    if only.is_none() || outcomes.is_empty() {
        outcomes.push(beside_nginx(place, options, &binaries).await?);
    }
    let failed = outcomes.iter().any(|one| *one != ExitCode::SUCCESS);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn beside_nginx(place: &Place, options: Options, binaries: &Binaries) -> Result<ExitCode> {
    let nginx = Program::nginx("nginx".into());
    let ours = match options.ours {
        Some(path) => Program::nginx(path),
        None => Program::ours(binaries.path("proxy")),
    };
    println!("{}", nginx.version()?);
    let backends = backend::Backends::start().await?;
    let mut tally = Tally::new(options.verbose);
    for site in site::load(&place.root.join("lab/peers"))? {
        if options
            .only
            .as_ref()
            .is_some_and(|part| part != "nginx" && !site.name.contains(part))
        {
            continue;
        }
        pair::compare(&site, &nginx, &ours, &backends, &mut tally)
            .await
            .with_context(|| site.name.clone())?;
    }
    Ok(tally.conclude())
}
