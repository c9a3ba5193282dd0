//! End to end: real processes and real files, as a user sees them.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod browser;
mod contract;
mod crash;
mod exactly_once;
mod faults;
mod figures;
mod http;
mod legacy;
mod page;
mod readers;
mod real_payloads;
mod screenshots;
mod sql;
mod support;
mod upkeep;
