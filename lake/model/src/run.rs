//! Runs: what was asked, what came of it. A report is written as a raw object of its own and closes the run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AccountResult, BadValue, BatchResult, DeliveryReport, ImportReport, Market, RunId};

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Under way.
    Running,
    /// Every market was asked and answered in full.
    Completed,
    /// Some markets were not, or not in full.
    Partial,
    /// No market was, or the run died.
    Failed,
}

impl RunStatus {
    /// `running`, `completed`, `partial` or `failed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for RunStatus {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        [Self::Running, Self::Completed, Self::Partial, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| BadValue::new("status", text, "is not running, completed, partial or failed"))
    }
}

/// Why a request failed. The kinds are told apart because what helps differs: waiting, moving to another
/// network, or reading the venue's news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// HTTP 429: too many requests.
    RateLimited,
    /// HTTP 403: refused to this client or network.
    Forbidden,
    /// HTTP 451, or an answer that says so: refused to this country.
    GeoBlocked,
    /// HTTP 5xx.
    ServerError,
    /// Any other HTTP status that is not success.
    HttpStatus,
    /// No answer within the time allowed.
    Timeout,
    /// Nobody listens there.
    ConnectionRefused,
    /// The connection broke, or the name is unknown.
    Network,
    /// A web page where JSON was expected.
    HtmlBlockPage,
    /// The body ends before its announced length, or in the middle of JSON.
    TruncatedBody,
    /// The body is not JSON, or not of the protocol's shape.
    InvalidBody,
    /// The venue's own code says that it failed.
    VenueCode,
    /// Not asked: the venue's circuit breaker is open.
    BreakerOpen,
    /// Not asked, or abandoned: the run's time was over.
    DeadlineExceeded,
    /// The run itself died and was closed by a later one.
    RunDied,
    /// What was fetched could not be stored.
    StorageFailed,
}

