//! Who offers the load: wrk where it is installed, because others know and trust it, else our own load tester.
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Options;
use crate::binaries::Binaries;

#[derive(Debug)]
pub(super) struct Load {
    program: Program,
    connections: u32,
}

#[derive(Debug)]
enum Program {
    Wrk,
    Ours(PathBuf),
}

/// What one run reports.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Offered {
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// Where this stands in a body, each request has another number, so that no cache knows it.
pub(super) const NUMBER: &str = "@number@";

/// A message to post.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) path: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Post {
    /// What wrk reads; Lua's long strings take everything but their own end.
    fn as_lua(&self) -> String {
        let headers = self.headers.iter();
        let body = match self.body.split_once(NUMBER) {
            None => format!("wrk.body = [==[{}]==]\n", self.body),
            Some((before, after)) => format!(
                "local number = 0\nfunction request()\nnumber = number + 1\n\
                 return wrk.format(nil, nil, nil, [==[{before}]==] .. number .. [==[{after}]==])\nend\n"
            ),
        };
        headers.fold(
            format!("wrk.method = 'POST'\n{body}"),
            |script, (name, value)| format!("{script}wrk.headers['{name}'] = [==[{value}]==]\n"),
        )
    }
}

impl Load {
    pub(super) fn choose(binaries: &Binaries, options: &Options) -> Self {
        // `wrk -v` prints its version and exits with 1.
        let program = match Command::new("wrk").arg("-v").output() {
            Ok(_) => Program::Wrk,
            Err(_) => Program::Ours(binaries.path("load-tester")),
        };
        Self {
            program,
            connections: options.connections,
        }
    }

    pub(super) fn title(&self) -> &'static str {
        match self.program {
            Program::Wrk => "load by wrk",
            Program::Ours(_) => "load by our load-tester (no wrk here)",
        }
    }

    pub(super) fn offer(&self, port: u16, seconds: u32) -> Result<Offered> {
        self.run(&format!("http://127.0.0.1:{port}/"), seconds, None, &[])
    }

    /// Over TLS, with wrk; `each` opens a connection for each request.
    pub(super) fn secure(&self, url: &str, seconds: u32, each: bool) -> Result<Offered> {
        ensure!(
            matches!(self.program, Program::Wrk),
            "only wrk offers load over TLS; please install it"
        );
        let headers: &[&str] = if each { &["Connection: close"] } else { &[] };
        self.run(url, seconds, None, headers)
    }

    /// The same message again and again.
    pub(super) fn post(&self, port: u16, seconds: u32, post: &Post) -> Result<Offered> {
        let url = format!("http://127.0.0.1:{port}{}", post.path);
        self.run(&url, seconds, Some(post), &[])
    }

    fn run(
        &self,
        url: &str,
        seconds: u32,
        post: Option<&Post>,
        headers: &[&str],
    ) -> Result<Offered> {
        let connections = format!("-c{}", self.connections);
        let time = format!("-d{seconds}s");
        let mut command = match &self.program {
            Program::Wrk => Command::new("wrk"),
            Program::Ours(path) => Command::new(path),
        };
        match self.program {
            Program::Wrk => command.args(["-t1", &connections, &time, "--latency", url]),
            Program::Ours(_) => command.args([
                &connections,
                &time,
                "--keepalive",
                "--json",
                "--threads",
                "1",
                url,
            ]),
        };
        for header in headers {
            command.args(["-H", header]);
        }
        let script = tempfile::NamedTempFile::new()?;
        match (&self.program, post) {
            (Program::Wrk, Some(post)) => {
                std::fs::write(&script, post.as_lua())?;
                command.arg("-s").arg(script.path());
            }
            (Program::Ours(_), Some(post)) => {
                ensure!(
                    !post.body.contains(NUMBER),
                    "only wrk can send another number with each request"
                );
                command.args(["-m", "POST", "--body", &post.body]);
                for (name, value) in &post.headers {
                    command.args(["-H", &format!("{name}: {value}")]);
                }
            }
            (_, None) => {}
        }
        let output = command.output().context("the load does not start")?;
        let text = String::from_utf8_lossy(&output.stdout);
        match self.program {
            Program::Wrk => from_wrk(&text),
            Program::Ours(_) => {
                from_json(&serde_json::from_str(&text).context("the load tester's report")?)
            }
        }
    }
}

fn from_wrk(text: &str) -> Result<Offered> {
    let mut offered = Offered::default();
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["50%", time] => offered.p50_ms = milliseconds(time)?,
            ["99%", time] => offered.p99_ms = milliseconds(time)?,
            [count, "requests", "in", ..] => offered.requests = count.parse()?,
            ["Requests/sec:", rate] => offered.per_second = rate.parse()?,
            ["Non-2xx", "or", "3xx", "responses:", count] => {
                offered.failed += count.parse::<u64>()?;
            }
            ["Socket", "errors:", ..] => {
                // connect 0, read 12, write 0, timeout 0
                let counts = words
                    .iter()
                    .filter_map(|word| word.trim_end_matches(',').parse::<u64>().ok());
                offered.failed += counts.sum::<u64>();
            }
            _ => {}
        }
    }
    if offered.requests == 0 {
        bail!("wrk says:\n{text}");
    }
    Ok(offered)
}

/// `1.23ms`, `890.00us`, `1.02s`.
fn milliseconds(time: &str) -> Result<f64> {
    let digits = time.trim_end_matches(char::is_alphabetic);
    let value: f64 = digits.parse()?;
    Ok(match &time[digits.len()..] {
        "us" => value / 1000.0,
        "ms" => value,
        "s" => value * 1000.0,
        unit => bail!("wrk's unit {unit:?}"),
    })
}

fn from_json(report: &Value) -> Result<Offered> {
    let number = |value: &Value| {
        value
            .as_f64()
            .context("a number is missing in the load tester's report")
    };
    let requests = report["requests"].as_u64().context("requests")?;
    let answered = report["statuses"]["200"].as_u64().unwrap_or(0);
    Ok(Offered {
        requests,
        failed: requests - answered,
        per_second: number(&report["requests_per_second"])?,
        p50_ms: number(&report["latency"]["p50_ms"])?,
        p99_ms: number(&report["latency"]["p99_ms"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_wrk_is_read_with_its_errors() {
        let text = "  Latency Distribution\n     50%  890.00us\n     99%    1.20ms\n\
                    \x20 90000 requests in 3.00s, 10MB read\n  Socket errors: connect 0, read 2, write 1, timeout 0\n\
                    \x20 Non-2xx or 3xx responses: 4\nRequests/sec:  30000.50\n";
        let expected = Offered {
            requests: 90000,
            failed: 7,
            per_second: 30000.5,
            p50_ms: 0.89,
            p99_ms: 1.2,
        };
        assert_eq!(from_wrk(text).unwrap(), expected);
    }
}
