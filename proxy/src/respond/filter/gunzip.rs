//! `gunzip on`: unpacks a gzipped body for a client that takes none (ngx_http_gunzip_module).

use std::io::{self, Write as _};

use flate2::write::MultiGzDecoder;

use super::{Draft, Step, accepts_gzip};
use crate::exchange::Exchange;

pub(super) fn apply(ex: &Exchange, draft: &mut Draft<'_>) {
    let Some(gzip) = ex.location.filters.as_ref().and_then(|f| f.gzip.as_ref()) else {
        return;
    };
    let gzipped = draft
        .encoding
        .as_ref()
        .is_some_and(|e| e.eq_ignore_ascii_case(b"gzip"));
    if !gzip.gunzip || !gzipped {
        return;
    }
    draft.varies |= gzip.vary;
    if accepts_gzip(ex, &gzip.policy, Some(draft)) {
        return;
    }
    draft.set_encoding(None);
    draft.weaken_etag();
    draft.rewrite_body();
    draft.steps.push(Step::Gunzip(Inflater::new()));
}

/// A body on its way out of its compression; several members in a row are one body (RFC 1952).
#[derive(Debug)]
pub(crate) struct Inflater(Box<MultiGzDecoder<Vec<u8>>>);

impl Inflater {
    fn new() -> Self {
        Self(Box::new(MultiGzDecoder::new(Vec::new())))
    }

    pub(super) fn run(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.0.write_all(input)?;
        out.append(self.0.get_mut());
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.0.try_finish()?;
        out.append(self.0.get_mut());
        Ok(())
    }
}
