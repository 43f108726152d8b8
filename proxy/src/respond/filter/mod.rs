//! What may change an answer on its way to the client, in nginx's order: takes a head before it is
//! written (a peer's, a stored one, our own), lets each filter see and change it, and hands on the
//! steps that the body will pass. An answer that no filter is for pays one branch.

mod addition;
mod chain;
mod charset;
mod conditions;
mod draft;
mod fill;
mod gunzip;
mod gzip;
mod gzip_ok;
mod range;
mod skip;
pub(crate) mod slice;
pub(crate) mod ssi;
mod sub;

pub(crate) use chain::Chain;
pub(crate) use draft::Draft;
pub(crate) use fill::fill;
pub(crate) use gzip_ok::accepts as accepts_gzip;
pub(crate) use range::{Cut, Part};

use chain::Step;

use super::Source;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::http1::Known;

/// Fields of a request that may turn an answer into another.
const CONDITIONAL: u64 = Known::Range.bit()
    | Known::IfMatch.bit()
    | Known::IfNoneMatch.bit()
    | Known::IfModifiedSince.bit()
    | Known::IfUnmodifiedSince.bit();

/// Where a body comes from, as far as ranges and conditions are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A peer, which has seen the client's conditions itself.
    Passed,
    /// A peer, and it is being stored: one range can be taken out as it passes.
    Storing,
    /// Stored before: any part is at hand.
    Stored,
}

/// What the filters make of a head; `None` leaves a peer's as it is.
pub(super) fn draft<'a>(ex: &mut Exchange, source: Source<'a>) -> Result<Option<Draft<'a>>, Fault> {
    let configured = ex.location.filters.is_some() || ex.location.slice.is_some();
    let conditional = match source {
        Source::Own(_) => true,
        Source::Peer(_, _, settings, origin) => {
            (origin != Origin::Passed || settings.force_ranges)
                && (origin == Origin::Stored || ex.request.head.head.has_any(CONDITIONAL))
        }
    };
    if !configured && !conditional {
        return Ok(None);
    }
    let mut draft = Draft::of(ex, source);
    if configured {
        slice::apply(ex, &mut draft)?;
    }
    if !matches!(source, Source::Peer(_, _, _, Origin::Passed)) {
        conditions::apply(ex, &mut draft)?;
    }
    if configured {
        gunzip::apply(ex, &mut draft);
        addition::apply(ex, &mut draft);
        sub::apply(ex, &mut draft);
        charset::apply(ex, &mut draft);
        ssi::apply(ex, &mut draft);
        gzip::apply(ex, &mut draft);
    }
    range::apply(ex, &mut draft)?;
    Ok(Some(draft))
}
