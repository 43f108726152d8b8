//! What the browser looks at.
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::webdriver::Browser;
use crate::health;
use crate::ports::Ports;

pub(super) async fn six_refreshes_show_three_servers_twice(
    browser: &Browser,
    ports: &Ports,
) -> Result<()> {
    browser.open(&Ports::url(ports.http)).await?;
    let mut seen = Vec::new();
    for _ in 0..6 {
        browser.refresh().await?;
        seen.push(browser.text().await?);
    }
    browser.screenshot("main-lab").await?;
    for id in 1..=3 {
        let greeting = format!("Hello from Server {id}!");
        let times = seen.iter().filter(|text| **text == greeting).count();
        ensure!(times == 2, "{greeting:?} was seen {times} times: {seen:#?}");
    }
    Ok(())
}

/// Rows of all tables: peer and requests, as they are written there.
const SHOWN: &str = "
    return [...document.querySelectorAll('#upstreams table')].flatMap(table => {
        const column = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent === 'Requests');
        return [...table.tBodies[0].rows].map(row =>
            row.cells[0].textContent.trim() + ' ' + row.cells[column].textContent.replaceAll(',', ''));
    });";

pub(super) async fn home_shows_what_the_status_says(
    browser: &Browser,
    ports: &Ports,
) -> Result<String> {
    browser.open(&Ports::url(ports.admin)).await?;
    browser
        .until(
            "the tables are there",
            "return document.querySelectorAll('#upstreams tbody tr').length > 2",
        )
        .await?;
    let client = health::client();
    for _ in 0..10 {
        let status = health::json(&client, &health::status_url(ports)).await?;
        let told = counts(&status)?;
        // The page asks once a second.
        let shown = browser.script(SHOWN).await?;
        let shown: Vec<_> = shown
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if shown == told {
            browser.screenshot("lab-home").await?;
            return Ok(told.join(", "));
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    bail!("the dashboard shows other counts than the status API")
}

fn counts(status: &Value) -> Result<Vec<String>> {
    let upstreams = status["upstreams"].as_array().context("no upstreams")?;
    let peers = upstreams
        .iter()
        .flat_map(|upstream| upstream["peers"].as_array().into_iter().flatten());
    Ok(peers
        .map(|peer| {
            format!(
                "{} {}",
                peer["name"].as_str().unwrap_or_default(),
                peer["requests"]
            )
        })
        .collect())
}

/// Each chapter: something to read, nothing asked from elsewhere, all pictures there.
pub(super) async fn book_is_readable(browser: &Browser, ports: &Ports) -> Result<usize> {
    let home = Ports::url(ports.docs);
    browser.open(&home).await?;
    let chapters = browser
        .until(
            "a table of contents",
            "return [...document.querySelectorAll('#mdbook-sidebar a, .sidebar a')]
            .map(link => link.href).filter(link => link.endsWith('.html'))",
        )
        .await?;
    let mut chapters: Vec<_> = chapters
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    chapters.sort_unstable();
    chapters.dedup();
    for chapter in &chapters {
        browser.open(chapter).await?;
        let text = browser
            .script("return document.querySelector('main').innerText")
            .await?;
        ensure!(
            text.as_str().is_some_and(|text| text.len() > 200),
            "{chapter} says little: {text}"
        );
        let asked = browser
            .script("return performance.getEntriesByType('resource').map(resource => resource.name)
                .filter(name => !name.startsWith(location.origin + '/') && !name.startsWith('data:'))")
            .await?;
        ensure!(
            asked == serde_json::json!([]),
            "{chapter} asks elsewhere: {asked}"
        );
        let missing = browser
            .script("return [...document.images].filter(image => image.naturalWidth === 0).map(image => image.src)")
            .await?;
        ensure!(
            missing == serde_json::json!([]),
            "{chapter} has no picture {missing}"
        );
    }
    ensure!(chapters.len() >= 5, "only {chapters:?}");
    browser.open(&home).await?;
    browser.screenshot("book").await?;
    Ok(chapters.len())
}

pub(super) async fn book_is_searchable(browser: &Browser, ports: &Ports) -> Result<String> {
    browser.open(&Ports::url(ports.docs)).await?;
    browser
        .script("document.getElementById('mdbook-search-toggle').click()")
        .await?;
    browser
        .script("const bar = document.getElementById('mdbook-searchbar'); bar.value = 'least_conn';
            for (const kind of ['input', 'keyup']) bar.dispatchEvent(new Event(kind, {bubbles: true}));")
        .await?;
    let found = browser
        .until("results", "return [...document.querySelectorAll('#mdbook-searchresults a')].map(link => link.href)")
        .await?;
    browser.screenshot("book-search").await?;
    let first = found[0].as_str().context("a result is a link")?;
    browser.open(first).await?;
    let text = browser.text().await?;
    ensure!(
        text.contains("least_conn"),
        "{first} does not have the word"
    );
    let results = found.as_array().map_or(0, Vec::len);
    Ok(format!(
        "least_conn, {results} times, first in {}",
        first.rsplit('/').next().unwrap_or(first)
    ))
}
