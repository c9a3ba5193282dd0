//! Trades of the journal are delivered to somebody else's platform over HTTP.
//!
//! ```text
//! fact_trades ─ what was not yet ─► batches in the ledger ─ POST, the oldest first ─► answer
//!                                        ▲                                             │
//!                                        └── not answered: waits; too often: set aside ┤
//!                                            refused as a whole: goes again in parts   ▼
//!                                                                            report: ops_deliveries
//! ```
//!
//! A batch is kept before it is sent and forgotten when it was answered, so a trade reaches the platform at least once, under
//! the same keys each time: the batch's in the header `Idempotency-Key`, and its own in `trade_id`. What changes about a trade
//! is delivered again under that. Nothing is dropped: what waits or is set aside is listed by `cauce deliveries list`, and what
//! the platform does not want is in `ops_deliveries`, with its reason.

mod answer;
mod cycle;
mod given;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use cauce_ledger::{Lease, Ledger, LedgerError};
use cauce_model::{AccountId, DeliveryReport};
use cauce_raw::{RawError, RawZone};
use cauce_sources::Transport;
use cauce_tables::{PlanError, Planner};
use object_store::ObjectStore;
use serde::Deserialize;
use thiserror::Error;

/// Why a cycle can't be: of one sink it would be in its report.
#[derive(Debug, Error)]
pub enum DeliverError {
    /// The ledger is gone.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Trades can't be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Columns of theirs are not what they should be.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// What was given already can't be read or noted.
    #[error(transparent)]
    Store(#[from] object_store::Error),
    /// The report can't be kept.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// What is kept can't be read or written.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// The header that says who delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyHeader {
    /// The key as it is.
    #[default]
    XApiKey,
    /// The same by another name.
    ApiKey,
    /// As a bearer's token.
    Authorization,
}

impl KeyHeader {
    /// Its name, in small letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::XApiKey => "x-api-key",
            Self::ApiKey => "api-key",
            Self::Authorization => "authorization",
        }
    }
}

/// A platform that trades are delivered to.
#[derive(Clone, PartialEq, Eq)]
pub struct Sink {
    /// Its name here: small letters, digits, `-` and `_`.
    pub name: String,
    /// Where batches are posted.
    pub url: String,
    /// The header that the key is sent in.
    pub header: KeyHeader,
    /// The key.
    pub key: String,
    /// Whose trades go there; none for everybody's.
    pub accounts: Option<BTreeSet<AccountId>>,
    /// Trades of one batch.
    pub batch: usize,
    /// Failures after which a batch is set aside.
    pub failures: u32,
    /// For one request, from connecting to the last byte.
    pub timeout: Duration,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Sink {
    /// What a platform of this kind takes at once.
    pub const MOST_TRADES: usize = 100;

    /// A platform at `url`, with the defaults.
    pub fn at(name: &str, url: &str, key: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            header: KeyHeader::XApiKey,
            key: key.to_owned(),
            accounts: None,
            batch: Self::MOST_TRADES,
            failures: 3,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Sinks by name; what is wrong with where the key of one should be stops that one only.
pub type Sinks = BTreeMap<String, Result<Sink, String>>;

/// Delivers the trades of one lake.
#[derive(Debug, Clone)]
pub struct Deliverer {
    /// Where trades and what was given are.
    pub store: Arc<dyn ObjectStore>,
    /// Reads trades.
    pub planner: Planner,
    /// Keeps reports.
    pub raw: RawZone,
    /// Keeps batches.
    pub ledger: Arc<dyn Ledger>,
    /// The way to platforms.
    pub transport: Arc<dyn Transport>,
}

/// What became of a cycle.
#[derive(Debug, Clone)]
pub enum Cycle {
    /// Another one is under way.
    Busy(Lease),
    /// It ended, with what its report says.
    Ended(DeliveryReport),
}
