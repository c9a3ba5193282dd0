//! What stands in the books now: newest snapshots, their offers, depth, liquidity, and the price at an amount.

use arrow::array::RecordBatch;
use cauce_model::{Amount, Asset, Fiat, Rate, TradeType, Venue};
use cauce_tables::{Days, Table};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::{
    Lake, QueryError, Reads,
    history::{literal, quoted},
};

/// A snapshot that is older than this says nothing about now.
const NEWEST_IS_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// Which markets' newest snapshots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markets {
    /// One venue, or all.
    pub venue: Option<Venue>,
    /// One asset, or all.
    pub asset: Option<Asset>,
    /// One currency, or all.
    pub fiat: Option<Fiat>,
    /// One side, or both.
    pub trade_type: Option<TradeType>,
}

impl Markets {
    pub(crate) fn conditions(&self) -> String {
        let conditions = [
            self.venue.as_ref().map(|venue| format!("venue = {}", quoted(venue.as_str()))),
            self.asset.as_ref().map(|asset| format!("crypto = {}", quoted(asset.as_str()))),
            self.fiat.as_ref().map(|fiat| format!("fiat = {}", quoted(fiat.as_str()))),
            self.trade_type.map(|side| format!("trade_type = {}", quoted(side.as_str()))),
        ];
        let given: Vec<String> = conditions.into_iter().flatten().collect();
        if given.is_empty() { "true".to_owned() } else { given.join(" AND ") }
    }
}

/// Whose offers somebody can take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Takeable {
    /// Offers whose limits this amount of currency fits.
    pub amount: Option<Amount>,
    /// Offers that accept this payment method.
    pub payment_method: Option<String>,
    /// Merchants' offers.
    pub merchants_only: bool,
    /// Offers of advertisers who complete at least this share.
    pub min_completion_rate: Option<Rate>,
}

impl Takeable {
    pub(crate) fn conditions(&self) -> String {
        let conditions = [
            self.amount.map(|amount| {
                let amount = decimal(amount);
                format!("min_limit <= {amount} AND {amount} <= max_limit")
            }),
            self.payment_method.as_ref().map(|code| format!("array_has(payment_methods, {})", quoted(code))),
            self.merchants_only.then(|| "is_merchant".to_owned()),
            self.min_completion_rate.map(|rate| format!("completion_rate >= {}", decimal(rate))),
        ];
        conditions
            .into_iter()
            .flatten()
            .fold("is_available".to_owned(), |all, one| format!("{all} AND {one}"))
    }
}

/// A number as an SQL literal; written bare it would be a floating one.
pub(crate) fn decimal(number: impl std::fmt::Display) -> String {
    format!("CAST('{number}' AS DECIMAL(20, 8))")
}

/// The books as they stand at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Now {
    at: DateTime<Utc>,
}

impl Now {
    /// The end of the running minute, so that answers of one minute are one answer.
    pub fn of(now: DateTime<Utc>) -> Self {
        Self { at: now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now) + TimeDelta::minutes(1) }
    }

    /// The moment.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    fn since(&self) -> DateTime<Utc> {
        self.at - NEWEST_IS_WITHIN
    }

    fn days(&self) -> Days {
        Days { first: Some(self.since().date_naive()), last: None }
    }

    /// What answers about snapshots are made from.
    pub fn snapshots(&self) -> Reads {
        Reads::Observed(Table::FactMarketDepth, self.days())
    }

    /// What answers about their offers are made from.
    pub fn offers(&self) -> Reads {
        Reads::Observed(Table::FactOffers, self.days())
    }

    /// The newest snapshot of each market that is young enough, as SQL.
    fn newest(&self, markets: &Markets) -> String {
        format!(
            "(SELECT * FROM (
                 SELECT *, row_number() OVER (
                     PARTITION BY venue, crypto, fiat, trade_type ORDER BY extraction_timestamp DESC) AS age_rank
                 FROM fact_market_depth WHERE extraction_timestamp >= {} AND {})
              WHERE age_rank = 1)",
            literal(self.since()),
            markets.conditions(),
        )
    }

    /// Their offers, as SQL.
    pub(crate) fn newest_offers(&self, markets: &Markets) -> String {
        format!(
            "(SELECT o.* FROM fact_offers o JOIN {} s ON s.snapshot_id = o.snapshot_id
              WHERE o.extraction_timestamp >= {})",
            self.newest(markets),
            literal(self.since()),
        )
    }
}

/// Rows in the order in which a taker would take them.
pub(crate) const BY_PRICE: &str = "CASE WHEN trade_type = 'BUY' THEN price ELSE -price END";

impl Lake {
    /// Every market that has been seen, with its newest snapshot's time and size.
    pub async fn markets(&self) -> Result<Vec<RecordBatch>, QueryError> {
        self.sql(
            "SELECT venue, crypto AS asset, fiat, trade_type, min(extraction_timestamp) AS first_seen,
                    max(extraction_timestamp) AS last_seen, count(*) AS snapshots,
                    last_value(total_offers_count ORDER BY extraction_timestamp) AS offers
             FROM fact_market_depth GROUP BY venue, crypto, fiat, trade_type
             ORDER BY venue, crypto DESC, fiat, trade_type",
        )
        .await
    }

