//! The trade journal: each fill once, matched into positions, and what they add up to. Pure: no store, no clock.
//!
//! ```text
//! observations of an account ─ once ─► trades ─ matched ─► positions ─ stats ─► figures
//! ```
//!
//! Whatever order observations come in, the same ones give the same trades, positions and figures. Numbers are decimals of
//! 28 digits; what is left over in a division goes to the last piece, so that nothing is lost or made.

mod lots;
mod matching;
mod numbers;
mod position;
mod rates;
pub mod stats;
mod trades;

pub use matching::{Matched, Matcher, Open, needs_rates};
pub use numbers::TooLarge;
pub use position::{Direction, Method, Position};
pub use rates::Rates;
pub use trades::{Observation, Trade, new_among, once};
