//! Reads a body whole, within bounds: its own size and time, and the memory that all bodies together may take.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body.
pub(crate) const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// Memory for all bodies that are being read or stored.
const ALL_BODIES: usize = 128 * 1024 * 1024;
/// The memory is given out in pieces of this size.
const PIECE: usize = 1024;
/// Time for a body to arrive.
const ARRIVAL: Duration = Duration::from_secs(60);

/// The memory that bodies share.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL_BODIES / PIECE)))
    }
}

/// A body and its share of the memory; keep it until the body is stored.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

/// Why a body was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLarge,
    NoRoom,
    TooSlow,
    /// The sender broke off.
    Broken,
}

impl Room {
    /// Reads `body` to its end.
    pub(crate) async fn read(&self, body: Body, limit: usize) -> Result<Read, Unread> {
        let reading = self.read_on(body, limit);
        tokio::time::timeout(ARRIVAL, reading)
            .await
            .map_err(|_| Unread::TooSlow)?
    }

    async fn read_on(&self, mut body: Body, limit: usize) -> Result<Read, Unread> {
        let (mut bytes, mut share) = (BytesMut::new(), None);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else {
                continue; // trailers
            };
            if bytes.len() + data.len() > limit {
                return Err(Unread::TooLarge);
            }
            self.grow(&mut share, bytes.len() + data.len())?;
            bytes.extend_from_slice(&data);
        }
        let bytes = bytes.freeze();
        Ok(Read {
            bytes,
            _share: share,
        })
    }

    fn grow(&self, share: &mut Option<OwnedSemaphorePermit>, size: usize) -> Result<(), Unread> {
        let held = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = size.div_ceil(PIECE).saturating_sub(held);
        let missing = u32::try_from(missing).map_err(|_| Unread::TooLarge)?;
        let more = self.0.clone().try_acquire_many_owned(missing);
        let more = more.map_err(|_| Unread::NoRoom)?;
        match share {
            Some(share) => share.merge(more),
            None => *share = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_share_the_room_and_give_it_back() {
        let room = Room(Arc::new(Semaphore::new(2)));
        let body = |size: usize| Body::from(vec![7; size]);
        assert_eq!(room.read(body(9), 8).await.unwrap_err(), Unread::TooLarge);
        let first = room.read(body(PIECE + 1), 4 * PIECE).await.unwrap();
        assert_eq!(first.bytes.len(), PIECE + 1);
        assert_eq!(room.read(body(1), 8).await.unwrap_err(), Unread::NoRoom);
        drop(first);
        assert!(room.read(body(2 * PIECE), 4 * PIECE).await.is_ok());
    }
}
