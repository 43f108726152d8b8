//! What the browser does on the dashboard: numbers against the status API while requests run, a drained peer, a
//! retried request in every detail; and HTTP/2, as a browser speaks it.
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::done;
use super::webdriver::Browser;
use crate::health;
use crate::ports::Ports;
use crate::private_lab::PrivateLab;

/// Keeps what the page was told last, and compares: peers, requests, shares, as told and as shown.
const WATCH: &str = "
    const ask = window.fetch;
    window.fetch = async (...wanted) => {
        const answer = await ask(...wanted);
        if (String(wanted[0]).startsWith('/api/status')) window.told = await answer.clone().json();
        return answer;
    };
    window.equal = () => {
        if (!window.told) return null;
        const column = (table, title) => [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.startsWith(title));
        const shown = [...document.querySelectorAll('#upstreams table')].flatMap(table =>
            [...table.tBodies[0].rows].map(row => ['Requests', 'In flight', 'Fails', 'Share'].map(title =>
                row.cells[column(table, title)].textContent.replaceAll(',', '')).join(' ')));
        const told = window.told.upstreams.flatMap(upstream => upstream.peers.map(peer =>
            [peer.requests, peer.in_flight, peer.fails,
             `${peer.share_percent.toFixed(1)} % | ${peer.promised_percent.toFixed(1)} %`].join(' ')));
        const all = document.querySelector('#tiles dd').firstChild.textContent.replaceAll(',', '');
        const equal = JSON.stringify(shown) === JSON.stringify(told) && all === String(window.told.requests);
        return { equal, requests: window.told.requests, running: window.told.load.running };
    };
    return true;";
const SEND: &str = "document.getElementById('notice').textContent = '';
    document.querySelector('#load button').click(); return true";
const SENT: &str =
    "return document.getElementById('notice').textContent.startsWith('1,000 requests')";
const READY: &str = "return document.querySelectorAll('#upstreams tbody tr').length > 2";

/// Goes through the page as a student would; fails at the first thing that is not as it should be.
pub(super) async fn look(browser: &Browser, ports: &Ports, lab: Option<&PrivateLab>) -> Result<()> {
    browser.open(&Ports::url(ports.admin)).await?;
    browser.until("the peers are there", READY).await?;
    browser.script(WATCH).await?;
    let times = numbers_are_equal_under_load(browser, ports).await?;
    done(&format!(
        "1000 requests from the dashboard: its numbers are those of the status API, {times} times while they ran"
    ));
    a_drained_peer_gets_nothing(browser, ports).await?;
    done("a peer that is drained on the dashboard has no share of the next 1000 requests");
    let Some(lab) = lab else {
        println!("  without a private lab: nobody is killed, no certificate is made");
        return Ok(());
    };
    let tries = a_retried_request_shows_both_tries(browser, lab).await?;
    done(&format!("a retried request shows both tries: {tries}"));
    let buckets = a_limit_shows_its_buckets(browser, lab).await?;
    done(&format!("a limit draws its buckets: {buckets}"));
    browser_speaks_http2(lab).await?;
    done("over TLS the browser speaks HTTP/2 with the proxy, and the status API counts it");
    Ok(())
}

