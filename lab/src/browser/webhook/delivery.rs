//! One delivery in the browser: all of its parts, a note, a curl command that really sends the same, sending again.
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::{Browser, click, deliver, done, new_inbox, rows, text};

/// Everything that a shell might take for a command.
const AWKWARD: &str = "{\"it's\": \"$(touch hacked) `id` \\\\ \\n !! %s ü\"}";

pub(super) async fn look(browser: &Browser) -> Result<()> {
    let url = new_inbox(browser).await?;
    parts_of_a_form(browser, &url).await?;
    done("a delivery shows headers, query, form, files, raw and hex, and keeps a note");
    the_command_sends_the_same(browser, &url).await?;
    done("its curl command, run by bash, sends the same request, byte for byte");
    click(browser, "#resend").await?;
    let told =
        "return document.querySelector('#detail .tools output').textContent === 'answered 200'";
    browser.until("sent again", told).await?;
    browser
        .until("what was sent again appears", &rows(4))
        .await?;
    done("a delivery can be sent again");
    keys(browser, &url).await?;
    done("the keyboard moves through deliveries and tabs, and searches");
    Ok(())
}

async fn parts_of_a_form(browser: &Browser, url: &str) -> Result<()> {
    let file = "up=some text;filename=a.txt;type=text/plain";
    let query = format!("{url}/form?x=1&y=two");
    deliver(&query, &["-H", "x-mine: 8", "-F", "who=me", "-F", file]).await?;
    browser.until("the form appears", &rows(1)).await?;
    click(browser, "#list button").await?;
    for (tab, wanted) in [
        ("Raw", "Content-Disposition: form-data; name=\"who\""),
        ("Headers", "x-mine8"),
        ("Query", "ytwo"),
        ("Form", "whome"),
        ("Files", "a.txt text/plain 9 B"),
        ("Hex", "00000000  2d 2d"),
    ] {
        let shown = text(&browser.until(tab, &tab_script(tab)).await?)?;
        ensure!(
            shown.contains(wanted),
            "the tab {tab} has no {wanted:?}: {shown}"
        );
    }
    let note = "document.querySelector('#note input').value = 'look here';
        document.querySelector('#note button').click()";
    browser.script(note).await?;
    let saved = "return document.querySelector('#note output').textContent === 'Saved.'";
    browser.until("the note is saved", saved).await?;
    let kept = latest(browser).await?;
    ensure!(kept["note"] == "look here", "the note was not kept: {kept}");
    Ok(())
}

/// Opens the tab that begins with this name; what it shows.
fn tab_script(name: &str) -> String {
    format!(
        "const tab = [...document.querySelectorAll('[role=tab]')].find((tab) => tab.textContent.startsWith({name:?}));
         if (!tab) return null; tab.click(); return document.querySelector('[role=tabpanel]').textContent"
    )
}

async fn the_command_sends_the_same(browser: &Browser, url: &str) -> Result<()> {
    let there = format!("{url}/a%20b?q=%27&q=2");
    let headers = [
        "-H",
        "content-type: application/json",
        "-H",
        "x-note: it's $HOME",
    ];
    let body = ["-X", "PATCH", "--data-raw", AWKWARD];
    deliver(&there, &[headers, body].concat()).await?;
    browser.until("the JSON appears", &rows(2)).await?;
    click(browser, "#list button").await?;
    let tree = text(&browser.until("its tree", &tab_script("Tree")).await?)?;
    ensure!(tree.contains("it's: "), "no tree: {tree}");
    let first = latest(browser).await?;
    // What would go to the clipboard.
    let copied = "window.copied = null; navigator.clipboard.writeText = async (text) => { window.copied = text; };";
    browser.script(copied).await?;
    browser.press("c").await?;
    let command = text(&browser.until("the command", "return window.copied").await?)?;
    let mut ran = Command::new("bash");
    ran.arg("-c").arg(format!("{command} -sSf --max-time 10"));
    let ran = ran.output().await.context("bash does not start")?;
    ensure!(
        ran.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    browser.until("the copy appears", &rows(3)).await?;
    let second = latest(browser).await?;
    for part in ["method", "url", "content", "query"] {
        ensure!(
            first[part] == second[part],
            "{part}: {} became {}",
            first[part],
            second[part]
        );
    }
    for name in ["content-type", "x-note"] {
        let [first, second] = [&first, &second].map(|event| &event["headers"][name]);
        ensure!(first == second, "{name}: {first} became {second}");
    }
    Ok(())
}

/// The newest delivery, by the API.
async fn latest(browser: &Browser) -> Result<Value> {
    browser
        .script(
            "const token = location.hash.slice(1);
             return fetch(`/token/${token}/request/latest`).then((answer) => answer.json())",
        )
        .await
}

async fn keys(browser: &Browser, url: &str) -> Result<()> {
    let heading = |path: &str| {
        let wanted = format!("{url}{path}");
        format!("return document.querySelector('#detail h2')?.textContent.endsWith({wanted:?})")
    };
    browser.script("document.activeElement?.blur()").await?;
    // From the one that is open, the second, down to the oldest and one up again.
    browser.press("jjjj").await?;
    browser
        .until("j goes down", &heading("/form?x=1&y=two"))
        .await?;
    browser.press("k").await?;
    browser
        .until("k goes up", &heading("/a%20b?q=%27&q=2"))
        .await?;
    browser
        .script("document.querySelector('[role=tab][aria-selected=true]').focus()")
        .await?;
    browser.press("\u{e014}").await?; // the right arrow
    let next = "return document.activeElement.textContent === 'Raw' && document.activeElement.ariaSelected === 'true'";
    browser.until("the arrow opens the next tab", next).await?;
    browser.press("/").await?;
    browser.press("method:POST").await?;
    browser.until("the search is typed", &rows(1)).await?;
    Ok(())
}
