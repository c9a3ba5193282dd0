//! A run's trace has the run's id: what is done for it later, by others who know only that id, is part of the same
//! trace, and nothing has to be carried from one to the other.

use std::sync::OnceLock;

use tracing::Span;

/// What whoever exports traces must be able to do.
#[derive(Debug, Clone, Copy)]
pub struct Traces {
    /// Makes a span part of the trace of this id.
    pub follow: fn(&Span, u128),
    /// Makes a span part of the trace that a `traceparent` names, as W3C Trace Context has it.
    pub join: fn(&Span, &str),
}

static TRACES: OnceLock<Traces> = OnceLock::new();

impl Traces {
    /// From now on traces of this process are exported. Once.
    pub fn export(self) -> bool {
        TRACES.set(self).is_ok()
    }
}

/// This span is part of what is done for the run of this id; nothing where traces are not exported. To be called before
/// the span is entered.
pub fn follow(span: &Span, run: u128) {
    if let Some(traces) = TRACES.get() {
        (traces.follow)(span, run);
    }
}

/// This span is part of the trace that whoever asks is in, by its header `traceparent`. To be called before the span is
/// entered.
pub fn join(span: &Span, traceparent: &str) {
    if let Some(traces) = TRACES.get() {
        (traces.join)(span, traceparent);
    }
}

/// The trace of a run of this id, if traces are exported.
pub fn trace_id(run: u128) -> Option<String> {
    TRACES.get().map(|_| format!("{run:032x}"))
}
