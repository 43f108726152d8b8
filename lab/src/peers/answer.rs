//! One side's answer, reduced to what must be the same on both: status, headers and content of every response on
//! the connection. What is bound to differ (date, own port, the program's name) is taken out.
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(2);

/// Sends the bytes and reads until the server closes, or says nothing more.
pub(super) async fn ask(port: u16, request: &[u8]) -> Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))
        .await
        .context("nobody listens")?;
    let mut bytes = Vec::new();
    // A server may answer and close before it has read all: then writing fails, and the answer still counts.
    let _ = connection.write_all(request).await;
    let ended = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut bytes)).await;
    let mut answer = describe(&bytes, request.starts_with(b"HEAD "), port);
    match ended {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => answer.push_str(&format!("\n(broke off: {})", error.kind())),
        Err(_) => answer.push_str("\n(the connection stays open)"),
    }
    Ok(answer)
}

/// Text in which equal answers are equal.
fn describe(bytes: &[u8], head_only: bool, port: u16) -> String {
    let mut rest = bytes;
    let mut told = String::new();
    while !rest.is_empty() {
        let (one, after) = response(rest, head_only);
        // 100 may be left out once the body has come (RFC 9110, 10.1.1), and that is a matter of luck here.
        if !one.starts_with("HTTP/1.1 100 ") {
            told.push_str(&one);
        }
        rest = after;
    }
    neutral(&told, port)
}

/// One response off the front.
fn response(bytes: &[u8], head_only: bool) -> (String, &[u8]) {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return (format!("no head: {}", String::from_utf8_lossy(bytes)), &[]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default().to_owned();
    let mut headers: Vec<_> = lines.map(lower_name).collect();
    headers.retain(|(name, _)| name != "date" && name != "server");
    headers.sort_by(|one, other| one.0.cmp(&other.0));
    let after = &bytes[end + 4..];
    let (body, rest) = if head_only {
        (Vec::new(), after)
    } else {
        content(&status, &headers, after)
    };
    let listed: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    (
        format!("{status}\n{listed}\n{}\n", String::from_utf8_lossy(&body)),
        rest,
    )
}

fn lower_name(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name.to_lowercase(), value.trim().to_owned())
}

fn content<'a>(status: &str, headers: &[(String, String)], bytes: &'a [u8]) -> (Vec<u8>, &'a [u8]) {
    let header = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let code = status.split(' ').nth(1).unwrap_or_default();
    if code.starts_with('1') || code == "204" || code == "304" {
        return (Vec::new(), bytes);
    }
    if header("transfer-encoding").is_some() {
        return unchunk(bytes);
    }
    match header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if length <= bytes.len() => (bytes[..length].to_vec(), &bytes[length..]),
        Some(length) => (
            [
                bytes,
                format!("\n({} bytes are missing)", length - bytes.len()).as_bytes(),
            ]
            .concat(),
            &[],
        ),
        None => (bytes.to_vec(), &[]),
    }
}

/// Chunks joined; trailers and a missing end are shown.
fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") else {
            body.extend_from_slice(b"\n(the last chunk is missing)");
            return (body, &[]);
        };
        let line = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)
            .unwrap_or(0);
        bytes = &bytes[end + 2..];
        if size == 0 {
            let end = bytes
                .windows(2)
                .position(|window| window == b"\r\n")
                .unwrap_or(bytes.len());
            body.extend_from_slice(&bytes[..end]);
            return (body, bytes.get(end + 2..).unwrap_or_default());
        }
        let chunk = size.min(bytes.len());
        body.extend_from_slice(&bytes[..chunk]);
        bytes = bytes.get(chunk + 2..).unwrap_or_default();
    }
}

/// Own port -> 8080; `nginx/1.x` in error pages -> the program.
fn neutral(text: &str, port: u16) -> String {
    let mut text = text.replace(&format!(":{port}"), ":8080");
    if let Some(start) = text
        .find("<hr><center>")
        .map(|at| at + "<hr><center>".len())
        && let Some(end) = text[start..].find("</center>")
    {
        text.replace_range(start..start + end, "the program");
    }
    // The name's length is in the page's.
    let page = text.contains("<center>the program</center>");
    let lines = text
        .lines()
        .filter(|line| !(page && line.starts_with("content-length:")));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_ports_header_order_and_chunk_sizes_make_no_difference() {
        let one = b"HTTP/1.1 200 OK\r\nDate: today\r\nB: 1\r\nLocation: http://x:4711/\r\n\
                    Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
        let other = b"HTTP/1.1 200 OK\r\nlocation: http://x:4712/\r\nServer: z\r\nb: 1\r\n\
                      Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        assert_eq!(describe(one, false, 4711), describe(other, false, 4712));
        assert!(describe(one, false, 4711).contains("\nhello"));
    }

    #[test]
    fn a_response_that_breaks_off_is_told() {
        let short = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
        assert!(describe(short, false, 1).contains("(7 bytes are missing)"));
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
        assert!(describe(chunked, false, 1).contains("last chunk is missing"));
    }
}
