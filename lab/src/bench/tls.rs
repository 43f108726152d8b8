//! `cargo lab bench tls`: the same proxying with TLS in front, ours beside nginx with the same certificate, in one run
//! and in turn. Three questions: what a request costs on a kept connection, what a handshake costs (no session is
//! resumed), and what long answers cost, where encryption is most of the work.
use std::process::ExitCode;

use anyhow::Result;

use super::contestants::{Contestant, Kind, LARGE, fast_backend};
use super::load::Load;
use super::report::{self, Sample};
use super::{Options, measure, release, truncate_logs};
use crate::place::Place;

/// What is asked for, and whether each request comes over a new connection.
const QUESTIONS: [(&str, &str, bool); 3] = [
    ("short answers over kept connections", "/", false),
    (
        "a connection and a full handshake for each request",
        "/",
        true,
    ),
    ("answers of 64 KiB over kept connections", LARGE, false),
];

/// Runs the comparison and prints a table for each question.
pub fn run(place: &Place, options: &Options) -> Result<ExitCode> {
    let binaries = release(place, options.no_build)?;
    let folder = tempfile::tempdir()?;
    // One for both; who asks does not look at it.
    crate::ca::self_signed(folder.path())?;
    let backend = fast_backend(folder.path())?;
    let start = |kind| Contestant::start_tls(kind, folder.path(), &binaries, &backend.ports);
    let racing = [start(Kind::Ours)?, start(Kind::Nginx)?];
    let titles = racing.each_ref().map(|one| one.kind.title());
    let load = Load::choose(&binaries, options);
    println!(
        "{}, TLS 1.3, X25519, ECDSA P-256; {} connections, {} rounds of {} s each, in turn",
        load.title(),
        options.connections,
        options.rounds,
        options.seconds
    );
    let mut outcome = ExitCode::SUCCESS;
    for (title, path, each) in QUESTIONS {
        println!("\n{title}");
        let offer = |port: u16, seconds| {
            load.secure(&format!("https://127.0.0.1:{port}{path}"), seconds, each)
        };
        for contestant in &racing {
            offer(contestant.port(), 1)?;
        }
        let mut samples: Vec<Vec<Sample>> = racing.iter().map(|_| Vec::new()).collect();
        for round in 0..options.rounds as usize {
            for step in 0..racing.len() {
                let index = (round + step) % racing.len();
                let sample = measure(&racing[index], |port| offer(port, options.seconds))?;
                samples[index].push(sample);
            }
            truncate_logs(folder.path());
        }
        report::print(&titles, &samples);
        if report::verdict(&samples, options.at_most) != ExitCode::SUCCESS {
            outcome = ExitCode::FAILURE;
        }
    }
    Ok(outcome)
}
