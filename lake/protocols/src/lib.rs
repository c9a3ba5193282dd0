//! What the outside speaks, as pure functions over bytes: no clock, no network, no store.
//!
//! A venue is one file under `venues/` and one line in [`venues::all`]: it builds a request, judges an answer, and
//! reads offers out of a page. [`legacy`] reads what the system before Cauce had kept. A payment provider is one file under
//! `providers/` and one line in [`providers::all`]; [`document`] makes one tree of whatever it sends;
//! [`model`] asks a language model what such a document says, where no rule knows; [`rates`] reads what currencies are worth. A broker is one file under `brokers/` and a
//! line in [`brokers::all`].

pub mod brokers;
pub mod document;
mod json;
pub mod legacy;
pub mod model;
pub mod providers;
pub mod rates;
pub mod venues;

pub use json::Drift;
