//! Bodies of any size: at once with a Content-Length, or piece by piece in chunks.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::time::sleep;

use crate::identity::text;
use crate::parameters::{BadParameter, Parameters, within};

/// What one write sends of a large body.
const PIECE: usize = 64 * 1024;
static ZEROES: [u8; PIECE] = [b'0'; PIECE];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Size {
    n: Option<usize>,
}

/// `n` bytes with a Content-Length; memory needed: none.
pub(crate) async fn bytes(
    Parameters(Size { n }): Parameters<Size>,
) -> Result<Response, BadParameter> {
    let n = within("n", n.unwrap_or(1024), 0..=64 * 1024 * 1024)?;
    let pieces = stream::unfold(n, |left| async move {
        let piece = left.min(PIECE);
        (piece > 0).then(|| {
            (
                Ok::<_, std::convert::Infallible>(Bytes::from_static(&ZEROES[..piece])),
                left - piece,
            )
        })
    });
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, n.to_string()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lines {
    n: Option<u32>,
    ms: Option<u64>,
}

/// `n` lines, each one chunk, with a pause of `ms` before each but the first.
pub(crate) async fn stream(
    Parameters(Lines { n, ms }): Parameters<Lines>,
) -> Result<Response, BadParameter> {
    let n = within("n", n.unwrap_or(5), 0..=10_000)?;
    let pause = Duration::from_millis(within("ms", ms.unwrap_or(200), 0..=60_000)?);
    let lines = stream::unfold(1, move |line| async move {
        if line > n {
            return None;
        }
        if line > 1 {
            sleep(pause).await;
        }
        Some((
            Ok::<_, std::convert::Infallible>(format!("line {line} of {n}\n")),
            line + 1,
        ))
    });
    Ok(text(Body::from_stream(lines)))
}
