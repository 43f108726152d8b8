//! Closing without losing the answer: a socket closed with unread bytes in it is reset, and the
//! reset can overtake the answer on its way to the client (nginx, `lingering_close`).

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::AsyncWrite as _;
use tokio::time::{Instant, timeout_at};

use super::Client;
use crate::http1::Stream;

/// The alert that ends a TLS connection; without TLS closing says it all.
pub(super) async fn say_goodbye(client: &mut Client) {
    if let Stream::Tls(stream) = &mut client.stream {
        let said = poll_fn(|cx| stream.poll_shutdown(cx));
        let _ = tokio::time::timeout(GOODBYE, said).await;
    }
}

/// How long a client may take to take it.
const GOODBYE: Duration = Duration::from_secs(1);

/// Says that we are done, then reads and forgets what still comes, for a while.
pub(super) async fn close(client: &mut Client, total: Duration, silence: Duration) {
    let deadline = Instant::now() + total;
    let _ = poll_fn(|cx| Pin::new(&mut client.stream).poll_shutdown(cx)).await;
    loop {
        let held = client.buffer.filled().len();
        client.buffer.consume(held);
        let wait = deadline.min(Instant::now() + silence);
        match timeout_at(wait, client.buffer.fill(&mut client.stream)).await {
            Ok(Ok(count)) if count > 0 => {}
            _ => return,
        }
    }
}
