//! Fills the places of an answer that wait for another one: an include of a page, the next slice of
//! a file. Takes what a step waits for, asks for it inside the proxy, puts it where it belongs.

use super::Chain;
use super::chain::Wanted;
use super::slice::NextSlice;
use super::ssi::Include;
use crate::accept::Client;
use crate::config::Level;
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::log;
use crate::respond::{self, body};
use crate::subrequest::{Ask, Part};
use crate::worker::Worker;

/// Goes on with an answer that waits, until it waits no more.
pub(crate) async fn fill(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
) -> Result<(), Fault> {
    let Some(mut chain) = ex.chain.take() else {
        return Ok(());
    };
    let filled = fill_from(worker, ex, client, &mut chain, 0).await;
    if filled.is_ok()
        && let Some(trailers) = chain.trailers_at_end()
    {
        body::last_chunk(chain.outgoing, ex, client, &trailers);
    }
    ex.chain = Some(chain);
    filled?;
    respond::flush(ex, client).await.map(|_| ())
}

/// The step nearest to the client goes first: what waits before it can give it nothing meanwhile.
async fn fill_from(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    chain: &mut Chain,
    from: usize,
) -> Result<(), Fault> {
    while let Some((at, wanted)) = chain.next_wanted(from) {
        match wanted {
            Wanted::Include(wanted) => include(worker, ex, client, chain, at, wanted).await?,
            Wanted::Slice(wanted) => slice(worker, ex, client, chain, at, wanted).await?,
        }
        chain.go_on(ex, client, at)?;
    }
    Ok(())
}

async fn include(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    chain: &mut Chain,
    at: usize,
    wanted: Include,
) -> Result<(), Fault> {
    let Include { target, set, stub } = wanted;
    let quiet = set.is_some() || stub.is_some();
    let mut part = Part::begin(worker, ex, Ask::Target(&target), quiet);
    let Some(name) = set else {
        let count = pass_on(worker, ex, client, chain, at, &mut part).await?;
        let answered = part.finish(ex).await;
        if let Some(block) = stub.filter(|_| count == 0) {
            chain.put_in_front(at, ex, &block);
        }
        return match answered {
            Some(_) => Ok(()),
            None => Err(Fault::new(500, Blame::Us, "a sub-request broke off")),
        };
    };
    let most = ex.location.client.subrequest_output_buffer_size;
    let (mut value, mut too_big) = (Vec::new(), false);
    while let Some(piece) = part.next().await {
        too_big |= value.len() + piece.len() > most;
        if !too_big {
            value.extend_from_slice(piece);
        }
    }
    let answered = part.finish(ex).await;
    if too_big {
        let why = "too big subrequest response: \"subrequest_output_buffer_size\" is smaller";
        log::exchange_error(ex, Level::Error, why);
    }
    if too_big || !answered.is_some_and(|inner| (200..300).contains(&inner.sent.status)) {
        value.clear();
    }
    let kept = ex
        .sub
        .page
        .as_ref()
        .is_some_and(|page| page.borrow_mut().set(name, value));
    if !kept {
        log::exchange_error(ex, Level::Error, "SSI: the page's variables are too large");
    }
    Ok(())
}

async fn slice(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    chain: &mut Chain,
    at: usize,
    wanted: NextSlice,
) -> Result<(), Fault> {
    let mut part = Part::begin(worker, ex, Ask::Slice(wanted), true);
    pass_on(worker, ex, client, chain, at, &mut part).await?;
    let inner = part.finish(ex).await;
    match inner.map(|inner| (inner.sent.complete, inner.fault)) {
        Some((true, _)) => Ok(()),
        Some((false, why)) => {
            let why = why.unwrap_or_else(|| "a slice could not be had".to_owned());
            Err(Fault::new(502, Blame::Upstream, why))
        }
        None => Err(Fault::new(500, Blame::Us, "a sub-request broke off")),
    }
}

/// Passes a part's body to the steps behind the one that asked for it; answers its length.
async fn pass_on(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
    chain: &mut Chain,
    at: usize,
    part: &mut Part,
) -> Result<u64, Fault> {
    let mut count = 0;
    while let Some(piece) = part.next().await {
        count += piece.len() as u64;
        chain.take_from(ex, client, at + 1, piece)?;
        if chain.is_waiting_from(at + 1) {
            Box::pin(fill_from(worker, ex, client, chain, at + 1)).await?;
        }
        respond::pace(ex, 0).await;
        respond::flush(ex, client).await?;
    }
    Ok(count)
}
