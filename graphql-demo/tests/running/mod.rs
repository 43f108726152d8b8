//! A demo that runs in the test's process, and short ways to ask it.

#![allow(dead_code, reason = "not every test asks in every way")]

use std::net::{Ipv4Addr, SocketAddr};

use graphql_demo::Config;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use service::Shutdown;
use tokio::net::TcpListener;

/// Stops when it goes out of scope.
pub(crate) struct Demo {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    shutdown: Shutdown,
}

impl Demo {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        tokio::spawn(graphql_demo::run(listener, config, shutdown.clone()));
        Self {
            address,
            client: Client::builder().no_proxy().build().unwrap(),
            shutdown,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A POST of a body to `/graphql`.
    pub(crate) fn post(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.client.post(self.url("/graphql"));
        request.header(CONTENT_TYPE, "application/json").body(body)
    }

    /// A new visitor's cookie, as the server makes it.
    pub(crate) async fn visitor(&self) -> String {
        let query = json!({"query": "{ favourites { code } }"});
        let answer = self.send(&query).await;
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    pub(crate) async fn send(&self, body: &Value) -> Response {
        self.post(body.to_string()).send().await.unwrap()
    }

    /// The whole answer to a document.
    pub(crate) async fn ask(&self, query: &str) -> Value {
        self.send(&json!({ "query": query }))
            .await
            .json()
            .await
            .unwrap()
    }

    /// The data of an answer that has no errors.
    pub(crate) async fn data(&self, query: &str) -> Value {
        let mut answer = self.ask(query).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}
