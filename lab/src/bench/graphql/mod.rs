//! `cargo lab bench graphql`: the countries API beside mercurius with its JIT, with the same schema and facts, in one
//! run and in turn. Five questions, each twice: always the same text, as programs ask, so that what is known about a
//! document can be kept; and each time another text, so that it must be read, checked and planned anew.
mod answer;
mod peers;
mod questions;
mod table;

use std::process::ExitCode;

use anyhow::{Result, ensure};

use super::load::{Load, Post};
use super::report::Sample;
use super::{Options, process_cost, release};
use crate::place::Place;

use peers::{OURS, Peer};
use questions::{QUESTIONS, Question};

/// Runs the comparison and prints the tables.
pub fn run(place: &Place, options: &Options) -> Result<ExitCode> {
    let binaries = release(place, options.no_build)?;
    let folder = tempfile::tempdir()?;
    let mut racing = vec![Peer::ours(&binaries, folder.path())?];
    match Peer::mercurius(place, folder.path()) {
        Ok(peer) => racing.push(peer),
        Err(error) => println!("without mercurius: {error:#}"),
    }
    for question in &QUESTIONS {
        answers_agree(&racing, question)?;
    }
    let load = Load::choose(&binaries, options);
    println!(
        "{}, {} connections kept, {} rounds of {} s each, in turn",
        load.title(),
        options.connections,
        options.rounds,
        options.seconds
    );
    let mut met = true;
    for (title, fresh) in [
        ("the same text again", false),
        ("another text each time", true),
    ] {
        table::head(title, &racing);
        for question in &QUESTIONS {
            let post = question.post(fresh);
            let samples = race(&racing, &load, &post, options)?;
            met &= table::row(question.title, &samples, options.at_most);
        }
    }
    met &= table::memory(&racing)?;
    Ok(if met || options.at_most.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A wrong answer may be fast, and a shorter one, too.
fn answers_agree(racing: &[Peer], question: &Question) -> Result<()> {
    let answers = racing
        .iter()
        .map(|peer| answer::ask(peer.port(), &question.post(false).body))
        .collect::<Result<Vec<_>>>()?;
    for (peer, answer) in racing.iter().zip(&answers) {
        ensure!(
            answer["errors"].is_null() && !answer["data"].is_null(),
            "{} answers {}: {answer:.300}",
            peer.title,
            question.title
        );
        ensure!(
            *answer == answers[0],
            "{} and {} differ in {}",
            racing[0].title,
            peer.title,
            question.title
        );
    }
    Ok(())
}

fn race(racing: &[Peer], load: &Load, post: &Post, options: &Options) -> Result<Vec<Vec<Sample>>> {
    let mut samples: Vec<Vec<Sample>> = racing.iter().map(|_| Vec::new()).collect();
    for peer in racing {
        load.post(peer.port(), 1, post)?;
    }
    for round in 0..options.rounds as usize {
        // Each starts a round in its turn: nobody is always first after the pause.
        for step in 0..racing.len() {
            let index = (round + step) % racing.len();
            samples[index].push(measure(&racing[index], load, post, options.seconds)?);
        }
    }
    Ok(samples)
}

fn measure(peer: &Peer, load: &Load, post: &Post, seconds: u32) -> Result<Sample> {
    let before = process_cost::cpu_seconds(peer.pid())?;
    let offered = load.post(peer.port(), seconds, post)?;
    let cpu = process_cost::cpu_seconds(peer.pid())? - before;
    if offered.failed > 0 {
        let (title, failed, all) = (peer.title, offered.failed, offered.requests);
        // One that is slow under load may miss the load tester's patience now and then; that is its own figure.
        let few = peer.title != OURS && failed * 100 <= all;
        ensure!(few, "{title} failed {failed} of {all} requests");
        println!("{title} failed {failed} of {all} requests");
    }
    Ok(Sample {
        per_second: offered.per_second,
        p50_ms: offered.p50_ms,
        p99_ms: offered.p99_ms,
        cpu_us: cpu * 1e6 / offered.requests as f64,
        peak_kb: process_cost::peak_memory_kb(peer.pid())?,
    })
}