impl ErrorType {
    /// The type's name, as it stands in the column `error_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Forbidden => "forbidden",
            Self::GeoBlocked => "geo_blocked",
            Self::ServerError => "server_error",
            Self::HttpStatus => "http_status",
            Self::Timeout => "timeout",
            Self::ConnectionRefused => "connection_refused",
            Self::Network => "network",
            Self::HtmlBlockPage => "html_block_page",
            Self::TruncatedBody => "truncated_body",
            Self::InvalidBody => "invalid_body",
            Self::VenueCode => "venue_code",
            Self::BreakerOpen => "breaker_open",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::RunDied => "run_died",
            Self::StorageFailed => "storage_failed",
        }
    }

    /// Whether asking again soon may help.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::ServerError
                | Self::Timeout
                | Self::ConnectionRefused
                | Self::Network
                | Self::TruncatedBody
                | Self::InvalidBody
                | Self::VenueCode
        )
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One request that failed, a row of `ops_extraction_errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestError {
    /// When the last try failed.
    pub at: DateTime<Utc>,
    /// Which market was asked for; none for a failure of the run as a whole.
    pub market: Option<Market>,
    /// Which page.
    pub page: Option<u32>,
    /// What kind of failure, of the last try.
    pub error_type: ErrorType,
    /// What was seen: status, code, the beginning of the body.
    pub message: String,
    /// Tries after the first.
    pub retries: u32,
    /// Whether a later try succeeded.
    pub resolved: bool,
}

/// How one market fared in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketStatus {
    /// All that was announced arrived.
    Complete,
    /// Some pages are missing; what arrived was kept.
    Truncated,
    /// It was asked, and has no offers.
    Empty,
    /// It could not be asked: nothing is known about it.
    Failed,
}

/// One market of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketResult {
    /// Which market.
    pub market: Market,
    /// How it fared.
    pub status: MarketStatus,
    /// Pages for the offers that the venue announced.
    pub pages_announced: u32,
    /// Pages that arrived.
    pub pages_received: u32,
    /// Offers that the venue announced at its last page.
    pub offers_announced: u32,
    /// Offers that arrived, each counted once.
    pub offers_received: u32,
    /// Offers that arrived again on another page.
    pub duplicates: u32,
}

/// A run in figures, a row of `ops_batch_runs`: what a report adds up to, or what another system had kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTotals {
    /// The run.
    pub run_id: RunId,
    /// Which job.
    pub job: String,
    /// Its first moment.
    pub started_at: DateTime<Utc>,
    /// Its last.
    pub ended_at: DateTime<Utc>,
    /// What became of it.
    pub status: RunStatus,
    /// Currencies that were asked.
    pub fiats: i64,
    /// Markets that it was to ask.
    pub markets: i64,
    /// Offers that arrived.
    pub offers_extracted: i64,
    /// Offers that became rows.
    pub offers_inserted: i64,
    /// Rows that were changed; a lake changes none.
    pub offers_updated: i64,
    /// Failures that no later try mended.
    pub errors: i64,
    /// Them by type, as JSON.
    pub error_summary: String,
    /// Offers that the venues announced.
    pub offers_announced: i64,
    /// Pages for that many offers.
    pub pages_announced: i64,
    /// Pages that arrived.
    pub pages_received: i64,
    /// Markets of which pages are missing.
    pub markets_truncated: i64,
    /// Markets without offers.
    pub markets_empty: i64,
    /// Markets that could not be asked.
    pub markets_failed: i64,
    /// The trace in which it happened.
    pub trace_id: Option<String>,
}

impl From<&RunReport> for RunTotals {
    fn from(report: &RunReport) -> Self {
        let asked = report.markets.iter().filter(|market| market.status != MarketStatus::Failed);
        let fiats: BTreeSet<&str> = asked.map(|market| market.market.fiat.as_str()).collect();
        let total = |of: fn(&MarketResult) -> u32| -> i64 {
            report.markets.iter().map(|market| i64::from(of(market))).sum()
        };
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let with = |status| count(report.markets.iter().filter(|market| market.status == status).count());
        let mut by_type: BTreeMap<&str, u32> = BTreeMap::new();
        for error in report.unresolved() {
            *by_type.entry(error.error_type.as_str()).or_default() += 1;
        }
        // Every offer that arrived is a new observation.
        let received = total(|market| market.offers_received);
        Self {
            run_id: report.run_id,
            job: report.job.clone(),
            started_at: report.started_at,
            ended_at: report.ended_at,
            status: report.status,
            fiats: count(fiats.len()),
            markets: count(report.markets.len()),
            offers_extracted: received,
            offers_inserted: received,
            offers_updated: 0,
            errors: count(report.unresolved().count()),
            error_summary: serde_json::json!(by_type).to_string(),
            offers_announced: total(|market| market.offers_announced),
            pages_announced: total(|market| market.pages_announced),
            pages_received: total(|market| market.pages_received),
            markets_truncated: with(MarketStatus::Truncated),
            markets_empty: with(MarketStatus::Empty),
            markets_failed: with(MarketStatus::Failed),
            trace_id: report.trace_id.clone(),
        }
    }
}

impl From<&ImportReport> for RunTotals {
    fn from(report: &ImportReport) -> Self {
        let total = |of: fn(&AccountResult) -> u32| -> i64 {
            report.accounts.iter().map(|account| i64::from(of(account))).sum()
        };
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let mut by_status: BTreeMap<&str, u32> = BTreeMap::new();
        for account in report.accounts.iter().filter(|account| account.error.is_some()) {
            *by_status.entry(account.status.as_str()).or_default() += 1;
        }
        let new = total(|account| account.trades);
        Self {
            run_id: report.run_id,
            job: ImportReport::JOB.to_owned(),
            started_at: report.started_at,
            ended_at: report.ended_at,
            status: report.status(),
            fiats: 0,
            // What it was to ask are accounts, and what it found are fills.
            markets: count(report.accounts.len()),
            offers_extracted: new + total(|account| account.duplicates),
            offers_inserted: new,
            offers_updated: 0,
            errors: by_status.values().copied().map(i64::from).sum(),
            error_summary: serde_json::json!(by_status).to_string(),
            offers_announced: 0,
            pages_announced: 0,
            pages_received: 0,
            markets_truncated: 0,
            markets_empty: 0,
            markets_failed: count(report.failed()),
            trace_id: report.trace_id.clone(),
        }
    }
}

impl From<&DeliveryReport> for RunTotals {
    fn from(report: &DeliveryReport) -> Self {
        let total = |of: fn(&BatchResult) -> u32| -> i64 {
            report.batches.iter().map(|batch| i64::from(of(batch))).sum()
        };
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let mut by_status: BTreeMap<&str, u32> = BTreeMap::new();
        for batch in report.batches.iter().filter(|batch| batch.error.is_some()) {
            *by_status.entry(batch.status.as_str()).or_default() += 1;
        }
        Self {
            run_id: report.run_id,
            job: DeliveryReport::JOB.to_owned(),
            started_at: report.started_at,
            ended_at: report.ended_at,
            status: report.status(),
            fiats: 0,
            // What it was to do are batches, and what it moved are trades.
            markets: count(report.batches.len()),
            offers_extracted: total(|batch| batch.trades),
            offers_inserted: total(|batch| batch.created),
            offers_updated: 0,
            errors: by_status.values().copied().map(i64::from).sum(),
            error_summary: serde_json::json!(by_status).to_string(),
            offers_announced: 0,
            pages_announced: 0,
            pages_received: 0,
            markets_truncated: 0,
            markets_empty: 0,
            markets_failed: count(report.failed()),
            trace_id: report.trace_id.clone(),
        }
    }
}

/// What became of a run: the body of a `run_report` raw object, and from it a row of `ops_batch_runs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run.
    pub run_id: RunId,
    /// Which job: `p2p_scrape` …
    pub job: String,
    /// Its first moment.
    pub started_at: DateTime<Utc>,
    /// Its last; for a run that died, when that was noticed.
    pub ended_at: DateTime<Utc>,
    /// What became of it.
    pub status: RunStatus,
    /// Market by market, in the order in which they ended.
    pub markets: Vec<MarketResult>,
    /// Every request that failed.
    pub errors: Vec<RequestError>,
    /// The trace in which it happened, where whoever started it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl RunReport {
    /// Offers that arrived, over all markets.
    pub fn offers_received(&self) -> u64 {
        self.markets.iter().map(|market| u64::from(market.offers_received)).sum()
    }

    /// Failures that no later try mended.
    pub fn unresolved(&self) -> impl Iterator<Item = &RequestError> {
        self.errors.iter().filter(|error| !error.resolved)
    }

    /// The status that follows from how the markets fared.
    pub fn status_of(markets: &[MarketResult]) -> RunStatus {
        let good = |status| matches!(status, MarketStatus::Complete | MarketStatus::Empty);
        let failed = markets.iter().filter(|market| market.status == MarketStatus::Failed).count();
        if failed == markets.len() {
            RunStatus::Failed
        } else if markets.iter().all(|market| good(market.status)) {
            RunStatus::Completed
        } else {
            RunStatus::Partial
        }
    }
}
