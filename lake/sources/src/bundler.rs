//! Snapshots on their way to the raw zone: flushed at 4 MiB, after 120 s, or at the end of the run.

use std::collections::BTreeMap;

use cauce_model::{ErrorType, MarketResult, RequestError, RunId, Venue};
use cauce_raw::{Bundle, RawError, RawZone, kind};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::pages::MarketPages;

/// Size before compression at which a bundle is stored.
const FULL: usize = 4 << 20;
/// Age at which a bundle is stored: what was fetched is safe soon.
const OLD: TimeDelta = TimeDelta::seconds(120);

/// Collects whole snapshots, by venue and day of their first page; a snapshot is never split over two objects.
pub(crate) struct Bundler<'a> {
    raw: &'a RawZone,
    run_id: RunId,
    open: BTreeMap<(Venue, NaiveDate), OpenBundle>,
    stored: u32,
    pub(crate) results: Vec<MarketResult>,
    pub(crate) errors: Vec<RequestError>,
}

struct OpenBundle {
    bundle: Bundle,
    since: DateTime<Utc>,
    results: Vec<MarketResult>,
}

impl<'a> Bundler<'a> {
    pub(crate) fn new(raw: &'a RawZone, run_id: RunId) -> Self {
        Self { raw, run_id, open: BTreeMap::new(), stored: 0, results: Vec::new(), errors: Vec::new() }
    }

    /// Takes what a market gave. It counts as received only once it is stored.
    pub(crate) async fn take(&mut self, pages: MarketPages, now: DateTime<Utc>) -> Result<(), RawError> {
        self.errors.extend(pages.errors);
        let Some(first) = pages.envelopes.first() else {
            self.results.push(pages.result);
            return Ok(());
        };
        let key = (pages.result.market.venue.clone(), first.fetched_at.date_naive());
        let group = self.run_id.to_string();
        let open = self.open.entry(key.clone()).or_insert_with(|| OpenBundle {
            bundle: Bundle::new(key.0.as_str(), kind::MARKET_SNAPSHOT, key.1, &group),
            since: now,
            results: Vec::new(),
        });
        for envelope in &pages.envelopes {
            open.bundle.push(envelope)?;
        }
        open.results.push(pages.result);
        if open.bundle.len() >= FULL {
            self.store(&key, now).await;
        }
        self.flush_old(now).await;
        Ok(())
    }

    /// When the oldest bundle must be stored.
    pub(crate) fn due(&self) -> Option<DateTime<Utc>> {
        self.open.values().map(|open| open.since + OLD).min()
    }

    pub(crate) async fn flush_old(&mut self, now: DateTime<Utc>) {
        let old: Vec<_> = self
            .open
            .iter()
            .filter(|(_, open)| now - open.since >= OLD)
            .map(|(key, _)| key.clone())
            .collect();
        for key in old {
            self.store(&key, now).await;
        }
    }

    pub(crate) async fn flush(&mut self, now: DateTime<Utc>) {
        let all: Vec<_> = self.open.keys().cloned().collect();
        for key in all {
            self.store(&key, now).await;
        }
    }

    async fn store(&mut self, key: &(Venue, NaiveDate), now: DateTime<Utc>) {
        let Some(open) = self.open.remove(key) else { return };
        self.stored += 1;
        let stored = match open.bundle.seal(&format!("pages-{:04}", self.stored)) {
            Ok(object) => self.raw.put(&object).await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(_) => self.results.extend(open.results),
            Err(error) => {
                tracing::error!(run_id = %self.run_id, venue = %key.0, %error, "snapshots could not be stored");
                for result in open.results {
                    let error = RequestError {
                        at: now,
                        market: Some(result.market.clone()),
                        page: None,
                        error_type: ErrorType::StorageFailed,
                        message: error.to_string(),
                        retries: 0,
                        resolved: false,
                    };
                    let lost = MarketPages::not_stored(&result.market, error);
                    self.errors.extend(lost.errors);
                    self.results.push(lost.result);
                }
            }
        }
    }
}
