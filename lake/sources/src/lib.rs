//! The pulling engine: asks any venue of `protocols` for its markets, politely, and keeps what it got.
//!
//! ```text
//! Scraper ─ markets side by side ─► pages of one market ─► Fetcher: breaker, slot, try, retry
//!    │                                                        │
//!    └─ Bundler ─► raw objects            Transport: HTTP ◄───┘
//! ```
//!
//! Nothing here knows a venue. [`import_legacy`] brings in files of the system before. Time comes from a [`Clock`], so that a history of weeks can be made in minutes by the
//! same code.

mod breaker;
mod bundler;
mod clock;
mod fetcher;
mod fit;
mod legacy;
mod pages;
mod rates;
mod report;
mod retry;
mod scraper;
mod transport;

pub use breaker::{Breaker, BreakerSettings, BreakerState, Permission};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use fit::{Fit, fit};
pub use legacy::{ImportError, Imported, import_legacy};
pub use rates::{RatesError, fetch_rates};
pub use report::{close_dead_runs, reported};
pub use retry::full_jitter;
pub use scraper::{Outcome, Progress, RunOptions, ScrapeError, Scraper, ScraperSettings};
pub use transport::{HttpAnswer, HttpRequest, HttpTransport, Transport, TransportFailure};

use std::time::Duration;

/// How one venue is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueSettings {
    /// Where it is, without a slash at the end.
    pub base_url: String,
    /// Between two requests to it, whoever makes them.
    pub min_interval: Duration,
    /// For one request, from connecting to the last byte.
    pub timeout: Duration,
    /// Tries of one request, the first included.
    pub tries: u32,
    /// Pages of one market at most.
    pub max_pages: u32,
    /// When to leave it alone.
    pub breaker: BreakerSettings,
}

impl VenueSettings {
    /// The defaults for a venue at `base_url`: 0.8 s between requests is what keeps Binance from answering 429.
    pub fn at(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            min_interval: Duration::from_millis(800),
            timeout: Duration::from_secs(15),
            tries: 4,
            max_pages: 200,
            breaker: BreakerSettings::default(),
        }
    }
}
