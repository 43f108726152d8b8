//! `cargo lab bench soap`: our SOAP server beside gSOAP (C) and npm soap, with the same contract and the same facts, in
//! one run and in turn. Two questions: `Add`, where the message is all there is to do, and
//! `FullCountryInfoAllCountries`, where much XML is written. The facts are the same, the bytes are not: ours indents
//! and has prefixes as the original service does, the others don't, so each one's size is printed.
mod peers;
mod table;

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use tokio::runtime::Handle;

use super::load::{Load, Post};
use super::report::Sample;
use super::{Options, process_cost, release};
use crate::health;
use crate::place::Place;

use peers::{Kind, Peer};

const COUNTRY_INFO: &str = "/websamples.countryinfo/CountryInfoService.wso";

/// A question and how its answer is recognised.
#[derive(Debug)]
struct Question {
    title: &'static str,
    post: Post,
    must_have: &'static str,
    at_least_bytes: usize,
}

/// Runs the comparison and prints the tables.
pub fn run(place: &Place, options: &Options) -> Result<ExitCode> {
    let binaries = release(place, options.no_build)?;
    let folder = tempfile::tempdir()?;
    let ours = Peer::ours(&binaries, folder.path())?;
    let mut racing = vec![ours];
    for kind in [Kind::Gsoap, Kind::NpmSoap] {
        match Peer::other(kind, place, folder.path(), racing[0].port()) {
            Ok(peer) => racing.push(peer),
            Err(error) => println!("without {}: {error:#}", kind.title()),
        }
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
    for question in [add(), all_countries()] {
        for peer in &racing {
            let bytes = answers_rightly(peer, &question)?;
            println!(
                "{} answers {} with {bytes} bytes",
                peer.kind.title(),
                question.title
            );
        }
        let samples = race(&racing, &load, &question, options)?;
        met &= table::print(&question, &racing, &samples, options.at_most);
    }
    Ok(if met || options.at_most.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn race(
    racing: &[Peer],
    load: &Load,
    question: &Question,
    options: &Options,
) -> Result<Vec<Vec<Sample>>> {
    let mut samples: Vec<Vec<Sample>> = racing.iter().map(|_| Vec::new()).collect();
    for peer in racing {
        load.post(peer.port(), 1, &question.post)?;
    }
    for round in 0..options.rounds as usize {
        // Each starts a round in its turn: nobody is always first after the pause.
        for step in 0..racing.len() {
            let index = (round + step) % racing.len();
            samples[index].push(measure(&racing[index], load, question, options.seconds)?);
        }
    }
    Ok(samples)
}

fn measure(peer: &Peer, load: &Load, question: &Question, seconds: u32) -> Result<Sample> {
    let before = process_cost::cpu_seconds(peer.pid())?;
    let offered = load.post(peer.port(), seconds, &question.post)?;
    let cpu = process_cost::cpu_seconds(peer.pid())? - before;
    if offered.failed > 0 {
        bail!(
            "{} failed {} of {} requests",
            peer.kind.title(),
            offered.failed,
            offered.requests
        );
    }
    Ok(Sample {
        per_second: offered.per_second,
        p50_ms: offered.p50_ms,
        p99_ms: offered.p99_ms,
        cpu_us: cpu * 1e6 / offered.requests as f64,
        peak_kb: process_cost::peak_memory_kb(peer.pid())?,
    })
}

/// A wrong answer may be fast. The size of a right one.
fn answers_rightly(peer: &Peer, question: &Question) -> Result<usize> {
    let url = format!("http://127.0.0.1:{}{}", peer.port(), question.post.path);
    let mut request = health::client().post(url).body(question.post.body.clone());
    for (name, value) in &question.post.headers {
        request = request.header(*name, value);
    }
    // `cargo lab` is a tokio program already, and this waits inside it.
    let asking = async { request.send().await?.error_for_status()?.text().await };
    let answer = tokio::task::block_in_place(|| Handle::current().block_on(asking))
        .with_context(|| format!("{} does not answer {}", peer.kind.title(), question.title))?;
    ensure!(
        answer.contains(question.must_have) && answer.len() >= question.at_least_bytes,
        "{} answers {} with {} bytes: {:.300}",
        peer.kind.title(),
        question.title,
        answer.len(),
        answer
    );
    Ok(answer.len())
}

fn add() -> Question {
    Question {
        title: "Add",
        post: post(
            "/calculator.asmx",
            "http://tempuri.org/Add",
            r#"<Add xmlns="http://tempuri.org/"><intA>17</intA><intB>5</intB></Add>"#,
        ),
        must_have: "AddResult>22</",
        at_least_bytes: 100,
    }
}

fn all_countries() -> Question {
    Question {
        title: "FullCountryInfoAllCountries",
        post: post(
            COUNTRY_INFO,
            "",
            r#"<FullCountryInfoAllCountries xmlns="http://www.oorsprong.org/websamples.countryinfo"/>"#,
        ),
        must_have: "sCapitalCity>Brasília</",
        at_least_bytes: 80_000,
    }
}

fn post(path: &'static str, action: &str, body: &str) -> Post {
    Post {
        path,
        headers: vec![
            ("Content-Type", "text/xml; charset=utf-8".into()),
            ("SOAPAction", format!("\"{action}\"")),
        ],
        body: format!(
            r#"<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{body}</soap:Body></soap:Envelope>"#
        ),
    }
}
