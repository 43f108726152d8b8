//! `cargo lab test browser`: what a student sees, seen by a real browser in which no outside name resolves: three
//! servers in turn, a lab home that agrees with the status API, a book that can be read and searched offline.
mod steps;
mod webdriver;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::binaries::Binaries;
use crate::paint;
use crate::place::Place;
use crate::ports::Ports;
use crate::private_lab::PrivateLab;

use webdriver::Browser;

/// Which lab to look at, and where pictures go.
#[derive(Debug)]
pub struct Options {
    /// The lab that runs in Docker, instead of a private one.
    pub compose: Option<Ports>,
    pub screenshots: Option<PathBuf>,
}

/// Opens a lab in the browser; fails at the first page that is not as it should be.
pub async fn run(place: &Place, options: Options) -> Result<ExitCode> {
    let private = match options.compose {
        Some(_) => None,
        None => {
            Binaries::beside_this_executable()?.build(&place.root)?;
            let program = std::env::current_exe().context("where is this program?")?;
            Some(PrivateLab::start(&program, &place.root, &[])?)
        }
    };
    let ports = options
        .compose
        .or_else(|| private.as_ref().map(|lab| lab.ports.clone()));
    let ports = ports.context("either one is there")?;
    let browser = Browser::start(options.screenshots).await?;
    let outcome = look(&browser, &ports).await;
    if outcome.is_err() {
        browser.screenshot("failure").await?;
    }
    browser.quit().await?;
    outcome?;
    Ok(ExitCode::SUCCESS)
}

async fn look(browser: &Browser, ports: &Ports) -> Result<()> {
    steps::six_refreshes_show_three_servers_twice(browser, ports).await?;
    done("localhost refreshed six times: three servers, twice each");
    let counted = steps::home_shows_what_the_status_says(browser, ports).await?;
    done(&format!(
        "the lab home shows the counts of the status API: {counted}"
    ));
    let pages = steps::book_is_readable(browser, ports).await?;
    done(&format!(
        "the book is readable: {pages} chapters, nothing from outside, no picture missing"
    ));
    let found = steps::book_is_searchable(browser, ports).await?;
    done(&format!("its search finds a word: {found}"));
    Ok(())
}

fn done(what: &str) {
    println!("{} {what}", paint::green("✓"));
}
