//! The backends of the comparison: each answers with the request exactly as it arrived (header lines sorted by
//! name, because their order means nothing), so that the answer's body shows what was forwarded. A request header
//! `X-Reply: 404 | Name: value || body` asks for another answer, `X-Reply: close` for none.
use anyhow::Result;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Two that answer, and a port on which nobody does.
#[derive(Debug)]
pub(super) struct Backends {
    /// In the order of the table's placeholders 8081, 8082, 8083.
    pub(super) ports: [u16; 3],
}

impl Backends {
    pub(super) async fn start() -> Result<Self> {
        let first = serve("a").await?;
        let second = serve("b").await?;
        let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        Ok(Self {
            ports: [first, second, nobody],
        })
    }
}

async fn serve(name: &'static str) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                // A client that goes away ends its own connection only.
                let _ = answer_all(name, connection).await;
            });
        }
    });
    Ok(port)
}

/// One request as it came.
struct Seen {
    line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

async fn answer_all(name: &str, connection: TcpStream) -> Result<()> {
    let mut connection = BufReader::new(connection);
    while let Some(seen) = read_request(&mut connection).await? {
        let asked = seen.header("x-reply").map(str::to_owned);
        let close = !seen.line.ends_with("HTTP/1.1") || seen.header("connection") == Some("close");
        let answer = match asked.as_deref() {
            Some("close") => return Ok(()),
            Some(asked) => as_asked(asked),
            None => echo(name, &seen),
        };
        connection.get_mut().write_all(&answer).await?;
        if close || asked.is_some() {
            return Ok(());
        }
    }
    Ok(())
}

/// `404 | Name: value || body`. Content-Length is added unless the answer frames itself.
fn as_asked(asked: &str) -> Vec<u8> {
    let (head, body) = asked.split_once(" || ").unwrap_or((asked, ""));
    let mut parts = head.split(" | ");
    let status = parts.next().unwrap_or("200");
    let mut answer = format!("HTTP/1.1 {status} Asked\r\nConnection: close\r\n");
    let mut framed = false;
    for header in parts {
        framed |= header.to_lowercase().starts_with("transfer-encoding")
            || header.starts_with("Content-Length");
        answer.push_str(&format!("{header}\r\n"));
    }
    if !framed && !status.starts_with("204") && !status.starts_with("304") {
        answer.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let body = body.replace("\\r", "\r").replace("\\n", "\n");
    format!("{answer}\r\n{body}").into_bytes()
}

fn echo(name: &str, seen: &Seen) -> Vec<u8> {
    let mut headers = seen.headers.clone();
    headers.sort_by_key(|line| line.split(':').next().unwrap_or_default().to_lowercase());
    let mut body = format!(
        "backend {name} saw\n{}\n{}\n\n",
        seen.line,
        headers.join("\n")
    )
    .into_bytes();
    body.extend_from_slice(&seen.body);
    // The length would tell the same as the content, which HEAD does not have.
    let length = if seen.line.starts_with("HEAD ") {
        1000
    } else {
        body.len()
    };
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");
    let content = if seen.line.starts_with("HEAD ") {
        &[][..]
    } else {
        &body
    };
    [head.as_bytes(), content].concat()
}

async fn read_request(connection: &mut BufReader<TcpStream>) -> Result<Option<Seen>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut lines = lines.into_iter();
    let line = lines.next().unwrap_or_default();
    let mut seen = Seen {
        line,
        headers: lines.collect(),
        body: Vec::new(),
    };
    if let Some(length) = seen
        .header("content-length")
        .and_then(|length| length.parse().ok())
    {
        seen.body = vec![0; length];
        connection.read_exact(&mut seen.body).await?;
    } else if seen.header("transfer-encoding").is_some() {
        seen.body = read_chunks(connection).await?;
    }
    Ok(Some(seen))
}

/// The content of a chunked body: how it is cut into chunks is nobody's business.
async fn read_chunks(connection: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await?;
        let size = usize::from_str_radix(line.trim(), 16)?;
        let mut chunk = vec![0; size + 2];
        connection.read_exact(&mut chunk).await?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}
