//! A stored answer on its way to the client: the way of a peer's, with a file in place of the peer.

use std::rc::Rc;
use std::sync::Arc;

use crate::accept::Client;
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::pipeline::Flow;
use crate::respond;
use crate::worker::Worker;

pub(crate) async fn replay(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
) -> Result<Flow, Fault> {
    let taken = ex.caching.as_mut().and_then(|caching| {
        let mut stored = caching.stored.take()?;
        if let Some(age) = caching.age(&stored) {
            stored.head.head.push(b"Age", age.to_string().as_bytes());
        }
        Some((stored, Arc::clone(&caching.pass)))
    });
    let Some((mut stored, pass)) = taken else {
        let why = "the stored answer is gone";
        return Err(Fault::new(500, Blame::Us, why));
    };
    let head = Rc::new(std::mem::take(&mut stored.head));
    ex.upstream_head = Some(Rc::clone(&head));
    if !pass
        .settings
        .allow_response
        .iter()
        .all(|rule| rule.is_true(ex))
    {
        let why = "a stored response is not to be passed on";
        return Err(Fault::new(403, Blame::Client, why));
    }
    respond::stored(worker, ex, client, &head, &pass.settings, stored.content()).await
}
