//! Distributed traces (the `otel_…` directives): takes an exchange whose location is known, decides to which trace it
//! belongs and whether it is recorded, hands on the context to the peer and the finished span to the exporter.

mod context;
#[cfg(feature = "otel")]
mod export;
#[cfg(not(feature = "otel"))]
#[path = "no_export.rs"]
mod export;

pub(crate) use context::{Context, write_hex};
#[cfg(feature = "otel")]
pub(crate) use export::Settings;
pub(crate) use export::{Exporter, finish};

use std::time::SystemTime;

use crate::config::{Location, TraceSettings};
use crate::exchange::Exchange;
use crate::identity;

/// The trace that an exchange belongs to.
#[derive(Debug)]
pub(crate) struct Trace {
    /// With our own span in it.
    pub(crate) ours: Context,
    /// The span that asked, as it told.
    pub(crate) parent: Option<Context>,
    /// What the peer is told.
    inject: Option<Context>,
    /// What a vendor said beside a context that goes on (`tracestate`) stays true.
    goes_on: bool,
    pub(crate) began: SystemTime,
}

impl Trace {
    /// What stands in `traceparent` for the peer, if we write it.
    pub(crate) fn injected(&self) -> Option<Context> {
        self.inject
    }

    /// Whether a field of the client's is replaced by ours.
    pub(crate) fn replaces(&self, name: &[u8]) -> bool {
        self.inject.is_some()
            && (name.eq_ignore_ascii_case(b"traceparent")
                || (!self.goes_on && name.eq_ignore_ascii_case(b"tracestate")))
    }
}

/// Finds the exchange's place in a trace, once, where its location has one.
pub(crate) fn begin(ex: &mut Exchange, location: &Location) {
    let Some(settings) = &location.trace else {
        return;
    };
    if ex.trace.is_some() || ex.inner {
        return;
    }
    let recorded = settings.on.as_ref().is_some_and(|on| {
        let value = on.evaluate(ex);
        !matches!(value.as_slice(), b"" | b"0" | b"off")
    });
    let told = settings.extract.then(|| told(ex)).flatten();
    ex.trace = Some(Box::new(place(told, recorded, settings.inject)));
}

fn told(ex: &Exchange) -> Option<Context> {
    let head = &ex.request.head.head;
    let value = head.get_named(b"traceparent")?;
    Context::parse(value)
}

fn place(told: Option<Context>, recorded: bool, inject: bool) -> Trace {
    let random = identity::random_bytes();
    let span = identity::random_bytes();
    let ours = Context {
        trace: told.map_or(random, |told| told.trace),
        span: *span.first_chunk().unwrap_or(&[1; 8]),
        sampled: recorded,
    };
    // A span that nobody will ever see must not be named as somebody's parent.
    let passed = if recorded { ours } else { told.unwrap_or(ours) };
    Trace {
        ours,
        parent: told,
        inject: inject.then_some(passed),
        goes_on: told.is_some(),
        began: SystemTime::now(),
    }
}

/// `$otel_trace_id` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    TraceId,
    SpanId,
    ParentId,
    ParentSampled,
}

impl Part {
    pub(crate) fn write(self, ex: &Exchange, out: &mut Vec<u8>) -> bool {
        let Some(trace) = &ex.trace else { return false };
        match (self, trace.parent) {
            (Self::TraceId, _) => write_hex(&trace.ours.trace, out),
            (Self::SpanId, _) => write_hex(&trace.ours.span, out),
            (Self::ParentId, Some(parent)) => write_hex(&parent.span, out),
            (Self::ParentSampled, Some(parent)) => out.push(b'0' + u8::from(parent.sampled)),
            (Self::ParentId | Self::ParentSampled, None) => return false,
        }
        true
    }
}

/// The span's name: what the configuration says, else the location.
pub(crate) fn name(ex: &Exchange, settings: &TraceSettings) -> String {
    let name = match &settings.name {
        Some(name) => name.evaluate(ex),
        None => ex.location.prefix.to_vec(),
    };
    String::from_utf8_lossy(&name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sampled: bool) -> Context {
        Context {
            trace: [7; 16],
            span: [9; 8],
            sampled,
        }
    }

    #[test]
    fn a_recorded_span_is_the_peers_parent_and_stays_in_its_trace() {
        let trace = place(Some(told(true)), true, true);
        let passed = trace.injected().unwrap();
        assert_eq!((passed.trace, passed.span), ([7; 16], trace.ours.span));
        assert!(passed.sampled && passed.span != [9; 8]);
        assert!(trace.replaces(b"TraceParent") && !trace.replaces(b"tracestate"));
    }

    #[test]
    fn without_recording_a_context_goes_on_as_it_came() {
        let trace = place(Some(told(true)), false, true);
        assert_eq!(trace.injected(), Some(told(true)));
    }

    #[test]
    fn a_trace_that_nobody_began_begins_here() {
        let (one, two) = (place(None, true, true), place(None, true, true));
        assert_ne!(one.ours.trace, two.ours.trace);
        assert!(one.replaces(b"tracestate"));
        assert!(!place(None, false, true).injected().unwrap().sampled);
        assert_eq!(place(None, true, false).injected(), None);
    }
}
