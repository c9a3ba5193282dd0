//! All pages of one market.

use std::{borrow::Cow, collections::HashSet};

use cauce_ledger::LedgerError;
use cauce_model::{ErrorType, Market, MarketResult, MarketStatus, RequestError, RunId};
use cauce_raw::{Body, Envelope, Request};

use crate::fetcher::{Fetched, Fetcher};

/// What one market gave: the pages as they came, and how it fared.
pub(crate) struct MarketPages {
    pub(crate) result: MarketResult,
    pub(crate) envelopes: Vec<Envelope<'static>>,
    pub(crate) errors: Vec<RequestError>,
}

/// Headers of an answer that explain it later: who answered, from which cache, when.
const KEPT_HEADERS: [&str; 6] = ["age", "content-type", "date", "etag", "server", "x-cache"];

/// Turns the pages of a market until the last, or until the venue has no more to say. A page that can't be had is
/// left out and the next one is asked for: some of a book is better than none, and it is marked as truncated.
pub(crate) async fn turn(
    fetcher: Fetcher<'_>,
    run_id: RunId,
    market: &Market,
) -> Result<MarketPages, LedgerError> {
    let mut sweep = Sweep::default();
    let page_size = fetcher.venue.page_size();
    let mut page = 1;
    loop {
        match fetcher.fetch(market, page).await? {
            Ok(fetched) => {
                let is_empty = fetched.summary.offer_ids.is_empty();
                sweep.take(run_id, market, page, fetched);
                if is_empty {
                    break;
                }
            }
            Err(error) => {
                let hopeless = page == 1 || !error.error_type.is_transient();
                sweep.errors.push(error);
                sweep.pages_failed += 1;
                if hopeless {
                    break;
                }
            }
        }
        page += 1;
        if page > sweep.announced.div_ceil(page_size).min(fetcher.settings.max_pages) {
            break;
        }
    }
    Ok(sweep.finish(market, page_size))
}

#[derive(Default)]
struct Sweep {
    announced: u32,
    ids: HashSet<String>,
    received: u32,
    duplicates: u32,
    pages_with_offers: u32,
    pages_failed: u32,
    envelopes: Vec<Envelope<'static>>,
    errors: Vec<RequestError>,
}

impl Sweep {
    fn take(&mut self, run_id: RunId, market: &Market, page: u32, fetched: Fetched) {
        self.announced = fetched.summary.announced;
        self.pages_with_offers += u32::from(!fetched.summary.offer_ids.is_empty());
        for id in fetched.summary.offer_ids {
            self.received += 1;
            self.duplicates += u32::from(!self.ids.insert(id));
        }
        self.errors.extend(fetched.mended);
        let mut headers = fetched.answer.headers;
        headers.retain(|name, _| KEPT_HEADERS.contains(&name.as_str()));
        let request = Request {
            method: fetched.request.method.to_owned(),
            url: fetched.request.url,
            body: fetched.request.body,
        };
        self.envelopes.push(Envelope {
            run_id: Some(run_id),
            market: Some(market.clone()),
            page: Some(page),
            file: None,
            request: serde_json::to_string(&request).ok().map(Cow::Owned),
            status: Some(fetched.answer.status),
            headers,
            fetched_at: fetched.at,
            received_at: None,
            body: Body::new(fetched.answer.body.to_vec()),
        });
    }

    fn finish(self, market: &Market, page_size: u32) -> MarketPages {
        let pages_announced = self.announced.div_ceil(page_size).max(1);
        let is_empty = self.announced == 0 && self.received == 0;
        let all_there = self.pages_failed == 0
            && self.pages_with_offers >= pages_announced
            && self.received >= self.announced;
        let status = match self.envelopes.is_empty() {
            true => MarketStatus::Failed,
            false if is_empty => MarketStatus::Empty,
            false if all_there => MarketStatus::Complete,
            false => MarketStatus::Truncated,
        };
        let result = MarketResult {
            market: market.clone(),
            status,
            pages_announced: if status == MarketStatus::Failed { 0 } else { pages_announced },
            pages_received: if is_empty {
                u32::from(!self.envelopes.is_empty())
            } else {
                self.pages_with_offers
            },
            offers_announced: self.announced,
            offers_received: self.received - self.duplicates,
            duplicates: self.duplicates,
        };
        MarketPages { result, envelopes: self.envelopes, errors: self.errors }
    }
}

impl MarketPages {
    /// A market whose pages arrived and could not be stored.
    pub(crate) fn not_stored(market: &Market, error: RequestError) -> Self {
        debug_assert_eq!(error.error_type, ErrorType::StorageFailed);
        let result = MarketResult {
            market: market.clone(),
            status: MarketStatus::Failed,
            pages_announced: 0,
            pages_received: 0,
            offers_announced: 0,
            offers_received: 0,
            duplicates: 0,
        };
        Self { result, envelopes: Vec::new(), errors: vec![error] }
    }
}
