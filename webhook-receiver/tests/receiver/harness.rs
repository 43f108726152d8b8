//! Runs the built binary on free ports and speaks to it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// Longest wait for anything that must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A running receiver; killed when dropped.
pub(crate) struct Receiver {
    child: Child,
    pub(crate) http: SocketAddr,
    pub(crate) smtp: SocketAddr,
    pub(crate) dns: SocketAddr,
    pub(crate) client: Client,
}

impl Receiver {
    /// Starts one that keeps everything in `folder`.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webhook-receiver"));
        command.args([
            "--bind",
            "127.0.0.1:0",
            "--smtp",
            "127.0.0.1:0",
            "--dns",
            "127.0.0.1:0",
        ]);
        command
            .arg("--data")
            .arg(folder.join("hooks.db"))
            .args(more);
        command
            .env("RUST_LOG", "info")
            .env("NO_COLOR", "1")
            .env_remove("DATABASE_URL");
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut address = |name: &str| address(&mut log, name);
        let (http, smtp, dns) = (
            address("on http://"),
            address("mail on "),
            address("DNS on "),
        );
        // Read on, so that the receiver never waits for us.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let client = Client::builder().no_proxy().build().unwrap();
        Self {
            child,
            http,
            smtp,
            dns,
            client,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Makes a token with these settings and gives back its id.
    pub(crate) async fn token(&self, settings: Value) -> String {
        let made = self
            .client
            .post(self.url("/token"))
            .json(&settings)
            .send()
            .await
            .unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);
        let made: Value = made.json().await.unwrap();
        made["uuid"].as_str().unwrap().to_owned()
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// The token's latest request, as soon as there is one.
    pub(crate) async fn latest(&self, token: &str) -> Value {
        let began = Instant::now();
        loop {
            let response = self
                .get(&format!("/token/{token}/request/latest"))
                .send()
                .await
                .unwrap();
            if response.status() == StatusCode::OK {
                return response.json().await.unwrap();
            }
            assert!(began.elapsed() < DEADLINE, "no request came");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// As `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that stays while receivers come and go on ports of their own, as behind a proxy.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    receiver: Arc<Mutex<Option<SocketAddr>>>,
}

impl Front {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = Arc::<Mutex<Option<SocketAddr>>>::default();
        let current = receiver.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let receiver = *current.lock().unwrap();
                tokio::spawn(async move {
                    let Some(receiver) = receiver else { return };
                    if let Ok(mut server) = TcpStream::connect(receiver).await {
                        // Either side may be killed at any moment; that is what is tested.
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { address, receiver }
    }

    pub(crate) fn lead_to(&self, receiver: &Receiver) {
        *self.receiver.lock().unwrap() = Some(receiver.http);
    }
}

/// A database of a test's own on the server that `TEST_DATABASE_URL` names.
pub(crate) struct Database {
    server: String,
    name: String,
    pub(crate) url: String,
}

impl Database {
    /// None without such a server, which is said.
    pub(crate) async fn make() -> Option<Self> {
        let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
            println!("not tested with PostgreSQL: TEST_DATABASE_URL names none");
            return None;
        };
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let mark = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{mark}dbname={name}");
        let database = Self { server, name, url };
        database.tell("CREATE DATABASE").await;
        Some(database)
    }

    pub(crate) async fn remove(self) {
        self.tell("DROP DATABASE").await;
    }

    async fn tell(&self, what: &str) {
        let connected = tokio_postgres::connect(&self.server, tokio_postgres::NoTls).await;
        let (client, connection) = connected.unwrap();
        tokio::spawn(connection);
        // Those who were killed may still be on their way out.
        let force = if what.starts_with("DROP") {
            " WITH (FORCE)"
        } else {
            ""
        };
        let sql = format!("{what} {}{force}", self.name);
        client.batch_execute(&sql).await.unwrap();
    }
}

/// The address behind `name` in the log.
fn address(log: &mut impl BufRead, name: &str) -> SocketAddr {
    let mut read = String::new();
    loop {
        let mut line = String::new();
        assert!(
            log.read_line(&mut line).unwrap() > 0,
            "the receiver ended: {read}"
        );
        read += &line;
        if let Some((_, address)) = line.split_once(name) {
            return address.trim().trim_end_matches('/').parse().unwrap();
        }
    }
}

/// A response's status and text.
pub(crate) async fn told(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

/// No settings.
pub(crate) fn plain() -> Value {
    json!({})
}
