//! One client connection: request after request, idle in between, until either side has enough.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{Client, ConnectionInfo, Original, linger, proxy_protocol, transparent};
use crate::config::{Config, Level, Server};
use crate::http1::Stream;
use crate::http2;
use crate::log;
use crate::pipeline::{self, Next};
use crate::tls::{self, Security};
use crate::worker::Worker;

/// A connection that has said nothing yet when the proxy stops gets this long to say it.
const LAST_WORD: Duration = Duration::from_secs(1);

pub(crate) async fn serve(worker: Rc<Worker>, stream: Stream, mut info: Rc<ConnectionInfo>) {
    if worker.is_transparent(&info) {
        match transparent::destination(&stream, &info) {
            Ok(address) => {
                let server_name = None;
                Rc::make_mut(&mut info).original = Some(Box::new(Original {
                    address,
                    server_name,
                }));
            }
            Err(why) => return refuse(&worker, &info, &why.to_string()),
        }
    }
    let (stream, info) = match worker.config_for_greeting(&info) {
        None => (stream, info),
        Some(config) => match Box::pin(greet(&config, stream, info)).await {
            Some(opened) => {
                if let Some(tls) = opened.1.security.tls() {
                    worker.counters().handshake(tls);
                }
                opened
            }
            None => return,
        },
    };
    if let Some(server) = http2_server(&worker, &stream, &info).await {
        worker.counters().http2_connection();
        let info = Rc::new(info.speaking_http2());
        return Box::pin(http2::serve(worker, stream, info, &server)).await;
    }
    let mut client = Client::new(stream, info);
    let mut idle_for = None;
    while request_came(&worker, &mut client, idle_for).await {
        worker.lend_buffers(&mut client);
        if client.requests == 0 && client.info.original.is_some() {
            let patience = worker.header_timeout(&client.info);
            if let Err(why) = Box::pin(transparent::begin(&mut client, patience)).await {
                refuse(&worker, &client.info, why);
                break;
            }
        }
        // Boxed, so that an idle connection doesn't pay for the memory of a busy one; and made where it stays, since it
        // is large and mostly empty yet.
        let served = Box::write(Box::new_uninit(), pipeline::serve(&worker, &mut client));
        match Box::into_pin(served).await {
            Next::KeepAlive { timeout } => idle_for = Some(timeout),
            Next::Close => {
                // Who sees the end of a connection finds its line in the log.
                log::flush();
                linger::say_goodbye(&mut client).await;
                break;
            }
            Next::Linger { total, silence } => {
                log::flush();
                linger::close(&mut client, total, silence).await;
                break;
            }
        }
        worker.reclaim_buffers(&mut client);
    }
    let held = client.buffer.filled().len();
    client.buffer.consume(held);
    worker.reclaim_buffers(&mut client);
}

/// A connection to a `transparent` address that leads nowhere.
fn refuse(worker: &Worker, info: &ConnectionInfo, why: &str) {
    let client = String::from_utf8_lossy(info.remote_ip());
    let text = format!("{why}, client: {client}, server: {}", info.listen_name());
    log::message(&worker.error_log(), Level::Info, &text);
}

/// What comes before HTTP on addresses that ask for it: the word of a proxy in front of us, then TLS.
async fn greet(
    config: &Config,
    mut stream: Stream,
    mut info: Rc<ConnectionInfo>,
) -> Option<(Stream, Rc<ConnectionInfo>)> {
    let listen = config.listen_for(&info.address)?;
    if listen.proxy_protocol {
        info = proxy_protocol::accept(listen, &mut stream, &info).await?;
    }
    if listen.ssl {
        return tls::server::accept(listen, stream, info).await;
    }
    Some((stream, info))
}

/// The server by whose settings a client that speaks HTTP/2 is served: agreed on in the handshake, or without TLS begun
/// with where the configuration allows it.
async fn http2_server(
    worker: &Worker,
    stream: &Stream,
    info: &ConnectionInfo,
) -> Option<Arc<Server>> {
    match &info.security {
        Security::Tls(tls) => (tls.alpn.as_deref() == Some(b"h2")).then(|| Arc::clone(&tls.server)),
        Security::PlainToTls => None,
        Security::Plain => {
            let server = worker.http2_server(info)?;
            let begins = timeout(server.header_timeout, stream.starts_like_http2());
            begins.await.unwrap_or(false).then_some(server)
        }
    }
}

/// A new socket is taken to be readable until somebody has looked: without looking, a client that connects and says
/// nothing would be given a buffer and the memory of a request.
async fn first_byte(client: &Client, is_new: bool) -> std::io::Result<()> {
    match &client.stream {
        socket @ (Stream::Tcp(_) | Stream::Unix(_)) if is_new => {
            socket.peek(&mut [0]).await.map(drop)
        }
        stream => stream.readable().await,
    }
}

/// Waits for the first byte of the next request; `false` is the end of the connection.
async fn request_came(worker: &Worker, client: &mut Client, idle_for: Option<Duration>) -> bool {
    if !client.buffer.is_empty() {
        client.pipelined = idle_for.is_some();
        return true;
    }
    let first = idle_for.is_none();
    let time = idle_for.unwrap_or_else(|| worker.header_timeout(&client.info));
    if worker.is_draining() && !first {
        return false;
    }
    let wait = async {
        tokio::select! {
            biased;
            ready = first_byte(client, first) => ready.is_ok(),
            () = worker.drained() => {
                let last = timeout(LAST_WORD, first_byte(client, first));
                first && last.await.is_ok_and(|ready| ready.is_ok())
            }
        }
    };
    timeout(time, wait).await.unwrap_or(false)
}
