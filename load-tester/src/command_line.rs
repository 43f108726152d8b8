//! Takes the arguments, decides what the user meant by those left out, and hands on [`Options`].

use std::{path::PathBuf, thread, time::Duration};

use clap::Parser;

use crate::{Expectation, Options, Target};

/// How many connections are opened if a larger number of requests is to share them.
const MOST_CONNECTIONS: usize = 1000;

/// Sends many requests at the same time, prints which server answered how many of them, and how fast.
///
/// Without options it is the lab's client: 1000 concurrent requests, each on its own connection, and a first line like
/// {1: 333, 2: 333, 3: 334}. The number of a server is the last word of its answer without its last character.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 110)]
pub struct CommandLine {
    /// Whom to ask
    #[arg(
        env = "LAB_TARGET",
        default_value = "http://localhost:80/",
        value_name = "URL"
    )]
    target: Target,

    /// Stop after so many requests [default: 1000, or no limit with -d]
    #[arg(short = 'n', long, value_name = "COUNT")]
    requests: Option<u64>,

    /// Connections at the same time [default: as many as requests, at most 1000; 64 with -d alone]
    #[arg(short, long, value_name = "COUNT")]
    connections: Option<usize>,

    /// Stop after so long: 10s, 500ms, 2m
    #[arg(short, long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,

    /// Requests per second, sent when they are due even if the server has not answered earlier ones. Latency then
    /// counts from when a request was due (corrected), so a stall shows
    #[arg(long, value_name = "PER SECOND")]
    rate: Option<f64>,

    /// Use connections again [default with -d, --rate, or more requests than connections]
    #[arg(long, overrides_with = "no_keepalive")]
    keepalive: bool,

    /// Make a new connection for every request
    #[arg(long, overrides_with = "keepalive")]
    no_keepalive: bool,

    /// Request method [default: GET, or POST with --body]
    #[arg(short, long, value_name = "METHOD")]
    method: Option<String>,

    /// A header field of every request, as in `X-Debug: 1`; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,

    /// The body of every request; @FILE reads it from a file
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,

    /// How long one request may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    timeout: Duration,

    /// Threads that send [default: half of the cores; the server needs the others]
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,

    /// Print every answer as it comes, as in `17: Hello from Server 3!`
    #[arg(short, long)]
    pub verbose: bool,

    /// Exit with 1 unless every request was answered, by servers in these proportions, as in 1:1:1 (the first part is
    /// for the server with the smallest number; `1` says that one server has all)
    #[arg(long, value_name = "PARTS")]
    expect: Option<Expectation>,

    /// How far a server may be off what --expect says, in percent of all requests
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = percent, requires = "expect")]
    tolerance: f64,

    /// Print the report as JSON, and nothing else
    #[arg(long, conflicts_with = "verbose")]
    pub json: bool,

    /// Write the report with charts to this file, a page that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  load-tester                         what the lab's text asks for
  load-tester --expect 1:1:1          the same, and exit with 1 if one server has more than the others
  load-tester -d 10s -c 64            as many requests as 64 connections can carry
  load-tester -d 10s --rate 2000 --html load.html
                                      2000 requests a second, with charts

Exit status: 0 if it ran, 1 if nothing was answered or --expect is not met, 2 if the arguments make no sense.";

impl CommandLine {
    /// The run the user asked for.
    pub fn options(&self) -> std::io::Result<Options> {
        let requests = self.requests.or(self.duration.is_none().then_some(1000));
        let most = match requests {
            Some(requests) => usize::try_from(requests)
                .unwrap_or(usize::MAX)
                .min(MOST_CONNECTIONS),
            // An open loop takes as many as it needs; a closed one would keep all of them busy.
            None if self.rate.is_some() => MOST_CONNECTIONS,
            None => 64,
        };
        let connections = self.connections.unwrap_or(most);
        let steady = self.duration.is_some() || self.rate.is_some();
        let reuse = steady || requests.is_some_and(|requests| requests > connections as u64);
        Ok(Options {
            target: self.target.clone(),
            method: self
                .method
                .clone()
                .unwrap_or_else(|| if self.body.is_some() { "POST" } else { "GET" }.into()),
            headers: self.headers.clone(),
            body: self.read_body()?,
            requests,
            duration: self.duration,
            connections,
            rate: self.rate,
            keepalive: self.keepalive || !self.no_keepalive && reuse,
            timeout: self.timeout,
            threads: self.threads.unwrap_or_else(half_of_the_cores),
        })
    }

    /// What the result must look like, if the user said so.
    pub fn expectation(&self) -> Option<Expectation> {
        self.expect
            .clone()
            .map(|expectation| expectation.with_tolerance(self.tolerance))
    }

    fn read_body(&self) -> std::io::Result<Vec<u8>> {
        match self.body.as_deref() {
            None => Ok(Vec::new()),
            Some(text) => match text.strip_prefix('@') {
                Some(file) => std::fs::read(file),
                None => Ok(text.as_bytes().to_vec()),
            },
        }
    }
}

fn half_of_the_cores() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write `Name: value`")?;
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text
        .strip_suffix('%')
        .unwrap_or(text)
        .parse()
        .map_err(|_| "not a number")?;
    if (0.0..=100.0).contains(&number) {
        Ok(number)
    } else {
        Err("not between 0 and 100".into())
    }
}

/// `10s`, `500ms`, `2m`, `1h`; a bare number counts seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        other => return Err(format!("{other:?} is no unit of time; use ms, s, m or h")),
    };
    let number: f64 = digits
        .parse()
        .map_err(|_| "write a number and a unit, as in 10s")?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| "not a length of time".into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{CommandFactory, Parser};

    use super::{CommandLine, duration};

    fn choices(arguments: &str) -> (Option<u64>, usize, bool) {
        let arguments = ["load-tester"]
            .into_iter()
            .chain(arguments.split_whitespace());
        let options = CommandLine::try_parse_from(arguments)
            .unwrap()
            .options()
            .unwrap();
        (options.requests, options.connections, options.keepalive)
    }

    #[test]
    fn the_definition_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn what_is_left_out_follows_from_what_is_given() {
        for (arguments, requests, connections, keepalive) in [
            ("", Some(1000), 1000, false),
            ("-n 20", Some(20), 20, false),
            ("-n 5000", Some(5000), 1000, true),
            ("-n 5000 --no-keepalive", Some(5000), 1000, false),
            ("-c 10", Some(1000), 10, true),
            ("--keepalive", Some(1000), 1000, true),
            ("-d 5s", None, 64, true),
            ("-d 5s -n 10", Some(10), 10, true),
            ("-d 5s --rate 10", None, 1000, true),
            ("--rate 10", Some(1000), 1000, true),
        ] {
            assert_eq!(
                choices(arguments),
                (requests, connections, keepalive),
                "{arguments}"
            );
        }
    }

    #[test]
    fn times_have_units() {
        for (text, millis) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("1.5", 1500),
            ("2m", 120_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1s", "1d", "1e30h", "NaN"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
