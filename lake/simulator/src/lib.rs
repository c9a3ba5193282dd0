//! A venue and a broker to run against on loopback. The venue speaks Binance's `adv/search` over a seeded market that moves
//! like a real one, and misbehaves on demand; the broker has accounts whose fills are fetched, and is as strict as Binance.
//! The demo and the tests use them; nothing that they make is a recording.
//!
//! A book is a function of the seed, the market and the time: the same question at the same moment has the same
//! answer, on every machine.

mod book;
mod broker;
mod faults;
mod noise;
mod pairs;
mod server;
mod trades;
mod wire;

pub use broker::{Broker, BrokerAccount, Mood, SimulatedFill, Verifier, serve_broker};
pub use faults::{Fault, FaultMode};
pub use pairs::{Pair, pairs};
pub use server::{Simulator, SimulatorTransport, serve};
pub use trades::trades_export;
