//! A browser that was told of the forward proxy, and in which no name resolves: whatever it shows, the proxy fetched.
use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::webdriver::Browser;
use crate::ports::Ports;

pub(super) async fn look(ports: &Ports, screenshots: Option<PathBuf>) -> Result<()> {
    let proxy = format!("http://127.0.0.1:{}", ports.forward);
    let browser = Browser::start(screenshots, Some(&proxy)).await?;
    let outcome = pages(&browser).await;
    if outcome.is_err() {
        browser.screenshot("failure-forward").await?;
    }
    browser.quit().await?;
    outcome
}

async fn pages(browser: &Browser) -> Result<()> {
    browser.open("http://backend2:5000/").await?;
    let greeting = browser.text().await?;
    ensure!(greeting == "Hello from Server 2!", "{greeting}");
    browser.open("http://backend2:5000/echo").await?;
    let echo = browser.text().await?;
    ensure!(echo.contains("User-Agent: lab8"), "{echo}");
    ensure!(!echo.contains("Chrome"), "{echo}");
    browser.open("http://www.ads.example/banner").await?;
    let page = browser.text().await?;
    let why = "did not fetch this from www.ads.example: advertising";
    ensure!(page.contains(why), "{page}");
    browser.screenshot("blocked").await?;
    super::done(
        "through the forward proxy: a server that the browser can't resolve, and a page that says what is blocked",
    );
    Ok(())
}
