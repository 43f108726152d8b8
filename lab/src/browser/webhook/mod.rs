//! What the browser does on the page of the webhook demo: a delivery by curl appears by itself, the search narrows,
//! a payload made of markup stays text; then each part of a delivery, and each panel.
mod delivery;
mod panels;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::done;
use super::webdriver::Browser;
use crate::ports::Ports;

/// The inbox's address, as the page says it.
const URL: &str = "return document.getElementById('live').textContent === 'live' && document.getElementById('url').textContent";

/// So long may a delivery take from the end of curl to the list.
const LIVE: Duration = Duration::from_secs(1);
/// Would set a mark, or ask somebody else for a picture, wherever it became markup.
const HOSTILE: &str = r#"{"a":"<script>window.hacked=1</script>","<img src=x onerror=window.hacked=1>":"'\"></pre><svg onload=window.hacked=1>"}"#;

/// Goes through the page as a student would; fails at the first thing that is not as it should be.
pub(super) async fn look(browser: &Browser, ports: &Ports) -> Result<()> {
    let home = format!("http://localhost:{}/", ports.webhooks);
    browser.open(&home).await?;
    let url = text(&browser.until("the inbox is live", URL).await?)?;

    deliver(&format!("{url}/first"), &["-d", "n=1"]).await?;
    let sent = Instant::now();
    browser.until("the delivery appears", &rows(1)).await?;
    let took = sent.elapsed();
    ensure!(took < LIVE, "a delivery by curl took {took:?} to appear");
    done(&format!(
        "a webhook by curl appears without reload, after {} ms",
        took.as_millis()
    ));

    deliver(&format!("{url}/second?x=1"), &["-X", "PUT", "-d", "needle"]).await?;
    browser.until("two deliveries", &rows(2)).await?;
    search(browser, "method:PUT AND content:needle").await?;
    browser.until("the search narrows to one", &rows(1)).await?;
    search(browser, "").await?;
    browser.until("without it both are back", &rows(2)).await?;
    done("the search narrows the deliveries");

    let json = "content-type: application/json";
    let header = "x-note: <script>window.hacked=1</script>";
    let path = "%3Cimg%20src=x%20onerror=window.hacked=1%3E";
    deliver(
        &format!("{url}/{path}"),
        &["-H", json, "-H", header, "--data-raw", HOSTILE],
    )
    .await?;
    browser.until("three deliveries", &rows(3)).await?;
    hostile_payload_is_text(browser).await?;
    browser.screenshot("webhooks").await?;
    done("a payload full of scripts is shown as text and does nothing");
    delivery::look(browser).await?;
    panels::look(browser).await
}

/// An inbox with nothing in it; its address.
async fn new_inbox(browser: &Browser) -> Result<String> {
    let before = text(&browser.script(URL).await?)?;
    click(browser, "#new").await?;
    let other = format!(
        "{}; return url !== {before:?} && url",
        URL.replace("return", "const url =")
    );
    let url = text(&browser.until("a new inbox is live", &other).await?)?;
    browser.until("it is empty", &rows(0)).await?;
    Ok(url)
}

async fn click(browser: &Browser, selector: &str) -> Result<()> {
    let script = format!("document.querySelector({selector:?}).click()");
    browser.script(&script).await.map(drop)
}

/// Opens the newest delivery and every tab of it.
async fn hostile_payload_is_text(browser: &Browser) -> Result<()> {
    browser
        .script("document.querySelector('#list button').click()")
        .await?;
    let opened = "return document.querySelectorAll('[role=tab]').length > 2";
    browser.until("the delivery is open", opened).await?;
    let tabs = "const tabs = [...document.querySelectorAll('[role=tab]')].reverse();
        const seen = tabs.map((tab) => { tab.click(); return document.querySelector('[role=tabpanel]').textContent; });
        return seen.join('\\n');";
    let seen = text(&browser.script(tabs).await?)?;
    ensure!(
        seen.contains("<script>window.hacked=1</script>"),
        "the payload is not shown as it is"
    );
    let intruders = "return window.hacked === undefined && document.querySelectorAll(
        '#detail script, #detail img, #detail svg, #list script, #list img').length === 0";
    let clean = browser.script(intruders).await?;
    ensure!(
        clean == Value::Bool(true),
        "the payload became part of the page"
    );
    Ok(())
}

fn rows(count: usize) -> String {
    format!("return document.querySelectorAll('#list button').length === {count}")
}

async fn search(browser: &Browser, query: &str) -> Result<()> {
    let query = serde_json::to_string(query)?;
    let script = format!(
        "const field = document.getElementById('search'); field.value = {query}; \
         field.dispatchEvent(new Event('input'))"
    );
    browser.script(&script).await.map(drop)
}

async fn deliver(url: &str, arguments: &[&str]) -> Result<()> {
    let mut curl = Command::new("curl");
    curl.args(["-sSf", "--max-time", "10", "-o", "/dev/null"])
        .args(arguments)
        .arg(url);
    let status = curl.status().await.context("curl does not start")?;
    ensure!(status.success(), "curl {url}: {status}");
    Ok(())
}

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .context("the page answers with no text")?
        .to_owned())
}
