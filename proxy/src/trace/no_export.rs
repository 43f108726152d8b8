//! Built without the feature `otel`: contexts are passed on, and nothing is exported.

use std::sync::Arc;

use crate::config::ErrorLog;
use crate::exchange::Exchange;

/// There is none.
#[derive(Debug)]
pub(crate) enum Exporter {}

impl Exporter {
    pub(crate) fn start(self: &Arc<Self>, _: ErrorLog) {
        match **self {}
    }
}

pub(crate) fn finish(_: &Exchange) {}
