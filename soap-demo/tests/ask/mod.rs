//! Asks the service as HTTP does, without a socket, and tells apart what comes back: an answer, a fault of either
//! version, or a refusal by HTTP.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use tower::ServiceExt;

pub(crate) const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(crate) const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
pub(crate) const CALCULATOR: &str = "/calculator.asmx";
pub(crate) const COUNTRIES: &str = "/websamples.countryinfo/CountryInfoService.wso";

/// A request before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    /// A POST of `body` as `text/xml`.
    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST",
            path: path.to_owned(),
            headers: vec![("content-type", "text/xml; charset=utf-8".to_owned())],
            body: body.into(),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::method("GET", path)
    }

    pub(crate) fn method(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Sets a header, or takes it away.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        if !value.is_empty() {
            self.headers.push((name, value.to_owned()));
        }
        self
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Told {
    /// One line that a table can hold: `200 8`, `500 1.1 Client`, `400 1.2 Sender`, `415`.
    pub(crate) fn summary(&self) -> String {
        let status = self.status;
        let Ok(document) = roxmltree::Document::parse(&self.body) else {
            return status.to_string();
        };
        let named = |name: &str| {
            let found = document.descendants().find(|n| n.tag_name().name() == name);
            found.and_then(|node| node.text())
        };
        let code = |text: &str| text.split(':').next_back().unwrap_or_default().to_owned();
        if let Some(text) = named("faultcode") {
            return format!("{status} 1.1 {}", code(text));
        }
        let fault = document
            .descendants()
            .find(|n| n.has_tag_name((SOAP12, "Fault")));
        if let (Some(_), Some(text)) = (fault, named("Value")) {
            return format!("{status} 1.2 {}", code(text));
        }
        let result = document
            .descendants()
            .find(|node| node.tag_name().name().ends_with("Result"));
        let result = result.and_then(|node| node.text()).unwrap_or_default();
        format!("{status} {result}").trim_end().to_owned()
    }
}

/// The service as students start it.
pub(crate) fn service() -> Router {
    let config = soap_demo::Config {
        trusted: "127.0.0.1".parse().unwrap(),
    };
    soap_demo::app(config).unwrap()
}

pub(crate) async fn tell(service: &Router, ask: Ask) -> Told {
    let mut request = Request::builder().method(ask.method).uri(&ask.path);
    for (name, value) in &ask.headers {
        request = request.header(*name, value);
    }
    let peer: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let request = request
        .extension(ConnectInfo(peer))
        .body(Body::from(ask.body))
        .unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 64 << 20).await.unwrap();
    Told {
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

/// An envelope of `namespace` around a Body with this inside.
pub(crate) fn envelope(namespace: &str, body: &str) -> String {
    format!("<s:Envelope xmlns:s=\"{namespace}\"><s:Body>{body}</s:Body></s:Envelope>")
}

/// The Calculator's `Add` with these parameters.
pub(crate) fn add(parameters: &str) -> String {
    format!("<Add xmlns=\"http://tempuri.org/\">{parameters}</Add>")
}

pub(crate) const THREE_AND_FIVE: &str = "<intA>3</intA><intB>5</intB>";