    /// Newest snapshots with their figures.
    pub async fn latest(&self, now: &Now, markets: &Markets) -> Result<Vec<RecordBatch>, QueryError> {
        let sql = format!(
            "SELECT venue, crypto AS asset, fiat, trade_type, snapshot_id, batch_id, extraction_timestamp AS taken_at,
                    CAST(extract(epoch FROM {at} - extraction_timestamp) AS BIGINT) AS age_seconds,
                    total_offers_count, offers_announced, pages_announced, pages_received, is_complete,
                    total_available_volume, weighted_avg_price, median_price, min_price, max_price, price_std_dev,
                    top10_total_volume, top10_avg_price, merchant_best_price, raw_id
             FROM {newest} ORDER BY venue, crypto DESC, fiat, trade_type",
            at = literal(now.at),
            newest = now.newest(markets),
        );
        self.sql(&sql).await
    }

    /// The offers of the newest snapshots that somebody can take, in the venue's order.
    pub async fn offers(
        &self,
        now: &Now,
        markets: &Markets,
        takeable: Option<&Takeable>,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let sql = format!(
            "SELECT venue, crypto AS asset, fiat, trade_type, extraction_timestamp AS taken_at, rank,
                    offer_external_id, advertiser_id, nickname, is_merchant, price, available_amount,
                    tradable_quantity, min_limit, max_limit, completion_rate, positive_rate, total_orders_count,
                    payment_time_limit_minutes, payment_methods, terms_conditions, is_available, is_promoted,
                    snapshot_id, raw_id, raw_pos
             FROM {} WHERE {} ORDER BY venue, crypto DESC, fiat, trade_type, rank",
            now.newest_offers(markets),
            takeable.map_or_else(|| "true".to_owned(), Takeable::conditions),
        );
        self.sql(&sql).await
    }

    /// How much one can buy or sell up to each price, best price first.
    pub async fn depth(
        &self,
        now: &Now,
        markets: &Markets,
        takeable: &Takeable,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let sql = format!(
            "SELECT venue, crypto AS asset, fiat, trade_type, taken_at, price, offers, available,
                    CAST(sum(available) OVER market AS DECIMAL(28, 8)) AS cumulative_available,
                    CAST(sum(offers) OVER market AS BIGINT) AS cumulative_offers
             FROM (SELECT venue, crypto, fiat, trade_type, max(extraction_timestamp) AS taken_at, price,
                          count(*) AS offers, CAST(sum(available_amount) AS DECIMAL(28, 8)) AS available
                   FROM {} WHERE {} GROUP BY venue, crypto, fiat, trade_type, price)
             WINDOW market AS (PARTITION BY venue, crypto, fiat, trade_type ORDER BY {BY_PRICE})
             ORDER BY venue, crypto DESC, fiat, trade_type, {BY_PRICE}",
            now.newest_offers(markets),
            takeable.conditions(),
        );
        self.sql(&sql).await
    }

    /// How much stands in the first ten offers of each market, and at what price, the deepest market first.
    pub async fn liquidity(&self, now: &Now, markets: &Markets) -> Result<Vec<RecordBatch>, QueryError> {
        let sql = format!(
            "SELECT venue, crypto AS asset, fiat, trade_type, extraction_timestamp AS taken_at, top10_total_volume,
                    top10_avg_price, total_available_volume, total_offers_count, is_complete, snapshot_id, raw_id
             FROM {} ORDER BY crypto DESC, fiat, trade_type, top10_total_volume DESC, venue",
            now.newest(markets),
        );
        self.sql(&sql).await
    }

    /// The best price for what somebody wants to trade, per market: among the offers that can be taken, the best one, the
    /// mean of the best five, and how many there are.
    pub async fn price_at(
        &self,
        now: &Now,
        markets: &Markets,
        takeable: &Takeable,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let sql = format!(
            "SELECT venue, asset, fiat, trade_type, taken_at, price, mean_of_best_5, offers, available_amount, min_limit,
                    max_limit, payment_methods, is_merchant, completion_rate, nickname, advertiser_id,
                    offer_external_id, rank, snapshot_id, raw_id, raw_pos
             FROM (SELECT venue, crypto AS asset, fiat, trade_type, extraction_timestamp AS taken_at, price,
                          price_mean(CAST(sum(CASE WHEN place <= 5 THEN price END) OVER market AS DECIMAL(76, 8)),
                                     count(CASE WHEN place <= 5 THEN 1 END) OVER market) AS mean_of_best_5,
                          count(*) OVER market AS offers, place, available_amount, min_limit, max_limit,
                          payment_methods, is_merchant, completion_rate, nickname, advertiser_id, offer_external_id,
                          rank, snapshot_id, raw_id, raw_pos
                   FROM (SELECT *, row_number() OVER (
                             PARTITION BY venue, crypto, fiat, trade_type ORDER BY {BY_PRICE}, rank) AS place
                         FROM {} WHERE {})
                   WINDOW market AS (PARTITION BY venue, crypto, fiat, trade_type))
             WHERE place = 1 ORDER BY asset DESC, fiat, trade_type, {BY_PRICE}, venue",
            now.newest_offers(markets),
            takeable.conditions(),
        );
        self.sql(&sql).await
    }
}
