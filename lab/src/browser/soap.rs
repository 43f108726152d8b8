//! What the browser does on the page of the soap demo.
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::webdriver::Browser;
use crate::health;
use crate::ports::Ports;

const ENVELOPES: [(&str, &str); 2] = [
    ("1.1", "http://schemas.xmlsoap.org/soap/envelope/"),
    ("1.2", "http://www.w3.org/2003/05/soap-envelope"),
];

/// Goes through the page as a student would; fails at the first thing that is not as it should be.
pub(super) async fn look(browser: &Browser, ports: &Ports) -> Result<()> {
    browser.open(&Ports::url(ports.soap)).await?;
    let ready = "return document.body.dataset.ready === 'yes'";
    browser
        .until("the operations of the contracts", ready)
        .await?;
    for (version, envelope) in ENVELOPES {
        brazils_capital(browser, version, envelope).await?;
    }
    let both = "document.querySelector('.messages').scrollIntoView({block: 'end'})";
    browser.script(both).await?;
    browser.screenshot("soap-page").await?;
    broken_on_purpose(browser).await?;
    asked_four_ways(browser).await?;
    the_recorded_graphql_is_true(ports).await?;
    browser.screenshot("soap-compare").await?;
    super::done(
        "SOAP: Brazil's capital in both versions, a refused header, the same question four times",
    );
    Ok(())
}

/// CapitalCity is chosen, and BR is in its field, when the page opens.
async fn brazils_capital(browser: &Browser, version: &str, envelope: &str) -> Result<()> {
    let press = format!("document.querySelector('#form button[value=\"{version}\"]').click()");
    browser.script(&press).await?;
    let arrived = format!(
        "const answer = document.getElementById('answer').textContent;
        return answer.includes('{envelope}') && answer.includes('Brasília') && answer"
    );
    let answer = browser.until("Brazil's capital", &arrived).await?;
    let answer = answer.as_str().unwrap_or_default();
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let request = browser
        .script("return document.getElementById('request').textContent")
        .await?;
    let request = request.as_str().unwrap_or_default();
    ensure!(
        request.contains(envelope) && request.contains("<sCountryISOCode>BR</sCountryISOCode>"),
        "{request}"
    );
    Ok(())
}

async fn broken_on_purpose(browser: &Browser) -> Result<()> {
    let breaks = [
        ("must-understand", "MustUnderstand"),
        ("action", "Client"),
        ("doctype", "Client"),
        ("unknown", "Client"),
        ("version", "VersionMismatch"),
    ];
    for (button, code) in breaks {
        // What the last one left is not this one's answer.
        let press = format!(
            "document.getElementById('answer').textContent = '';
            document.querySelector('[data-break=\"{button}\"]').click()"
        );
        browser.script(&press).await?;
        let arrived = format!(
            "return document.getElementById('answer').textContent.includes('{code}</faultcode>')"
        );
        browser
            .until(&format!("the fault of {button:?}"), &arrived)
            .await?;
    }
    Ok(())
}

async fn asked_four_ways(browser: &Browser) -> Result<()> {
    browser
        .script("document.getElementById('ask').click()")
        .await?;
    let rows = browser
        .until(
            "the comparison",
            "return [...document.querySelectorAll('#rows tr')].map(row => row.textContent)",
        )
        .await?;
    let rows = rows.as_array().map_or(0, Vec::len);
    ensure!(rows == 6, "the comparison has {rows} rows");
    Ok(())
}

/// The page talks only to its own origin, so GraphQL's row is recorded; here it is held against graphql-demo.
async fn the_recorded_graphql_is_true(ports: &Ports) -> Result<()> {
    let recorded: Value =
        serde_json::from_str(include_str!("../../../soap-demo/assets/graphql.json"))?;
    let text = |key: &str| recorded[key].as_str().context("a recorded text");
    for (code, expected) in [("BR", text("found")?), ("QQ", text("missing")?)] {
        let url = format!("http://127.0.0.1:{}/graphql", ports.graphql);
        let asked = health::client()
            .post(url)
            .header("Content-Type", "application/json")
            .body(text("query")?.replace("BR", code));
        let answer = asked.send().await?.text().await?;
        ensure!(
            answer.trim() == expected,
            "soap-demo/assets/graphql.json is not what graphql-demo answers: {answer}"
        );
    }
    Ok(())
}
