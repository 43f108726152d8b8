//! `gzip on`: compresses a body as it passes (ngx_http_gzip_module).

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Draft, Step, accepts_gzip};
use crate::exchange::Exchange;

pub(super) fn apply(ex: &Exchange, draft: &mut Draft<'_>) {
    let Some(gzip) = ex.location.filters.as_ref().and_then(|f| f.gzip.as_ref()) else {
        return;
    };
    let Some(compress) = &gzip.compress else {
        return;
    };
    let long_enough = draft
        .length
        .is_none_or(|length| length >= compress.min_length);
    if !matches!(draft.status, 200 | 403 | 404)
        || draft.encoding.is_some()
        || !long_enough
        || !compress.types.hold(&draft.content_type)
    {
        return;
    }
    draft.varies |= gzip.vary;
    if !accepts_gzip(ex, &gzip.policy, Some(draft)) {
        return;
    }
    draft.set_encoding(Some(b"gzip"));
    draft.weaken_etag();
    draft.rewrite_body();
    draft.steps.push(Step::Gzip(Deflater::new(compress.level)));
}

/// Of every gzip stream (RFC 1952 section 2.3).
const HEADER: usize = 10;

/// A body on its way through the compressor.
#[derive(Debug)]
pub(crate) struct Deflater {
    encoder: Box<GzEncoder<Vec<u8>>>,
    taken: u64,
    given: u64,
}

impl Deflater {
    fn new(level: u32) -> Self {
        Self {
            encoder: Box::new(GzEncoder::new(Vec::new(), Compression::new(level))),
            taken: 0,
            given: 0,
        }
    }

    pub(super) fn run(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.taken += input.len() as u64;
        self.encoder.write_all(input)?;
        // The header alone is not worth a chunk.
        if self.given > 0 || self.encoder.get_ref().len() > HEADER {
            self.hand_on(out);
        }
        Ok(())
    }

    /// Everything so far, for a client that should not wait for more.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.encoder.flush()?;
        self.hand_on(out);
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.encoder.try_finish()?;
        self.hand_on(out);
        Ok(())
    }

    fn hand_on(&mut self, out: &mut Vec<u8>) {
        let ready = self.encoder.get_mut();
        self.given += ready.len() as u64;
        out.append(ready);
    }

    /// `$gzip_ratio`: how many times smaller.
    pub(super) fn ratio(&self) -> Option<String> {
        let hundredths = (self.taken * 1000 / self.given.max(1) + 5) / 10;
        (self.given > 0).then(|| format!("{}.{:02}", hundredths / 100, hundredths % 100))
    }
}
