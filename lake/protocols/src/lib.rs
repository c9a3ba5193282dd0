//! What the outside speaks, as pure functions over bytes: no clock, no network, no store.
//!
//! A venue is one file under `venues/` and one line in [`venues::all`]: it builds a request, judges an answer, and
//! reads offers out of a page. [`legacy`] reads what the system before Cauce had kept. Providers and brokers will stand beside it.

mod json;
pub mod legacy;
pub mod venues;

pub use json::Drift;
