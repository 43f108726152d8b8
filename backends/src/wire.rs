//! Keeps what arrived on a connection since the last answer, so that `/whoami` and `/echo` can show a request's head
//! as it was on the wire: hyper lowercases header names and groups repeated ones.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use axum::http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Longer heads are shown as hyper understood them.
const MAX_RECORD: usize = 64 * 1024;

/// What the handlers know about the connection.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) peer: SocketAddr,
    record: Arc<Mutex<Record>>,
}

#[derive(Debug, Default)]
struct Record {
    bytes: Vec<u8>,
    /// An answer was written, so the next byte begins another request.
    answered: bool,
}

/// A request's head as text, one line for each header.
pub(crate) struct Head {
    pub(crate) request_line: String,
    pub(crate) lines: Vec<String>,
}

/// A connection that is being recorded.
#[derive(Debug)]
pub(crate) struct Recorded {
    stream: TcpStream,
    record: Arc<Mutex<Record>>,
}

/// Starts recording a new connection.
pub(crate) fn record(stream: TcpStream, peer: SocketAddr) -> (Recorded, Arrival) {
    let record = Arc::default();
    (
        Recorded {
            stream,
            record: Arc::clone(&record),
        },
        Arrival { peer, record },
    )
}

impl Arrival {
    /// The head of `request` as it arrived, or, when it is not in the record, as hyper understood it. Ask before the
    /// body is read.
    pub(crate) fn head(&self, request: &Parts) -> Head {
        let record = lock(&self.record);
        let request_line = format!("{} {} {:?}", request.method, request.uri, request.version);
        let lines = find(&record.bytes, &request_line, request);
        Head {
            lines: lines.unwrap_or_else(|| understood(request)),
            request_line,
        }
    }
}

/// The header lines after `request_line`, if they say what `request` says. The comparison is what makes this honest:
/// bytes of a body that look like a head are not shown as one.
fn find(record: &[u8], request_line: &str, request: &Parts) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(record);
    let mut expected = understood(request);
    expected.sort_unstable();
    text.match_indices(request_line).find_map(|(start, _)| {
        let (_, rest) = text[start..].split_once('\n')?;
        let lines: Vec<&str> = rest.lines().take_while(|line| !line.is_empty()).collect();
        let mut lowered: Vec<String> = lines.iter().copied().map(lower_name).collect();
        lowered.sort_unstable();
        (lowered == expected).then(|| lines.into_iter().map(str::to_owned).collect())
    })
}

fn understood(request: &Parts) -> Vec<String> {
    let headers = request.headers.iter();
    headers
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect()
}

/// `X-Forwarded-For:a` as `x-forwarded-for: a`.
fn lower_name(line: &str) -> String {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    format!(
        "{}: {}",
        name.to_ascii_lowercase(),
        value.trim_matches([' ', '\t'])
    )
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record
        .lock()
        .expect("nobody panics while holding the record")
}

impl AsyncRead for Recorded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = &buf.filled()[before..];
        if !new.is_empty() {
            let mut record = lock(&self.record);
            if std::mem::take(&mut record.answered) {
                record.bytes.clear();
            }
            let room = MAX_RECORD - record.bytes.len();
            record.bytes.extend_from_slice(&new[..room.min(new.len())]);
        }
        poll
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        lock(&self.record).answered = true;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        lock(&self.record).answered = true;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