/// Answers how many different moments of the run were shown as they were told.
async fn numbers_are_equal_under_load(browser: &Browser, ports: &Ports) -> Result<usize> {
    let mut seen: Vec<u64> = Vec::new();
    // A fast machine is through before the page has asked twice; then once more.
    for _ in 0..10 {
        browser.script(SEND).await?;
        loop {
            let compared = browser.script("return window.equal()").await?;
            let requests = compared["requests"].as_u64().unwrap_or_default();
            let is_under_way = compared["running"] == true && compared["equal"] == true;
            if is_under_way && !seen.contains(&requests) {
                seen.push(requests);
                browser.screenshot("dashboard").await?;
            }
            if browser.script(SENT).await? == true {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if seen.len() >= 2 {
            break;
        }
    }
    ensure!(seen.len() >= 2, "no equal numbers while requests ran");
    at_rest(browser, ports).await?;
    Ok(seen.len())
}

/// When nothing runs any more, the page has what the status API tells us.
async fn at_rest(browser: &Browser, ports: &Ports) -> Result<Value> {
    let client = health::client();
    for _ in 0..40 {
        let status = health::json(&client, &health::status_url(ports)).await?;
        let compared = browser.script("return window.equal()").await?;
        if compared["equal"] == true && compared["requests"] == status["requests"] {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    bail!("the dashboard shows other numbers than the status API")
}

async fn a_drained_peer_gets_nothing(browser: &Browser, ports: &Ports) -> Result<()> {
    let click = |label: &str| {
        format!("document.querySelector('[aria-label=\"{label}\"]').click(); return true")
    };
    browser.script(&click("Drain backend2:5000")).await?;
    let drained =
        "return document.querySelector('[aria-label=\"Bring up backend2:5000\"]') !== null";
    browser.until("backend2 is drained", drained).await?;
    browser
        .script("document.getElementById('reset').click(); return true")
        .await?;
    browser
        .until(
            "the counters are reset",
            "return window.told.upstreams[0].requests === 0",
        )
        .await?;
    browser.script(SEND).await?;
    browser.until("1000 requests are sent", SENT).await?;
    let status = at_rest(browser, ports).await?;
    let peers = status["upstreams"][0]["peers"]
        .as_array()
        .context("peers")?;
    let shares: Vec<_> = peers
        .iter()
        .map(|peer| (&peer["requests"], &peer["share_percent"]))
        .collect();
    ensure!(
        *shares[1].0 == 0 && *shares[1].1 == 0.0 && *shares[0].0 == 500 && *shares[2].0 == 500,
        "shares with the second drained: {shares:?}"
    );
    browser.screenshot("dashboard-drained").await?;
    browser.script(&click("Bring up backend2:5000")).await?;
    let back = "return document.querySelector('[aria-label=\"Drain backend2:5000\"]') !== null";
    browser.until("backend2 is back", back).await.map(drop)
}

/// Kills a backend and asks until its turn comes: the request goes to another, and the page tells the story.
async fn a_retried_request_shows_both_tries(browser: &Browser, lab: &PrivateLab) -> Result<String> {
    lab.run(&["kill", "backend2"])?;
    let client = health::client();
    let url = lab.url("/whoami?token=hunter2");
    for _ in 0..6 {
        let answer = client.get(&url).bearer_auth("hunter2").send().await?;
        ensure!(answer.status() == 200, "a client saw {}", answer.status());
    }
    let tries = browser
        .until(
            "the retried request is shown",
            "const rows = [...document.querySelectorAll('#detail .try')];
             return rows.length === 2 && rows.map(row => row.innerText)",
        )
        .await?;
    let text = |n: usize| tries[n].as_str().unwrap_or_default();
    ensure!(
        text(0).contains("Try 1: backend2:5000")
            && text(0).contains("connect")
            && text(0).contains("502"),
        "the first try: {tries}"
    );
    ensure!(
        text(1).contains("Try 2: backend")
            && text(1).contains("200")
            && text(1).contains("first byte"),
        "the second try: {tries}"
    );
    let page = browser.text().await?;
    ensure!(
        page.contains("Bearer [redacted]") && !page.contains("hunter2"),
        "a secret is on the page"
    );
    let lit = browser
        .script("return document.querySelector('#conf .location')?.textContent.trim()")
        .await?;
    ensure!(lit == "location / {", "lit is {lit}");
    browser
        .script("document.getElementById('requests').scrollIntoView(); return true")
        .await?;
    browser.screenshot("dashboard-request").await?;
    browser.script("scrollTo(0, 0); return true").await?;
    lab.run(&["start", "backend2"])?;
    let first = |n| text(n).lines().next().unwrap_or_default().to_owned();
    Ok(format!("{}, {}", first(0), first(1)))
}

/// A burst of chapter 5 at a location that forgets it slowly.
async fn a_limit_shows_its_buckets(browser: &Browser, lab: &PrivateLab) -> Result<String> {
    let limited = "limit_req_zone $binary_remote_addr zone=burst:1m rate=1r/m;\n\
        server { listen 80; server_name limits.localhost;\n\
        location / { limit_req zone=burst burst=3 nodelay; proxy_pass http://flask_servers; } }\n";
    std::fs::write(lab.place().conf.join("conf.d/limits.conf"), limited)?;
    lab.run(&["reload"])?;
    let client = health::client();
    for _ in 0..2 {
        let asked = client.get(lab.url("/")).header("host", "limits.localhost");
        let answer = asked.send().await?;
        ensure!(
            answer.status() == 200,
            "within the burst: {}",
            answer.status()
        );
    }
    let shown = browser
        .until(
            "the bucket is drawn",
            "const row = document.querySelector('.buckets');
             const fill = row?.querySelector('i');
             return fill && parseFloat(fill.style.height) > 40 && row.getAttribute('aria-label')",
        )
        .await?;
    let shown = shown.as_str().unwrap_or_default();
    ensure!(
        shown.ends_with(" of 4 requests in the fullest bucket"),
        "the bucket's label: {shown}"
    );
    Ok(shown.to_owned())
}

/// The certificates and the servers of chapter 8, and a browser that trusts that very key.
async fn browser_speaks_http2(lab: &PrivateLab) -> Result<()> {
    lab.run(&["ca"])?;
    let tls = "ssl_certificate tls/localhost.crt;\nssl_certificate_key tls/localhost.key;\n\
        server { listen 443 ssl; http2 on; location / { proxy_pass http://flask_servers; } }\n";
    let conf = &lab.place().conf;
    std::fs::write(conf.join("conf.d/https.conf"), tls)?;
    lab.run(&["reload"])?;
    let key = std::fs::read_to_string(conf.join("tls/localhost.key"))?;
    let browser = Browser::start_trusting(&key).await?;
    let outcome = agreed(&browser, lab).await;
    browser.quit().await?;
    outcome
}

async fn agreed(browser: &Browser, lab: &PrivateLab) -> Result<()> {
    browser
        .open(&format!("https://localhost:{}/", lab.ports.https))
        .await?;
    let protocol = browser
        .script("return performance.getEntriesByType('navigation')[0].nextHopProtocol")
        .await?;
    ensure!(protocol == "h2", "the browser speaks {protocol}");
    let text = browser.text().await?;
    ensure!(text.starts_with("Hello from Server"), "{text}");
    let client = health::client();
    let status = health::json(&client, &health::status_url(&lab.ports)).await?;
    let tls = &status["tls"];
    ensure!(
        tls["http2"].as_u64() >= Some(1) && tls["TLSv1.3"].as_u64() >= Some(1),
        "the status API counts {tls}"
    );
    Ok(())
}
