//! What the browser does on the page of the graphql demo: asks the module's question by GraphiQL's button, compares it
//! with REST and SOAP, sees the limit count down, and watches a change arrive over the subscription.
use anyhow::{Context, Result, ensure};

use super::webdriver::Browser;
use crate::health;
use crate::ports::Ports;

/// What stands in GraphiQL's answer.
const ANSWER: &str = "const answer = document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue() ?? '';";
const RUN: &str = "document.querySelector('.graphiql-execute-button').click(); return true";

/// Goes through the page as a student would; fails at the first thing that is not as it should be.
pub(super) async fn look(browser: &Browser, ports: &Ports) -> Result<()> {
    browser.open(&Ports::url(ports.graphql)).await?;
    let explorer = "return document.querySelector('#graphiql, #plain')?.id ?? ''";
    let explorer = browser.script(explorer).await?;
    ensure!(
        explorer == "graphiql",
        "the page shows {explorer} instead of GraphiQL, whose files npm fetches: is npm here?"
    );
    the_button_asks_for_brazil(browser).await?;
    super::done("GraphiQL runs the module's query for BR: Brasil, Brasília, BRL, Portuguese");
    the_recorded_soap_is_true(ports).await?;
    let received = three_ways(browser).await?;
    super::done(&format!("the same question three ways: {received}"));
    let line = the_limit_counts_down(browser).await?;
    browser.screenshot("graphiql").await?;
    super::done(&format!("the limited address says: {line}"));
    a_subscription_shows_a_change(browser).await?;
    super::done("a subscription shows a change of the favourites");
    nothing_came_from_elsewhere(browser).await
}

async fn the_button_asks_for_brazil(browser: &Browser) -> Result<()> {
    browser
        .until(
            "GraphiQL is there and knows the schema",
            "return !!document.querySelector('.graphiql-execute-button:not([disabled])') \
             && !document.querySelector('.graphiql-spinner')",
        )
        .await?;
    browser.script(RUN).await?;
    let expected =
        "return ['Brasil', 'Brasília', 'BRL', 'Portuguese'].every(word => answer.includes(word))";
    browser
        .until(
            "the module's query is answered",
            &format!("{ANSWER} {expected}"),
        )
        .await?;
    Ok(())
}

/// The panel shows a recorded exchange, since a page talks only to its own origin; here it is held against soap-demo.
async fn the_recorded_soap_is_true(ports: &Ports) -> Result<()> {
    let request = include_str!("../../../graphql-demo/assets/soap-request.xml");
    let recorded = include_str!("../../../graphql-demo/assets/soap-answer.xml");
    let url = format!(
        "http://127.0.0.1:{}/websamples.countryinfo/CountryInfoService.wso",
        ports.soap
    );
    let asked = health::client()
        .post(url)
        .header("Content-Type", "text/xml; charset=utf-8")
        .header("SOAPAction", "\"\"")
        .body(request);
    let answer = asked.send().await?.text().await?;
    ensure!(
        answer.trim() == recorded.trim(),
        "graphql-demo/assets/soap-answer.xml is not what soap-demo answers:\n{answer}"
    );
    Ok(())
}

/// Bytes received, as the panel's table has them.
async fn three_ways(browser: &Browser) -> Result<String> {
    browser
        .script("document.getElementById('ask').click(); return true")
        .await?;
    let rows = browser
        .until(
            "all three ways are compared",
            "const rows = [...document.querySelectorAll('#ways tr')]; \
             return rows.length === 3 && rows.map(row => Number(row.lastChild.textContent))",
        )
        .await?;
    let bytes = |index: usize| rows[index].as_u64().context("a number of bytes");
    let (graphql, rest, soap) = (bytes(0)?, bytes(1)?, bytes(2)?);
    ensure!(
        graphql < soap && soap < rest,
        "GraphQL {graphql}, REST {rest}, SOAP {soap} bytes"
    );
    Ok(format!(
        "{graphql} bytes by GraphQL, {rest} by REST, {soap} by SOAP"
    ))
}

async fn the_limit_counts_down(browser: &Browser) -> Result<String> {
    browser
        .script("document.getElementById('limited').click(); return true")
        .await?;
    browser.script(RUN).await?;
    let line = browser
        .until(
            "the line of the limit",
            "const line = document.getElementById('limit').textContent; \
             return /^IP limit \\d+ \\(out of 50\\) requests remaining \\(refills in \\d+s\\)$/.test(line) && line",
        )
        .await?;
    Ok(line.as_str().unwrap_or_default().to_owned())
}

async fn a_subscription_shows_a_change(browser: &Browser) -> Result<()> {
    browser
        .script("document.querySelectorAll('.graphiql-tab-button')[1].click(); return true")
        .await?;
    browser
        .until(
            "the second tab is there",
            "return document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.getValue().includes('Watch')",
        )
        .await?;
    browser.script(RUN).await?;
    // Nobody can know when the server has begun to watch, so the change is made until it is seen. GraphiQL takes note
    // of another tab's operation a moment later; who is faster than it presses the button again.
    let change = "
        if (answer.includes('No operation named')) {
            document.querySelector('.graphiql-execute-button').click();
        }
        for (const field of ['removeFavourite', 'addFavourite']) {
            fetch('/graphql', {
                method: 'POST',
                headers: { 'content-type': 'application/json' },
                body: JSON.stringify({ query: `mutation { ${field}(code: \"BR\") { code } }` }),
            });
        }
        return answer.includes('favouritesChanged') && answer.includes('Brazil')";
    browser
        .until("a change arrives", &format!("{ANSWER} {change}"))
        .await?;
    Ok(())
}

async fn nothing_came_from_elsewhere(browser: &Browser) -> Result<()> {
    let others = browser
        .script(
            "return performance.getEntriesByType('resource').map(entry => entry.name) \
             .filter(name => !name.startsWith(location.origin) && !name.startsWith('data:'))",
        )
        .await?;
    ensure!(
        others.as_array().is_some_and(Vec::is_empty),
        "loaded from elsewhere: {others}"
    );
    Ok(())
}
