//! `cargo lab check N`: what a student should be able to show after chapter N. It asks the running lab, whichever
//! way it was started, as a stranger would: over HTTP, the main port and the status API.
mod access;
mod balancing;
mod caching;
mod forward;
mod headers;
mod monitoring;
mod proxies;
mod reverse_proxy;
mod tls;
mod witness;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::paint;
use crate::place::Place;
use crate::ports::Ports;

use witness::Witness;

/// One sentence about the lab, true or not yet.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    shown: bool,
    sentence: String,
    /// What to do when it is not yet true.
    hint: String,
}

impl Finding {
    fn new(shown: bool, sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            shown,
            sentence: sentence.into(),
            hint: hint.into(),
        }
    }
}

/// Prints the sentences of a chapter; fails unless all are true.
pub async fn check(place: &Place, chapter: u8) -> Result<ExitCode> {
    let ports = match place.running() {
        Some(running) => running.ports,
        None => Ports::of_compose()?,
    };
    let witness = Witness::new(&ports);
    if let Err(error) = witness.get("/").await {
        println!("{} the lab answers on port {}", paint::red("✗"), ports.http);
        println!("    {error:#}; start it with `docker compose up -d --wait` or `cargo lab up`");
        return Ok(ExitCode::FAILURE);
    }
    let findings = match chapter {
        1 => proxies::look(&witness).await?,
        2 => reverse_proxy::look(&witness).await?,
        3 => balancing::look(&witness).await?,
        4 => headers::look(&witness).await?,
        5 => access::look(&witness).await?,
        6 => caching::look(&witness).await?,
        7 => monitoring::look(&witness).await?,
        8 => tls::look(place, &ports).await?,
        9 => forward::look(&ports).await?,
        _ => bail!("chapters 1 to 9 have a checkpoint"),
    };
    for finding in &findings {
        if finding.shown {
            println!("{} {}", paint::green("✓"), finding.sentence);
        } else {
            println!(
                "{} {}\n    {}",
                paint::red("✗"),
                finding.sentence,
                finding.hint
            );
        }
    }
    let open = findings.iter().filter(|finding| !finding.shown).count();
    if open == 0 {
        println!("chapter {chapter}: all of it shown");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "chapter {chapter}: {open} of {} still to show",
        findings.len()
    );
    Ok(ExitCode::FAILURE)
}
