//! Below the deliveries in the browser: the inbox's answer, forwarding rules and how they do, the sender; above them
//! the code for a phone.
use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::{Browser, click, done, new_inbox, rows, text};

pub(super) async fn look(browser: &Browser) -> Result<()> {
    let empty = "const field = document.getElementById('search'); field.value = ''; field.dispatchEvent(new Event('input'))";
    browser.script(empty).await?;
    let url = new_inbox(browser).await?;
    let code = "const image = document.getElementById('qr'); return image.complete && image.naturalWidth > 100";
    browser.until("a code for a phone", code).await?;
    the_answer_is_what_was_saved(browser, &url).await?;
    done("the inbox answers as its form says: status, type, body");
    sender(browser).await?;
    done("the page plays GitHub: signed, valid, and redelivered under the same id");
    rules(browser, &url).await?;
    done("the page shows how a forwarding rule does, and its dead letter");
    Ok(())
}

async fn the_answer_is_what_was_saved(browser: &Browser, url: &str) -> Result<()> {
    let fill = "document.getElementById('answer-panel').open = true;
        const form = document.getElementById('answer');
        form.elements.default_status.value = 418;
        form.elements.default_content_type.value = 'text/x-tea';
        form.elements.default_content.value = 'no coffee <b>here</b>';
        form.elements.secret.value = 'lab-secret';
        form.requestSubmit()";
    browser.script(fill).await?;
    let saved = "return document.querySelector('#answer output').textContent === 'Saved.'";
    browser.until("the answer is saved", saved).await?;
    let mut curl = Command::new("curl");
    curl.args([
        "-s",
        "--max-time",
        "10",
        "-w",
        "|%{http_code}|%{content_type}",
    ]);
    let answer = curl
        .arg(url)
        .output()
        .await
        .context("curl does not start")?;
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    ensure!(answer == "no coffee <b>here</b>|418|text/x-tea", "{answer}");
    browser.until("the request appears", &rows(1)).await?;
    Ok(())
}

async fn sender(browser: &Browser) -> Result<()> {
    let fill = "document.getElementById('send-panel').open = true;
        const form = document.getElementById('send');
        form.elements.event.value = 'push'; form.elements.form.value = '1';
        form.requestSubmit()";
    browser.script(fill).await?;
    let told =
        "return document.querySelector('#send output').textContent.startsWith('Answered 418')";
    browser
        .until("the sender's delivery is answered", told)
        .await?;
    browser.until("it appears", &rows(2)).await?;
    browser
        .until(
            "the log of the sender",
            "return !!document.querySelector('#deliveries button')",
        )
        .await?;
    click(browser, "#deliveries button").await?;
    browser.until("the redelivery appears", &rows(3)).await?;
    let tags =
        "return [...document.querySelectorAll('#list .tag')].map((tag) => tag.textContent).join()";
    let tags = text(&browser.script(tags).await?)?;
    ensure!(tags == "signature valid,repeated,signature valid", "{tags}");
    Ok(())
}

/// Nobody listens where the rule leads, so each try fails.
async fn rules(browser: &Browser, url: &str) -> Result<()> {
    let token = url.rsplit('/').next().context("a URL has parts")?;
    let add = format!(
        "document.getElementById('forward-panel').open = true;
         return fetch('/token/{token}/forwards', {{ method: 'POST', headers: {{ 'content-type': 'application/json' }},
           body: JSON.stringify({{ target: 'http://127.0.0.1:9/', attempts: 2, pause_ms: 10 }}) }}).then((answer) => answer.status)"
    );
    let status = browser.script(&add).await?;
    ensure!(status == 201, "the rule was answered {status}");
    // Seen before anything was forwarded, so that what follows is a change of the page.
    let counted = |dead| {
        format!("return document.getElementById('rules').textContent.includes('{dead} dead')")
    };
    browser.until("the rule is shown", &counted(0)).await?;
    let mut curl = Command::new("curl");
    let sent = curl.args(["-s", "--max-time", "10", "-o", "/dev/null", "-d", "x", url]);
    ensure!(sent.status().await?.success(), "curl {url}");
    browser
        .until("the rule's dead letter is counted", &counted(1))
        .await?;
    let show = "[...document.querySelectorAll('#rules button')].find((button) => button.textContent === 'Dead letters').click()";
    browser.script(show).await?;
    let letter = "return document.querySelector('#rules ul button')?.textContent === 'Try again'";
    browser.until("the dead letter is listed", letter).await?;
    browser.until("forwarders are counted", "return document.getElementById('listening').textContent === 'No forwarder is connected.'").await?;
    browser.screenshot("webhook-panels").await
}
