//! A headless Chromium, driven by the W3C's WebDriver protocol: JSON over plain HTTP to chromedriver.
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::PublicKeyData as _;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::server_process::{ServerProcess, free_port};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Browser {
    client: Client,
    session: String,
    screenshots: Option<PathBuf>,
    // Ends when dropped; before the folder it writes to.
    _driver: ServerProcess,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// `proxy`: whom the browser asks for everything, if anybody.
    pub(super) async fn start(screenshots: Option<PathBuf>, proxy: Option<&str>) -> Result<Self> {
        let proxy = match proxy {
            Some(proxy) => format!("--proxy-server={proxy}"),
            None => "--no-proxy-server".to_owned(),
        };
        Self::start_with(screenshots, &[proxy]).await
    }

    /// One that takes the certificate of this key (PEM) for good, whoever signed it.
    pub(super) async fn start_trusting(key: &str) -> Result<Self> {
        let key = rcgen::KeyPair::from_pem(key)?.subject_public_key_info();
        let digest = ring::digest::digest(&ring::digest::SHA256, &key);
        let trust = format!(
            "--ignore-certificate-errors-spki-list={}",
            STANDARD.encode(digest)
        );
        Self::start_with(None, &["--no-proxy-server".to_owned(), trust]).await
    }

    async fn start_with(screenshots: Option<PathBuf>, more: &[String]) -> Result<Self> {
        if let Some(folder) = &screenshots {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let driver = ServerProcess::start(command, port, folder.path(), "chromedriver")
            .context("on Debian: sudo apt-get install chromium chromium-driver")?;
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()?;
        let base = format!("http://127.0.0.1:{port}/session");
        let profile = folder.path().join("profile");
        let made = send(
            &client,
            Method::POST,
            &base,
            &capabilities(&profile.display().to_string(), more),
        )
        .await?;
        let id = made["sessionId"].as_str().context("no session")?;
        Ok(Self {
            client,
            session: format!("{base}/{id}"),
            screenshots,
            _driver: driver,
            _folder: folder,
        })
    }

    async fn post(&self, command: &str, body: &Value) -> Result<Value> {
        send(
            &self.client,
            Method::POST,
            &format!("{}/{command}", self.session),
            body,
        )
        .await
    }

    pub(super) async fn open(&self, url: &str) -> Result<()> {
        self.post("url", &json!({ "url": url }))
            .await
            .map(drop)
            .with_context(|| url.to_owned())
    }

    pub(super) async fn refresh(&self) -> Result<()> {
        self.post("refresh", &json!({})).await.map(drop)
    }

    /// What a JavaScript function body returns.
    pub(super) async fn script(&self, body: &str) -> Result<Value> {
        self.post("execute/sync", &json!({ "script": body, "args": [] }))
            .await
    }

    /// Types these characters, as a keyboard does, wherever the focus is.
    pub(super) async fn press(&self, keys: &str) -> Result<()> {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|way| json!({ "type": way, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("actions", &json!({ "actions": [keyboard] }))
            .await
            .map(drop)
    }

    /// The text that a reader sees.
    pub(super) async fn text(&self) -> Result<String> {
        let text = self.script("return document.body.innerText").await?;
        Ok(text.as_str().context("no text")?.trim().to_owned())
    }

    /// Asks until the answer is neither null, false nor empty.
    pub(super) async fn until(&self, what: &str, body: &str) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.script(body).await?;
            if !matches!(value, Value::Null | Value::Bool(false)) && value != json!([]) {
                return Ok(value);
            }
            if Instant::now() > deadline {
                bail!(
                    "not within {PATIENCE:?}: {what}\n{}",
                    self.text().await.unwrap_or_default()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Saves what the window shows, if pictures were asked for.
    pub(super) async fn screenshot(&self, name: &str) -> Result<()> {
        let Some(folder) = &self.screenshots else {
            return Ok(());
        };
        let picture = send(
            &self.client,
            Method::GET,
            &format!("{}/screenshot", self.session),
            &Value::Null,
        )
        .await?;
        let picture = STANDARD
            .decode(picture.as_str().context("no picture")?)
            .context("a picture in base64")?;
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, picture).with_context(|| path.display().to_string())
    }

    /// Closes the browser; chromedriver alone would leave it running.
    pub(super) async fn quit(&self) -> Result<()> {
        send(&self.client, Method::DELETE, &self.session, &Value::Null)
            .await
            .map(drop)
    }
}

fn capabilities(profile: &str, more: &[String]) -> Value {
    let profile = format!("--user-data-dir={profile}");
    let mut args = vec![
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--window-size=1280,900",
        "--hide-scrollbars",
        // Nothing from outside: whatever is not on this machine does not exist.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        &profile,
    ];
    args.extend(more.iter().map(String::as_str));
    json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": { "args": args } } } })
}

/// One command; WebDriver's own errors become ours.
async fn send(client: &Client, method: Method, url: &str, body: &Value) -> Result<Value> {
    let mut request = client.request(method, url);
    if !body.is_null() {
        request = request.json(body);
    }
    let answer: Value = request
        .send()
        .await
        .context("chromedriver does not answer")?
        .json()
        .await?;
    match answer["value"]["error"].as_str() {
        Some(error) => bail!(
            "{error}: {}",
            answer["value"]["message"].as_str().unwrap_or_default()
        ),
        None => Ok(answer["value"].clone()),
    }
}
