use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta, Utc};
use lambda_runtime::Context;
use tracing::Span;

/// One call of a function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What AWS calls it.
    pub request_id: String,
    /// The trace that it is part of.
    pub trace_id: Option<String>,
    begun: Instant,
    left: Duration,
}

impl Default for Invocation {
    fn default() -> Self {
        Self {
            request_id: String::new(),
            trace_id: None,
            begun: Instant::now(),
            left: Duration::from_secs(30),
        }
    }
}

impl Invocation {
    pub(crate) fn of(context: &Context) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // `Root=1-…;Parent=…;Sampled=1`: the root is what all of a trace has in common.
        let root = |header: &String| {
            header.split(';').find_map(|part| part.trim().strip_prefix("Root=")).unwrap_or(header).to_owned()
        };
        Self {
            request_id: context.request_id.clone(),
            trace_id: context.xray_trace_id.as_ref().filter(|header| !header.is_empty()).map(root),
            begun: Instant::now(),
            left: Duration::from_millis(context.deadline).saturating_sub(now),
        }
    }

    pub(crate) fn span(&self) -> Span {
        let trace_id = self.trace_id.as_deref().unwrap_or_default();
        tracing::info_span!("invocation", request_id = %self.request_id, trace_id)
    }

    /// When half of its time is gone: no work is begun after that.
    pub fn half(&self) -> Instant {
        self.begun + self.left / 2
    }

    /// When `margin` is left of its time.
    pub fn end_but(&self, margin: Duration) -> Instant {
        self.begun + self.left.saturating_sub(margin)
    }

    /// The same as a time of day.
    pub fn until(&self, margin: Duration) -> DateTime<Utc> {
        let left = self.end_but(margin).saturating_duration_since(Instant::now());
        Utc::now() + TimeDelta::from_std(left).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_knows_its_trace_and_its_end() {
        let mut context = Context::default();
        let in_a_minute = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(60);
        context.deadline = u64::try_from(in_a_minute.as_millis()).unwrap();
        context.xray_trace_id =
            Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=5399;Sampled=1".to_owned());
        let invocation = Invocation::of(&context);
        assert_eq!(invocation.trace_id.as_deref(), Some("1-5759e988-bd862e3fe1be46a994272793"));
        let seconds = |until: Instant| until.saturating_duration_since(Instant::now()).as_secs();
        assert!((28..=30).contains(&seconds(invocation.half())));
        assert!((48..=50).contains(&seconds(invocation.end_but(Duration::from_secs(10)))));
        context.deadline = 0;
        assert_eq!(seconds(Invocation::of(&context).half()), 0, "late is late");
    }
}
