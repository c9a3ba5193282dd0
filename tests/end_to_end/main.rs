//! End to end: real processes and real files, as a user sees them.

mod crash;
mod exactly_once;
mod faults;
mod http;
mod page;
mod real_payloads;
mod support;
