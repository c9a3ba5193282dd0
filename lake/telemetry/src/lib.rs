//! What Cauce counts and times, each figure by one name, one kind and fixed labels, and which trace a piece of work is
//! part of. The library records; where it goes is for whoever serves: Prometheus, or CloudWatch's embedded format, an
//! OpenTelemetry collector, or nowhere.

mod meter;
mod meters;
mod timer;
mod trace;

pub use meter::{Counter, Figure, Gauge, Histogram, Kind, without_details};
pub use meters::*;
pub use timer::Timer;
pub use trace::{Traces, follow, join, trace_id};
