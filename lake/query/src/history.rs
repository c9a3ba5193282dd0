//! Price history: what a market paid, bucket by bucket.
//!
//! Without a filter on offers it is answered from `fact_market_depth`, whose sums merge exactly; with one, from
//! `fact_offers`. Both paths give the same columns through the same last step, so where both can answer they agree.
//!
//! Definitions, per venue, pair, side and bucket:
//! - `snapshots`: snapshots taken; `count`: offers in them that pass the filters, an offer in two snapshots twice;
//! - `avg_price`, `std_dev` (population): over those `count` prices; `min_price`, `max_price` likewise;
//! - `median_price`: the median of the snapshots' medians;
//! - `volume`: what those offers had available, summed; divide by `snapshots` for the depth of one moment;
//! - `best_ask`: lowest price at which a taker could buy; `best_bid`: highest at which one could sell;
//! - `is_complete`: every snapshot brought all that the venue announced;
//! - `gap`: no snapshot was taken. A bucket with snapshots and a count of 0 had no such offers: that is no gap.

use std::{collections::BTreeMap, fmt, str::FromStr};

use cauce_model::{Amount, Asset, Fiat, Rate, TradeType, Venue};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::{Lake, QueryError, json_rows};

/// The width of a bucket: a number and `m`, `h` or `d`. Buckets begin at whole multiples since 1970, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval(TimeDelta);

/// A width that is not one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{text}' is not an interval from 1m to 31d, such as 1m, 5m, 10m, 1h or 1d")]
pub struct BadInterval {
    text: String,
}

impl Interval {
    /// Ten minutes.
    pub const TEN_MINUTES: Self = Self(TimeDelta::minutes(10));

    /// The table `fact_market_depth` with the bucket of each snapshot as `bucket_start`, as SQL: what a bucket of a
    /// price history comes from.
    pub fn snapshots_by_bucket(self) -> String {
        format!(
            "(SELECT *, date_bin(INTERVAL '{} seconds', extraction_timestamp) AS bucket_start FROM fact_market_depth)",
            self.seconds()
        )
    }

    fn seconds(self) -> i64 {
        self.0.num_seconds()
    }

    fn floor(self, time: DateTime<Utc>) -> DateTime<Utc> {
        let past = time.timestamp().rem_euclid(self.seconds());
        DateTime::from_timestamp(time.timestamp() - past, 0).unwrap_or(time)
    }
}

impl FromStr for Interval {
    type Err = BadInterval;

    fn from_str(text: &str) -> Result<Self, BadInterval> {
        let bad = || BadInterval { text: text.to_owned() };
        let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(bad)?;
        let number: i64 = number.parse().map_err(|_| bad())?;
        let minutes = match unit {
            "m" => Some(number),
            "h" => number.checked_mul(60),
            "d" => number.checked_mul(24 * 60),
            _ => None,
        };
        match minutes {
            Some(minutes @ 1..=44_640) => Ok(Self(TimeDelta::minutes(minutes))),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.num_minutes() {
            minutes if minutes % 1_440 == 0 => write!(f, "{}d", minutes / 1_440),
            minutes if minutes % 60 == 0 => write!(f, "{}h", minutes / 60),
            minutes => write!(f, "{minutes}m"),
        }
    }
}

/// Which offers count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Offers that accept this payment method.
    pub payment_method: Option<String>,
    /// Offers whose limits this amount of currency fits.
    pub amount: Option<Amount>,
    /// Merchants' offers.
    pub merchants_only: bool,
    /// Offers of advertisers who complete at least this share.
    pub min_completion_rate: Option<Rate>,
}

impl HistoryFilter {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn conditions(&self) -> Vec<String> {
        let mut conditions = Vec::new();
        if let Some(method) = &self.payment_method {
            conditions.push(format!("array_has(payment_methods, {})", quoted(method)));
        }
        if let Some(amount) = self.amount {
            let amount = format!("CAST('{amount}' AS DECIMAL(20, 8))");
            conditions.push(format!("min_limit <= {amount} AND max_limit >= {amount}"));
        }
        if self.merchants_only {
            conditions.push("is_merchant".to_owned());
        }
        if let Some(rate) = self.min_completion_rate {
            conditions.push(format!("completion_rate >= CAST('{rate}' AS DECIMAL(10, 6))"));
        }
        conditions
    }
}

/// A question for a price history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// One venue, or all.
    pub venue: Option<Venue>,
    /// What is traded.
    pub asset: Asset,
    /// What pays for it.
    pub fiat: Fiat,
    /// One side, or both.
    pub trade_type: Option<TradeType>,
    /// Width of a bucket.
    pub interval: Interval,
    /// From this moment on; the bucket that it is in is answered whole from here.
    pub since: DateTime<Utc>,
    /// Before this moment.
    pub until: DateTime<Utc>,
    /// Which offers count.
    pub filter: HistoryFilter,
}

