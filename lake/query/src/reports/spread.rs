//! The spread of a pair through time: what a taker pays for buying against what one gets for selling.

use arrow::array::RecordBatch;
use cauce_model::{Asset, Fiat, Venue};
use cauce_tables::{Days, Table};
use chrono::{DateTime, TimeDelta, Utc};

use super::Markets;
use crate::{Interval, Lake, QueryError, Reads, history::literal};

/// A question for the spread of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpreadQuery {
    /// One venue, or all.
    pub venue: Option<Venue>,
    /// What is traded.
    pub asset: Asset,
    /// What pays for it.
    pub fiat: Fiat,
    /// Width of a bucket.
    pub interval: Interval,
    /// From this moment on.
    pub since: DateTime<Utc>,
    /// Before this moment.
    pub until: DateTime<Utc>,
}

impl SpreadQuery {
    /// What the answer is made from.
    pub fn reads(&self) -> Reads {
        let last = self.until - TimeDelta::microseconds(1);
        let days = Days { first: Some(self.since.date_naive()), last: Some(last.date_naive()) };
        Reads::Observed(Table::FactMarketDepth, days)
    }
}

impl Lake {
    /// Per venue and bucket, over the runs that saw both sides: the medians of the runs' best prices and of their spreads,
    /// the narrowest and the widest. A book may be crossed: a spread may be negative.
    pub async fn spread(&self, query: &SpreadQuery) -> Result<Vec<RecordBatch>, QueryError> {
        query.interval.at_most_buckets(query.since, query.until, 1)?;
        let markets = Markets {
            venue: query.venue.clone(),
            asset: Some(query.asset.clone()),
            fiat: Some(query.fiat.clone()),
            trade_type: None,
        };
        let sql = format!(
            "SELECT venue, asset, fiat, bucket_start, count(*) AS runs, median(best_ask) AS best_ask,
                    median(best_bid) AS best_bid, median(spread) AS spread_absolute,
                    median(share) AS spread_percentage, min(share) AS narrowest_percentage,
                    max(share) AS widest_percentage, bool_and(is_complete) AS is_complete, max(taken_at) AS newest_at
             FROM (SELECT *, date_bin(INTERVAL '{seconds} seconds', taken_at) AS bucket_start,
                          best_ask - best_bid AS spread,
                          CAST((best_ask - best_bid) * 100 / best_bid AS DECIMAL(20, 8)) AS share
                   FROM (SELECT venue, crypto AS asset, fiat, batch_id, max(extraction_timestamp) AS taken_at,
                                min(min_price) FILTER (WHERE trade_type = 'BUY') AS best_ask,
                                max(max_price) FILTER (WHERE trade_type = 'SELL') AS best_bid,
                                bool_and(is_complete) AS is_complete
                         FROM fact_market_depth
                         WHERE extraction_timestamp >= {since} AND extraction_timestamp < {until} AND {markets}
                         GROUP BY venue, crypto, fiat, batch_id)
                   WHERE best_ask IS NOT NULL AND best_bid IS NOT NULL)
             GROUP BY venue, asset, fiat, bucket_start ORDER BY venue, bucket_start",
            seconds = query.interval.seconds(),
            since = literal(query.since),
            until = literal(query.until),
            markets = markets.conditions(),
        );
        self.sql(&sql).await
    }
}
