//! A venue to run against on loopback. It speaks Binance's `adv/search` over a seeded market that moves like a real
//! one, and misbehaves on demand. The demo and the tests use it; nothing that it makes is a recording.
//!
//! A book is a function of the seed, the market and the time: the same question at the same moment has the same
//! answer, on every machine.

mod book;
mod faults;
mod noise;
mod pairs;
mod server;
mod trades;
mod wire;

pub use faults::{Fault, FaultMode};
pub use pairs::{Pair, pairs};
pub use server::{Simulator, SimulatorTransport, serve};
pub use trades::trades_export;
