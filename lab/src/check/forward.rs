//! Chapter 9: the forward proxy asks for its clients, tells nothing of them, and says what it does not ask for, and why.
use anyhow::Result;
use reqwest::{Client, Proxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Finding;
use super::witness::header;
use crate::ports::Ports;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) async fn look(ports: &Ports) -> Result<Vec<Finding>> {
    let proxy = format!("http://127.0.0.1:{}", ports.forward);
    let client = Client::builder()
        .proxy(Proxy::http(&proxy)?)
        .timeout(PATIENCE)
        .build()?;
    let echo = get(&client, "http://backend1:5000/echo").await;
    let agent = header(&echo, "User-Agent").unwrap_or_default();
    let games = get(&client, "http://shop.games.example/").await;
    let metadata = get(&client, "http://169.254.169.254/").await;
    let mail = connect(ports.forward, "backend1:25").await;
    Ok(vec![
        Finding::new(
            echo.starts_with("GET /echo "),
            "http://backend1:5000 is reached through the forward proxy",
            "look at `docker compose ps` and at the log of forward-proxy",
        ),
        Finding::new(
            agent == "lab8" && header(&echo, "X-Forwarded-For").is_none(),
            format!("the server learns nothing of the client; its program is called {agent:?}"),
            "forward/nginx.conf should replace User-Agent and set no X-Forwarded-For",
        ),
        Finding::new(
            games.contains("shop.games.example") && games.contains("Blocked"),
            "a host of your own list is blocked, with all below it, and the page says why",
            "a line `.games.example \"WHY\";` in proxy/conf/forward/blocked-hosts.conf, then reload forward-proxy",
        ),
        Finding::new(
            metadata.contains("nothing inside may be asked for"),
            "the cloud's metadata (169.254.169.254) is out of reach",
            "proxy_allow_upstream $reachable;",
        ),
        Finding::new(
            mail.starts_with("HTTP/1.1 403"),
            "no tunnel leads to a mail server",
            "if ($port_allowed != 1) { return 403; }",
        ),
    ])
}

/// The body, whatever the status; empty if there was no answer.
async fn get(client: &Client, url: &str) -> String {
    match client.get(url).send().await {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// How the proxy answers a CONNECT.
async fn connect(port: u16, authority: &str) -> String {
    let asked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = [0; 64];
        let count = stream.read(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer[..count]).into_owned())
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => answer,
        _ => String::new(),
    }
}
