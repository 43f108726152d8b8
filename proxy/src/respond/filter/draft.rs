//! An answer's head as the filters see it, whoever wrote it, and what they have changed.

use std::borrow::Cow;

use super::{Cut, Origin, Step};
use crate::clock;
use crate::exchange::Exchange;
use crate::http1::{Framing, Known};
use crate::respond::{Content, Source};

/// How much of the body can be sent alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ranges {
    No,
    /// The body passes by, so parts come in order: one.
    One,
    Any,
}

#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) status: u16,
    /// Of the body, where it is known.
    pub(crate) length: Option<u64>,
    pub(crate) content_type: Cow<'a, [u8]>,
    pub(crate) encoding: Option<Cow<'a, [u8]>>,
    pub(crate) etag: Option<Cow<'a, [u8]>>,
    pub(crate) last_modified: Option<u64>,
    pub(crate) ranges: Ranges,
    /// Which byte of the whole the body starts with.
    pub(crate) offset: u64,
    pub(crate) accepts_ranges: bool,
    pub(crate) content_range: Option<String>,
    /// `Vary: Accept-Encoding`
    pub(crate) varies: bool,
    /// Names of the peer's fields that don't pass as they came.
    pub(crate) changed: u64,
    /// What the body passes on its way.
    pub(crate) steps: Vec<Step>,
    /// The parts that are sent of a body that is at hand whole.
    pub(crate) cut: Option<Cut>,
    pub(crate) source: Source<'a>,
}

impl<'a> Draft<'a> {
    pub(super) fn of(ex: &Exchange, source: Source<'a>) -> Self {
        let mut draft = Draft {
            status: ex.status_overwrite.unwrap_or(source.status()),
            length: None,
            content_type: Cow::Borrowed(b""),
            encoding: None,
            etag: None,
            last_modified: None,
            ranges: Ranges::No,
            offset: 0,
            accepts_ranges: false,
            content_range: None,
            varies: false,
            changed: 0,
            steps: Vec::new(),
            cut: None,
            source,
        };
        match source {
            Source::Own(reply) => {
                draft.length = Some(reply.content.len());
                draft.content_type = Cow::Borrowed(&reply.content_type);
                draft.encoding = reply.gzipped.then_some(Cow::Borrowed(b"gzip"));
                draft.etag = reply.etag.as_ref().map(|e| Cow::Borrowed(e.as_bytes()));
                draft.last_modified = reply.last_modified;
                draft.varies = reply.varies;
                if matches!(reply.content, Content::File { .. }) {
                    draft.ranges = Ranges::Any;
                }
            }
            Source::Peer(head, framing, settings, origin) => {
                let field = |known| head.head.get(known).map(Cow::Borrowed);
                draft.length = match framing {
                    Framing::Length(length) => Some(length),
                    Framing::None if !ex.request.is_head() => Some(0),
                    Framing::None | Framing::Chunked | Framing::Close => None,
                };
                draft.content_type = field(Known::ContentType).unwrap_or_default();
                draft.encoding = field(Known::ContentEncoding).filter(|value| !value.is_empty());
                draft.etag = field(Known::Etag);
                let modified = head.head.get(Known::LastModified);
                let modified = modified.and_then(|text| std::str::from_utf8(text).ok());
                draft.last_modified = modified.and_then(clock::parse_http_date);
                draft.ranges = match origin {
                    Origin::Stored => Ranges::Any,
                    Origin::Storing => Ranges::One,
                    Origin::Passed if settings.force_ranges => Ranges::One,
                    Origin::Passed => Ranges::No,
                };
            }
        }
        draft
    }

    pub(super) fn change(&mut self, known: Known) {
        self.changed |= known.bit();
    }

    /// The body will be another: nobody knows how long, and its bytes can't be counted.
    pub(super) fn rewrite_body(&mut self) {
        self.length = None;
        self.change(Known::ContentLength);
        self.no_ranges();
    }

    pub(super) fn no_ranges(&mut self) {
        self.ranges = Ranges::No;
        self.change(Known::AcceptRanges);
    }

    /// The same thing, in other bytes (RFC 9110 section 8.8.1).
    pub(super) fn weaken_etag(&mut self) {
        if let Some(etag) = &self.etag
            && !etag.starts_with(b"W/")
        {
            // What is no tag can't be made a weak one.
            let weak = etag.starts_with(b"\"").then(|| [b"W/", &etag[..]].concat());
            self.etag = weak.map(Cow::Owned);
            self.change(Known::Etag);
        }
    }

    /// What is put together has no version of its own.
    pub(super) fn forget_version(&mut self) {
        (self.etag, self.last_modified) = (None, None);
        self.change(Known::Etag);
        self.change(Known::LastModified);
    }

    pub(super) fn set_encoding(&mut self, encoding: Option<&'static [u8]>) {
        self.encoding = encoding.map(Cow::Borrowed);
        self.change(Known::ContentEncoding);
    }
}
