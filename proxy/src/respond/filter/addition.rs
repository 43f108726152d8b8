//! `add_before_body` and `add_after_body`: the answers to two other requests around a body
//! (ngx_http_addition_module).

use super::ssi::Include;
use super::{Draft, Step};
use crate::exchange::Exchange;

pub(super) fn apply(ex: &Exchange, draft: &mut Draft<'_>) {
    let Some(addition) = ex
        .location
        .filters
        .as_ref()
        .and_then(|f| f.addition.as_ref())
    else {
        return;
    };
    let fits = addition.types.hold(&draft.content_type);
    if draft.status != 200 || ex.inner || draft.encoding.is_some() || !fits {
        return;
    }
    draft.weaken_etag();
    draft.rewrite_body();
    draft.steps.push(Step::Addition(Around {
        before: addition.before.as_ref().map(|target| target.evaluate(ex)),
        after: addition.after.as_ref().map(|target| target.evaluate(ex)),
        held: Vec::new(),
        begun: false,
        ended: false,
    }));
}

/// A body that has something before it and something behind.
#[derive(Debug)]
pub(crate) struct Around {
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    /// What came while the part before it was not there yet.
    held: Vec<u8>,
    begun: bool,
    ended: bool,
}

impl Around {
    pub(super) fn run(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.begun = true;
        self.held.extend_from_slice(input);
        self.go_on(out);
    }

    pub(super) fn end(&mut self) {
        (self.begun, self.ended) = (true, true);
    }

    pub(super) fn go_on(&mut self, out: &mut Vec<u8>) {
        if self.before.is_none() {
            out.append(&mut self.held);
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        (self.begun && self.before.is_some()) || (self.ended && self.after.is_some())
    }

    pub(super) fn take_wanted(&mut self) -> Option<Include> {
        let target = self.before.take().or_else(|| self.after.take())?;
        Some(Include {
            target,
            set: None,
            stub: None,
        })
    }
}
