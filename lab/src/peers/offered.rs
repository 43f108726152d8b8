//! `cargo lab test peers tls`: what our proxy offers over TLS, as testssl.sh sees it from outside. Takes a server with a
//! certificate and nothing else configured, prints the table, and fails on whatever testssl.sh calls a weakness.
use std::fs;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::binaries::Binaries;
use crate::paint;
use crate::server_process::{ServerProcess, free_port};

/// Protocols, cipher categories, the server's own order, forward secrecy, and the attacks that have names.
const CHECKS: [&str; 5] = ["-p", "-s", "-P", "-f", "-U"];
const PATIENCE_SECONDS: &str = "300";

#[derive(Debug, Deserialize)]
struct Finding {
    id: String,
    severity: String,
    finding: String,
}

impl Finding {
    fn is_weakness(&self) -> bool {
        matches!(
            self.severity.as_str(),
            "LOW" | "MEDIUM" | "HIGH" | "CRITICAL"
        )
    }

    /// About what is offered, not about the run.
    fn is_of_the_table(&self) -> bool {
        const ABOUT_THE_RUN: [&str; 4] = ["engine_problem", "service", "scanTime", "DROWN_hint"];
        !ABOUT_THE_RUN.contains(&self.id.as_str()) && !self.id.starts_with("cipher_order_")
    }
}

pub(super) fn run(binaries: &Binaries) -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    crate::ca::self_signed(folder.path())?;
    let port = free_port()?;
    let conf = folder.path().join("nginx.conf");
    fs::write(&conf, configuration(port))?;
    let mut command = Command::new(binaries.path("proxy"));
    command.arg("-p").arg(folder.path()).arg("-c").arg(&conf);
    let _server = ServerProcess::start(command, port, folder.path(), "proxy")?;
    let report = folder.path().join("report.json");
    let status = Command::new("timeout")
        .args([PATIENCE_SECONDS, "testssl", "--quiet", "--warnings", "off"])
        .args(["--nodns", "none", "--jsonfile"])
        .arg(&report)
        .args(CHECKS)
        .arg(format!("localhost:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    let text = fs::read_to_string(&report).with_context(|| {
        format!("no testssl here ({status}); on Debian: sudo apt-get install testssl.sh")
    })?;
    let mut findings: Vec<Finding> = serde_json::from_str(&text).context("testssl's report")?;
    findings.retain(Finding::is_of_the_table);
    judge(&findings)
}

fn judge(findings: &[Finding]) -> Result<ExitCode> {
    let says = |id: &str, text: &str| {
        let mut of_id = findings.iter().filter(|finding| finding.id == id);
        of_id.any(|finding| finding.finding.contains(text))
    };
    // A scan that broke off finds no weakness either.
    ensure!(
        says("TLS1_3", "offered") && says("TLS1_1", "not offered") && says("RC4", "not vulnerable"),
        "testssl did not get through: {findings:#?}"
    );
    for finding in findings {
        let mark = if finding.is_weakness() {
            paint::red("✗")
        } else {
            paint::green("✓")
        };
        println!("{mark} {:24} {}", finding.id, finding.finding);
    }
    let weak = findings
        .iter()
        .filter(|finding| finding.is_weakness())
        .count();
    println!("{} passed, {weak} failed", findings.len() - weak);
    Ok(if weak == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn configuration(port: u16) -> String {
    format!(
        "daemon off;
pid proxy.pid;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port} ssl;
        http2 on;
        ssl_certificate server.crt;
        ssl_certificate_key server.key;
        ssl_prefer_server_ciphers on;
        return 200 \"ok\\n\";
    }}
}}
"
    )
}
