//! `cargo lab test browser`: what a student sees, seen by a real browser in which no outside name resolves: three
//! servers in turn, a dashboard that agrees with the status API, a book that can be read and searched offline.
mod chat;
mod dashboard;
mod forward;
mod graphql;
mod soap;
mod steps;
mod webdriver;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::binaries::Binaries;
use crate::paint;
use crate::place::Place;
use crate::ports::Ports;
use crate::private_lab::PrivateLab;

use webdriver::Browser;

/// Which lab to look at, and where pictures go.
#[derive(Debug, Args)]
pub struct Options {
    /// Look at the lab that runs in Docker, not at a private one
    #[arg(long)]
    compose: bool,
    /// Save what the browser shows
    #[arg(long, value_name = "DIR")]
    screenshots: Option<PathBuf>,
    /// Use the programs as they were built last
    #[arg(long)]
    no_build: bool,
}

/// Opens a lab in the browser; fails at the first page that is not as it should be.
pub async fn run(place: &Place, options: Options) -> Result<ExitCode> {
    let private = if options.compose {
        None
    } else {
        Some(private_lab(place, options.no_build)?)
    };
    let ports = match &private {
        Some(lab) => lab.ports.clone(),
        None => Ports::of_compose()?,
    };
    let browser = Browser::start(options.screenshots.clone(), None).await?;
    let outcome = look(&browser, &ports, private.as_ref()).await;
    if outcome.is_err() {
        browser.screenshot("failure").await?;
    }
    browser.quit().await?;
    outcome?;
    forward::look(&ports, options.screenshots).await?;
    Ok(ExitCode::SUCCESS)
}

fn private_lab(place: &Place, no_build: bool) -> Result<PrivateLab> {
    let binaries = Binaries::beside_this_executable()?;
    if !no_build {
        binaries.build(&place.root)?;
        crate::graphiql::fetch(&place.root);
    }
    PrivateLab::start(&binaries.path("lab"), &place.root, &[])
}

async fn look(browser: &Browser, ports: &Ports, lab: Option<&PrivateLab>) -> Result<()> {
    steps::six_refreshes_show_three_servers_twice(browser, ports).await?;
    done("localhost refreshed six times: three servers, twice each");
    let counted = steps::home_shows_what_the_status_says(browser, ports).await?;
    done(&format!(
        "the dashboard shows the counts of the status API: {counted}"
    ));
    dashboard::look(browser, ports, lab).await?;
    let pages = steps::book_is_readable(browser, ports).await?;
    done(&format!(
        "the book is readable: {pages} chapters, nothing from outside, no picture missing"
    ));
    let found = steps::book_is_searchable(browser, ports).await?;
    done(&format!("its search finds a word: {found}"));
    soap::look(browser, ports).await?;
    graphql::look(browser, ports).await?;
    chat::look(browser, ports).await?;
    webhook::look(browser, ports).await
}

fn done(what: &str) {
    println!("{} {what}", paint::green("✓"));
}