/// A price history: a row for every bucket of every venue and side, gaps included.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// Width of a bucket.
    pub interval: String,
    /// From this moment on.
    pub since: DateTime<Utc>,
    /// Before this moment.
    pub until: DateTime<Utc>,
    /// The table that answered: `fact_market_depth` or `fact_offers`.
    pub answered_from: &'static str,
    /// Time of the newest snapshot in the answer's last bucket; none if there is no snapshot.
    pub newest_at: Option<String>,
    /// Buckets without a snapshot.
    pub gaps: usize,
    /// In the order of venue, side and time.
    pub buckets: Vec<Map<String, Value>>,
}

/// Text as an SQL literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A time as an SQL literal.
pub(crate) fn literal(time: DateTime<Utc>) -> String {
    format!(
        "arrow_cast('{}', 'Timestamp(Microsecond, Some(\"UTC\"))')",
        time.to_rfc3339_opts(SecondsFormat::Micros, true)
    )
}

/// One row per snapshot, from the snapshots' own figures.
const FROM_DEPTH: &str = "
    SELECT venue, crypto, fiat, trade_type, extraction_timestamp, is_complete,
           CAST(total_offers_count AS BIGINT) AS n, CAST(sum_price AS DECIMAL(76, 8)) AS sum_price,
           CAST(sum_price_sq AS DECIMAL(76, 16)) AS sum_price_sq, min_price, max_price, median_price,
           total_available_volume AS volume
    FROM fact_market_depth";

/// One row per snapshot, from its offers that pass `{conditions}`. A snapshot of which no offer passes stays, so that
/// it is no gap.
fn from_offers(conditions: &str) -> String {
    format!(
        "SELECT d.venue, d.crypto, d.fiat, d.trade_type, d.extraction_timestamp, d.is_complete,
                coalesce(o.n, 0) AS n, coalesce(o.sum_price, 0) AS sum_price,
                coalesce(o.sum_price_sq, 0) AS sum_price_sq, o.min_price, o.max_price, o.median_price,
                CAST(coalesce(o.volume, 0) AS DECIMAL(38, 8)) AS volume
         FROM fact_market_depth d
         LEFT JOIN (SELECT snapshot_id, count(*) AS n, CAST(sum(price) AS DECIMAL(76, 8)) AS sum_price,
                           sum(CAST(price AS DECIMAL(40, 8)) * CAST(price AS DECIMAL(40, 8))) AS sum_price_sq,
                           min(price) AS min_price, max(price) AS max_price, median(price) AS median_price,
                           sum(available_amount) AS volume
                    FROM fact_offers WHERE {conditions} GROUP BY snapshot_id) o
           ON o.snapshot_id = d.snapshot_id"
    )
}

/// Buckets of `snapshots`, a query that gives one row per snapshot. The best prices of both sides stand in every row.
fn buckets(snapshots: &str, interval: Interval) -> String {
    format!(
        "SELECT venue, crypto, fiat, trade_type, bucket_start, snapshots, count, avg_price, median_price, min_price,
                max_price, std_dev, volume, best_bid, best_ask, best_ask - best_bid AS spread_absolute,
                (best_ask - best_bid) * 100 / best_bid AS spread_percentage, is_complete, newest_at
         FROM (SELECT *, max(CASE WHEN trade_type = 'SELL' THEN max_price END) OVER pair AS best_bid,
                      min(CASE WHEN trade_type = 'BUY' THEN min_price END) OVER pair AS best_ask
               FROM (SELECT venue, crypto, fiat, trade_type,
                            date_bin(INTERVAL '{seconds} seconds', extraction_timestamp) AS bucket_start,
                            count(*) AS snapshots, sum(n) AS count, price_mean(sum(sum_price), sum(n)) AS avg_price,
                            median(median_price) AS median_price, min(min_price) AS min_price,
                            max(max_price) AS max_price,
                            price_std_dev(sum(sum_price),
                                          CASE WHEN count(sum_price_sq) = count(*) THEN sum(sum_price_sq) END,
                                          sum(n)) AS std_dev,
                            sum(volume) AS volume, bool_and(is_complete) AS is_complete,
                            max(extraction_timestamp) AS newest_at
                     FROM ({snapshots})
                     GROUP BY venue, crypto, fiat, trade_type,
                              date_bin(INTERVAL '{seconds} seconds', extraction_timestamp))
               WINDOW pair AS (PARTITION BY venue, crypto, fiat, bucket_start))",
        seconds = interval.seconds(),
    )
}

