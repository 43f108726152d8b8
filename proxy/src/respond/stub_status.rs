//! `stub_status`: nginx's four lines about connections and requests, for the tools that read them.

use super::{Content, Reply, reply};
use crate::accept::Client;
use crate::admin::totals;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::pipeline::Flow;
use crate::worker::Worker;

pub(crate) async fn stub_status(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
) -> Result<Flow, Fault> {
    if !matches!(ex.request.method(), b"GET" | b"HEAD") {
        return Err(Fault::status(405));
    }
    let now = totals();
    // Whoever was accepted is handled here: a connection that finds no room is not counted at all.
    let text = format!(
        "Active connections: {} \nserver accepts handled requests\n {} {} {} \nReading: {} Writing: {} Waiting: {} \n",
        now.active,
        now.accepted,
        now.accepted,
        now.requests,
        now.reading,
        now.writing,
        now.waiting(),
    );
    let page = Reply {
        content_type: b"text/plain".to_vec(),
        content: Content::Bytes(text.into_bytes()),
        ..Reply::text(ex, 200, Vec::new())
    };
    reply(worker, ex, client, page).await
}
