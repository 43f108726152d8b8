//! One stream: takes a request that hyper has read, decides nothing, hands it to the pipeline over a pipe inside
//! this process as HTTP/1, and the answer back. When the client resets the stream, the pipe closes, and the pipeline
//! learns it as it does of any client that has gone.

use std::rc::Rc;

use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::{Connection, Open, translate};
use crate::accept::Client;
use crate::http1::Stream;
use crate::pipeline;

/// Bytes that wait in the pipe, each way.
const PIPE: usize = 32 * 1024;
/// An answer has at most so many fields; the pipeline has let fewer pass.
const FIELDS: usize = 1000;

pub(super) async fn exchange(
    connection: Rc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, hyper::Error> {
    let open = connection.begin();
    let (outer, inner) = tokio::io::duplex(PIPE);
    let requests = connection.requests.get();
    tokio::task::spawn_local(serve(connection, Stream::Inside(inner), requests, open));
    let mut builder = http1::Builder::new();
    builder.max_headers(FIELDS);
    let (mut sender, pipe) = builder.handshake(TokioIo::new(outer)).await?;
    tokio::task::spawn_local(async move {
        // Whatever ends it early has ended the answer, too, and is told there.
        let _ = pipe.await;
    });
    let answer = sender.send_request(translate::request(request)).await?;
    Ok(translate::answer(answer))
}

/// The other end of the pipe.
async fn serve(connection: Rc<Connection>, stream: Stream, requests: u64, open: Open) {
    let worker = &connection.worker;
    let mut client = Client::new(stream, Rc::clone(&connection.info));
    client.requests = requests - 1;
    worker.lend_buffers(&mut client);
    Box::pin(pipeline::serve(worker, &mut client)).await;
    let held = client.buffer.filled().len();
    client.buffer.consume(held);
    worker.reclaim_buffers(&mut client);
    drop(open);
}