/// The view `price_history`: ten minutes, all offers, no rows for gaps.
pub(crate) fn view() -> String {
    buckets(FROM_DEPTH, Interval::TEN_MINUTES)
}

/// Most buckets in one answer, over all sides and venues.
const MOST: i64 = 100_000;

impl Lake {
    /// Answers a price history.
    pub async fn price_history(&self, query: &HistoryQuery) -> Result<History, QueryError> {
        self.history_from(query, !query.filter.is_none()).await
    }

    async fn history_from(&self, query: &HistoryQuery, offers: bool) -> Result<History, QueryError> {
        let span = (query.until - query.since).num_seconds();
        if span <= 0 {
            return Err(QueryError::Refused(format!(
                "until {} is not after since {}",
                query.until, query.since
            )));
        }
        if span / query.interval.seconds() > MOST {
            let message = format!("more than {MOST} buckets of {}; ask for wider buckets", query.interval);
            return Err(QueryError::Refused(message));
        }
        let rows = json_rows(&self.sql(&sql(query, offers)).await?);
        let newest_at = rows.iter().filter_map(|row| row.get("newest_at")?.as_str()).max().map(str::to_owned);
        let buckets = with_gaps(query, rows);
        let gaps = buckets.iter().filter(|row| row.get("gap") == Some(&Value::Bool(true))).count();
        Ok(History {
            interval: query.interval.to_string(),
            since: query.since,
            until: query.until,
            answered_from: if offers { "fact_offers" } else { "fact_market_depth" },
            newest_at,
            gaps,
            buckets,
        })
    }
}

fn sql(query: &HistoryQuery, offers: bool) -> String {
    // Both sides are read even if one is asked for: the other's best price stands in every row.
    let mut market = vec![
        format!("crypto = '{}'", query.asset),
        format!("fiat = '{}'", query.fiat),
        format!("extraction_timestamp >= {}", literal(query.since)),
        format!("extraction_timestamp < {}", literal(query.until)),
    ];
    market.extend(query.venue.as_ref().map(|venue| format!("venue = '{venue}'")));
    let market = market.join(" AND ");
    let snapshots = match offers {
        false => format!("{FROM_DEPTH} WHERE {market}"),
        true => {
            let mut conditions = query.filter.conditions();
            conditions.insert(0, market.clone());
            format!("SELECT * FROM ({}) WHERE {market}", from_offers(&conditions.join(" AND ")))
        }
    };
    let side = query.trade_type.map(|side| format!("WHERE trade_type = '{side}'")).unwrap_or_default();
    format!(
        "SELECT * FROM ({}) {side} ORDER BY venue, trade_type, bucket_start",
        buckets(&snapshots, query.interval)
    )
}

/// Puts in a row for every bucket that has none, in every series.
fn with_gaps(query: &HistoryQuery, rows: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let text = |row: &Map<String, Value>, name: &str| {
        row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut series: BTreeMap<(String, String), BTreeMap<String, Map<String, Value>>> = BTreeMap::new();
    let mut venues: Vec<String> = rows.iter().map(|row| text(row, "venue")).collect();
    venues.extend(query.venue.as_ref().map(ToString::to_string));
    let sides = query.trade_type.map_or_else(|| TradeType::ALL.to_vec(), |side| vec![side]);
    for venue in venues {
        for side in &sides {
            series.entry((venue.clone(), side.to_string())).or_default();
        }
    }
    for row in rows {
        let key = (text(&row, "venue"), text(&row, "trade_type"));
        series.entry(key).or_default().insert(text(&row, "bucket_start"), row);
    }
    let mut out = Vec::new();
    for ((venue, side), mut found) in series {
        let mut start = query.interval.floor(query.since);
        while start < query.until {
            let name = start.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            out.push(match found.remove(&name) {
                Some(mut row) => {
                    row.remove("newest_at");
                    row.insert("gap".to_owned(), Value::Bool(false));
                    row
                }
                None => gap(query, &venue, &side, &name),
            });
            start += query.interval.0;
        }
    }
    out
}

fn gap(query: &HistoryQuery, venue: &str, side: &str, start: &str) -> Map<String, Value> {
    let row = json!({
        "venue": venue, "crypto": query.asset.as_str(), "fiat": query.fiat.as_str(), "trade_type": side,
        "bucket_start": start, "snapshots": 0, "count": 0, "avg_price": null, "median_price": null,
        "min_price": null, "max_price": null, "std_dev": null, "volume": null, "best_bid": null,
        "best_ask": null, "spread_absolute": null, "spread_percentage": null, "is_complete": false, "gap": true,
    });
    match row {
        Value::Object(row) => row,
        _ => Map::new(),
    }
}
