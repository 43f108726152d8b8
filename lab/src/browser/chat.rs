//! What the browser does on the page of the chat: two people in two browsers, through the proxy.
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::webdriver::Browser;
use crate::paint;
use crate::ports::Ports;

/// How long a message may take from one page to the other.
const CROSSING_MS: f64 = 100.0;
const MESSAGES: usize = 10;

/// Goes through the page as a student would; fails at the first thing that is not as it should be.
pub(super) async fn look(browser: &Browser, ports: &Ports) -> Result<()> {
    let url = Ports::url(ports.chat);
    let other = Browser::start(None, None).await?;
    let outcome = two_people(browser, &other, &url).await;
    other.quit().await?;
    outcome
}

async fn two_people(ann: &Browser, bob: &Browser, url: &str) -> Result<()> {
    enter(ann, url, "Ann").await?;
    enter(bob, url, "Bob").await?;
    let took = crossing(ann, bob).await?;
    done(&format!("messages cross from page to page in {took:.0} ms"));
    frames_are_right(ann).await?;
    done("the frames panel shows handshake, direction, masking and payload");
    say(bob, "Hello Ann, do you see the frames?").await?;
    until_said(ann, "do you see the frames?").await?;
    ann.screenshot("chat").await?;
    the_cut_heals(ann, bob).await?;
    done("a cut line comes back by itself, and nothing is missed or shown twice");
    Ok(())
}

fn done(what: &str) {
    println!("{} {what}", paint::green("✓"));
}

async fn enter(browser: &Browser, url: &str, name: &str) -> Result<()> {
    browser.open(url).await?;
    browser
        .script(&format!(
            "document.getElementById('name').value = '{name}';
             document.getElementById('room').value = 'lobby';
             document.getElementById('enter').requestSubmit();
             // When each message is seen, by the clock that both browsers share.
             window.seen = [];
             new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((row) =>
                 window.seen.push([row.innerText, Date.now()])))).observe(
                 document.getElementById('messages'), {{childList: true}});"
        ))
        .await?;
    let inside = format!(
        "return document.getElementById('state').textContent.startsWith('in lobby as {name}')"
    );
    browser
        .until(&format!("{name} is in"), &inside)
        .await
        .map(drop)
}

/// Returns when it was said.
async fn say(browser: &Browser, text: &str) -> Result<f64> {
    let said = browser
        .script(&format!(
            "document.getElementById('say').value = '{text}';
             const now = Date.now();
             document.getElementById('speak').requestSubmit();
             return now;"
        ))
        .await?;
    said.as_f64().context("a time")
}

/// Waits until the page shows the message; returns when that was.
async fn until_said(browser: &Browser, text: &str) -> Result<f64> {
    let seen = browser
        .until(
            &format!("{text:?} is there"),
            &format!(
                "return (window.seen.find(([line]) => line.includes('{text}')) ?? [null, null])[1]"
            ),
        )
        .await?;
    seen.as_f64().context("a time")
}

/// The median of some messages: the machine may be busy with something else for a moment.
async fn crossing(from: &Browser, to: &Browser) -> Result<f64> {
    let mut took = Vec::new();
    for number in 0..MESSAGES {
        let text = format!("message {number} of {MESSAGES}");
        let said = say(from, &text).await?;
        took.push(until_said(to, &text).await? - said);
    }
    took.sort_by(f64::total_cmp);
    let median = took[MESSAGES / 2];
    ensure!(median <= CROSSING_MS, "messages take {took:?} ms");
    Ok(median)
}

async fn frames_are_right(browser: &Browser) -> Result<()> {
    let shown = browser
        .until(
            "frames of the message",
            "const rows = [...document.querySelectorAll('#frames tr')].map(row =>
                 [...row.cells].map(cell => cell.textContent));
             const ours = rows.filter(row => row[6]?.includes('message 3 of'));
             return ours.length < 2 ? null : [ours,
                 document.getElementById('request').textContent, document.getElementById('response').textContent]",
        )
        .await?;
    let rows = shown[0].as_array().context("rows")?;
    let is = |row: &Value, cells: [&str; 4]| (0..4).all(|at| row[at] == cells[at]);
    ensure!(
        rows.iter()
            .any(|row| is(row, ["→ server", "text", "yes", "yes"])),
        "no masked frame to the server: {rows:?}"
    );
    ensure!(
        rows.iter()
            .any(|row| is(row, ["← client", "text", "yes", "–"])),
        "no unmasked frame to the client: {rows:?}"
    );
    let (request, response) = (shown[1].as_str(), shown[2].as_str());
    ensure!(
        request.is_some_and(|lines| lines.to_lowercase().contains("sec-websocket-key: ")),
        "the request is {request:?}"
    );
    ensure!(
        response.is_some_and(|lines| lines.starts_with("HTTP/1.1 101 ")
            && lines.to_lowercase().contains("sec-websocket-accept: ")),
        "the response is {response:?}"
    );
    Ok(())
}

/// What is said while one is away is there when it is back, once.
async fn the_cut_heals(cut: &Browser, other: &Browser) -> Result<()> {
    cut.script("document.getElementById('cut').click()").await?;
    say(other, "said while you were away").await?;
    cut.until(
        "the line is back",
        "return document.getElementById('state').textContent.startsWith('back in lobby')",
    )
    .await?;
    until_said(cut, "said while you were away").await?;
    let closing = cut
        .script("return [...document.querySelectorAll('#frames tr')].map(row => row.innerText).find(row => row.includes('cut by hand'))")
        .await?;
    ensure!(
        closing
            .as_str()
            .is_some_and(|row| row.starts_with("→ server")),
        "the closing is shown as {closing}"
    );
    let times = cut
        .script("return [...document.querySelectorAll('#messages li')].filter(row => row.innerText.includes('while you were away')).length")
        .await?;
    ensure!(times == 1, "the message is there {times} times");
    Ok(())
}
