//! Sends finished spans to a collector: OTLP over HTTP, as JSON, in batches. A span waits in a bounded queue or is
//! lost, and no request waits for a collector.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Context, name, write_hex};
use crate::config::{ErrorLog, Level};
use crate::exchange::Exchange;
use crate::log;

/// A collector that does not answer in this time has lost the batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// `otel_exporter {}`, with the name of the service.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) interval: Duration,
    pub(crate) batch_size: usize,
    pub(crate) batch_count: usize,
    /// `service.name` and what else describes this process.
    pub(crate) resource: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct Exporter {
    settings: Settings,
    queue: mpsc::Sender<Value>,
    /// Until it is started.
    finished: Mutex<Option<mpsc::Receiver<Value>>>,
    lost: AtomicU64,
}

impl Exporter {
    pub(crate) fn new(settings: Settings) -> Self {
        let (queue, finished) = mpsc::channel(settings.batch_size * settings.batch_count);
        Self {
            settings,
            queue,
            finished: Mutex::new(Some(finished)),
            lost: AtomicU64::new(0),
        }
    }

    /// Sends from now on, until the configuration that it belongs to is gone.
    pub(crate) fn start(self: &Arc<Self>, errors: ErrorLog) {
        let finished = self
            .finished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(finished) = finished {
            // A weak handle: the last exchange of this configuration ends the queue, and with it the task.
            let exporter = Arc::downgrade(self);
            tokio::spawn(run(exporter, finished, errors));
        }
    }
}

async fn run(
    exporter: std::sync::Weak<Exporter>,
    mut finished: mpsc::Receiver<Value>,
    errors: ErrorLog,
) {
    let Some((interval, most)) = exporter
        .upgrade()
        .map(|e| (e.settings.interval, e.settings.batch_size))
    else {
        return;
    };
    let mut failing = false;
    loop {
        let Some(first) = finished.recv().await else {
            return;
        };
        let mut batch = vec![first];
        let until = Instant::now() + interval;
        while batch.len() < most
            && let Ok(Some(span)) = timeout_at(until, finished.recv()).await
        {
            batch.push(span);
        }
        // Its owner is gone: what is left was promised to nobody.
        let Some(exporter) = exporter.upgrade() else {
            return;
        };
        let count = batch.len();
        let sent = timeout(PATIENCE, post(&exporter.settings, &batch)).await;
        let sent = sent.unwrap_or_else(|_| Err("no answer".to_owned()));
        let lost = exporter.lost.swap(0, Relaxed);
        if lost > 0 {
            let text = format!("{lost} spans found no room in the queue of otel_exporter");
            log::message(&errors, Level::Warn, &text);
        }
        if let Err(why) = &sent {
            // Once when it begins; each batch would say the same.
            let level = if failing { Level::Info } else { Level::Error };
            let text = format!("{count} spans could not be exported ({why})");
            log::message(&errors, level, &text);
        }
        failing = sent.is_err();
    }
}

async fn post(settings: &Settings, spans: &[Value]) -> Result<(), String> {
    let say = |why: &dyn std::fmt::Display| why.to_string();
    let stream = TcpStream::connect((settings.host.as_str(), settings.port));
    let stream = stream.await.map_err(|why| say(&why))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|why| say(&why))?;
    let driven = tokio::spawn(connection);
    let mut request = Request::post(&settings.path)
        .header(HOST, format!("{}:{}", settings.host, settings.port))
        .header(CONTENT_TYPE, "application/json");
    for (name, value) in &settings.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(body(&settings.resource, spans))
        .map_err(|why| say(&why))?;
    let answer = sender.send_request(request).await;
    driven.abort();
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("the collector says {}", answer.status())),
        Err(why) => Err(say(&why)),
    }
}

fn body(resource: &[(String, String)], spans: &[Value]) -> String {
    let about: Vec<_> = resource
        .iter()
        .map(|(key, value)| attribute(key, value))
        .collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": about},
        "scopeSpans": [{
            "scope": {"name": "proxy", "version": env!("CARGO_PKG_VERSION")},
            "spans": spans,
        }],
    }]})
    .to_string()
}

/// Gives the exchange's span to the exporter, if it is recorded.
pub(crate) fn finish(ex: &Exchange) {
    let Some(trace) = ex.trace.as_ref().filter(|trace| trace.ours.sampled) else {
        return;
    };
    let Some(exporter) = &ex.config.exporter else {
        return;
    };
    match exporter.queue.try_reserve() {
        Ok(place) => place.send(span(ex, trace)),
        Err(_) => {
            exporter.lost.fetch_add(1, Relaxed);
        }
    }
}

fn span(ex: &Exchange, trace: &super::Trace) -> Value {
    let status = ex.sent.status;
    let mut span = json!({
        "traceId": id(&trace.ours.trace),
        "spanId": id(&trace.ours.span),
        "flags": 1,
        "kind": SERVER,
        "startTimeUnixNano": nanos(trace.began),
        "endTimeUnixNano": nanos(SystemTime::now()),
        "attributes": attributes(ex),
        "status": if status >= 500 { json!({"code": ERROR}) } else { json!({}) },
    });
    if let Some(settings) = &ex.location.trace {
        span["name"] = name(ex, settings).into();
    }
    if let Some(Context { span: parent, .. }) = trace.parent {
        span["parentSpanId"] = id(&parent).into();
    }
    span
}

/// SPAN_KIND_SERVER and STATUS_CODE_ERROR.
const SERVER: u8 = 2;
const ERROR: u8 = 2;

/// What nginx's module says of a request, then `otel_span_attr`.
fn attributes(ex: &Exchange) -> Vec<Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let head = &ex.request.head;
    let secure = ex.connection.security.tls().is_some();
    let mut all = vec![
        attribute("http.method", &text(ex.request.method())),
        attribute("http.target", &text(head.target())),
        attribute("http.route", &text(&ex.location.prefix)),
        attribute("http.scheme", if secure { "https" } else { "http" }),
        attribute(
            "http.flavor",
            head.version.as_str().trim_start_matches("HTTP/"),
        ),
        attribute("net.host.name", &text(ex.host())),
        attribute("net.sock.peer.addr", &text(ex.connection.remote_ip())),
        number("http.status_code", ex.sent.status.into()),
        number("http.response_content_length", ex.sent.body_bytes),
    ];
    if let Some(agent) = head.head.get_named(b"user-agent") {
        all.push(attribute("http.user_agent", &text(agent)));
    }
    if let Some(local) = ex.connection.local() {
        all.push(number("net.host.port", local.port().into()));
    }
    if let Some(remote) = ex.connection.remote {
        all.push(number("net.sock.peer.port", remote.port().into()));
    }
    let own = ex
        .location
        .trace
        .iter()
        .flat_map(|settings| &settings.attributes);
    all.extend(own.map(|(key, value)| attribute(key, &text(&value.evaluate(ex)))));
    all
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// Numbers of 64 bits are strings in OTLP's JSON.
fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

fn id(bytes: &[u8]) -> String {
    let mut hex = Vec::with_capacity(32);
    write_hex(bytes, &mut hex);
    String::from_utf8_lossy(&hex).into_owned()
}

fn nanos(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().to_string()
}
