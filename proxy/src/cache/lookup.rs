//! Finding what is stored for a request: takes key and fields, hands on the entry that answers it (of all variants that
//! `Vary` has made), or where an answer would have to be stored.

use std::sync::Arc;

use super::key::Digest;
use super::stored::Stored;
use super::vary;
use super::zone::Zone;
use crate::http1::Head;

/// What there is, and where.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) digest: Digest,
    pub(super) family: u64,
    pub(super) uses: u32,
    pub(super) found: Found,
}

#[derive(Debug)]
pub(super) enum Found {
    Stored(Box<Stored>),
    /// An error that is answered from memory.
    Error(u16),
    Nothing,
}

// ANCHOR: find
/// Looks under the key's own hash, then, if that answer is for other fields of a request, under the hash of these.
pub(super) async fn find(
    zone: &Arc<Zone>,
    key: &[u8],
    main: Digest,
    request: &Head,
    now: u64,
) -> Place {
    let (uses, found) = entry(zone, key, main, now).await;
    let place = |digest, family, uses, found| Place {
        digest,
        family,
        uses,
        found,
    };
    let Found::Stored(first) = found else {
        return place(main, rand::random(), uses, found);
    };
    let family = first.record.family;
    let names = &first.record.vary;
    let variant = vary::variant(main, family, names, request);
    if names.is_empty() || variant == first.record.variant {
        return place(main, family, uses, Found::Stored(first));
    }
    let (uses, found) = entry(zone, key, variant, now).await;
    let found = match found {
        Found::Stored(other) if other.record.variant != variant => Found::Nothing,
        found => found,
    };
    place(variant, family, uses, found)
}
// ANCHOR_END: find

/// One entry, counted as used. The hash has found it; only the same key makes it ours.
async fn entry(zone: &Arc<Zone>, key: &[u8], digest: Digest, now: u64) -> (u32, Found) {
    let (uses, error, evicted) = {
        let mut index = zone.index();
        let (node, evicted) = index.touch(digest, now);
        node.uses = node.uses.saturating_add(1);
        (node.uses, node.error, evicted)
    };
    if let Some(evicted) = evicted {
        zone.delete(&evicted);
    }
    if let Some((status, _)) = error {
        return (uses, Found::Error(status));
    }
    let stored = zone.open(&digest, now).await;
    match stored.filter(|stored| stored.record.key == key) {
        Some(stored) => (uses, Found::Stored(Box::new(stored))),
        None => (uses, Found::Nothing),
    }
}
