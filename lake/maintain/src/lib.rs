//! What keeps the lake's promises between the events: the sweep. Sealing, merging and replay will stand beside it.

mod sweep;

pub use sweep::{SweepError, Swept, sweep};
