//! Price history: what a market paid, bucket by bucket.
//!
//! Without a filter on offers it is answered from `fact_market_depth`, whose sums merge exactly; with one, from
//! `fact_offers`. Both paths give figures of snapshots, and the same last step makes buckets of them, so where both
//! can answer they agree. The view `price_history` says the first path in SQL.
//!
//! Definitions, per venue, pair, side and bucket:
//! - `snapshots`: snapshots taken; `count`: offers in them that pass the filters, an offer in two snapshots twice;
//! - `avg_price`, `std_dev` (population): over those `count` prices; `min_price`, `max_price` likewise;
//! - `median_price`: the median of the snapshots' medians;
//! - `volume`: what those offers had available, summed; divide by `snapshots` for the depth of one moment;
//! - `best_ask`: lowest price at which a taker could buy; `best_bid`: highest at which one could sell;
//! - `is_complete`: every snapshot brought all that the venue announced;
//! - `gap`: no snapshot was taken. A bucket with snapshots and a count of 0 had no such offers: that is no gap.

mod buckets;
mod offers;
mod snapshots;
pub(crate) mod statistics;

use std::{fmt, str::FromStr};

use arrow::array::{AsArray, RecordBatch};
use buckets::Buckets;
use cauce_model::{Amount, Asset, Fiat, Rate, TradeType, Venue};
use cauce_tables::{Days, Table};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use datafusion::common::DataFusionError;
pub(crate) use offers::PassingFile;
use offers::PassingOffers;
use serde::Serialize;
use serde_json::{Map, Value};
pub(crate) use snapshots::SnapshotsFile;
use snapshots::{Figures, Pair, SnapshotsOf};
use thiserror::Error;

use crate::{Lake, QueryError, Reads, json_rows};

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

    /// Refuses more than [`MOST`] buckets of one venue; `sides` is how many each bucket has.
    pub(crate) fn at_most_buckets(
        self,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        sides: i64,
    ) -> Result<(), QueryError> {
        let span = (until - since).num_seconds();
        if span <= 0 {
            return Err(QueryError::Refused(format!("until {until} is not after since {since}")));
        }
        if span / self.seconds() * sides > MOST {
            let message = format!("more than {MOST} buckets of {self}; ask for wider buckets");
            return Err(QueryError::Refused(message));
        }
        Ok(())
    }

    pub(crate) fn seconds(self) -> i64 {
        self.0.num_seconds()
    }

    fn micros(self) -> i64 {
        self.seconds() * 1_000_000
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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
    /// Only what the lake had received by this moment.
    pub as_of: Option<DateTime<Utc>>,
}

impl HistoryQuery {
    /// What the answer is made from.
    pub fn reads(&self) -> Vec<Reads> {
        let snapshots = Reads::Observed(Table::FactMarketDepth, self.days());
        let offers = Reads::Observed(Table::FactOffers, self.days());
        if self.filter.is_none() { vec![snapshots] } else { vec![snapshots, offers] }
    }

    fn days(&self) -> Days {
        let last = self.until - TimeDelta::microseconds(1);
        Days { first: Some(self.since.date_naive()), last: Some(last.date_naive()) }
    }
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
    /// The rows of `table` as objects.
    pub buckets: Vec<Map<String, Value>>,
    /// In the order of venue, side and time.
    #[serde(skip)]
    pub table: RecordBatch,
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

/// The view `price_history`: ten minutes, all offers, no rows for gaps. The best prices of both sides stand in every
/// row.
pub(crate) fn view() -> String {
    format!(
        "SELECT venue, crypto, fiat, trade_type, bucket_start, snapshots, count, avg_price, median_price, min_price,
                max_price, std_dev, volume, best_bid, best_ask, best_ask - best_bid AS spread_absolute,
                (best_ask - best_bid) * 100 / best_bid AS spread_percentage, is_complete, newest_at
         FROM (SELECT *, max(CASE WHEN trade_type = 'SELL' THEN max_price END) OVER pair AS best_bid,
                      min(CASE WHEN trade_type = 'BUY' THEN min_price END) OVER pair AS best_ask
               FROM (SELECT venue, crypto, fiat, trade_type, bucket_start, count(*) AS snapshots,
                            sum(n) AS count, price_mean(sum(sum_price), sum(n)) AS avg_price,
                            median(median_price) AS median_price, min(min_price) AS min_price,
                            max(max_price) AS max_price,
                            price_std_dev(sum(sum_price),
                                          CASE WHEN count(sum_price_sq) = count(*) THEN sum(sum_price_sq) END,
                                          sum(n)) AS std_dev,
                            sum(volume) AS volume, bool_and(is_complete) AS is_complete,
                            max(extraction_timestamp) AS newest_at
                     FROM (SELECT venue, crypto, fiat, trade_type, bucket_start, extraction_timestamp, is_complete,
                                  CAST(total_offers_count AS BIGINT) AS n,
                                  CAST(sum_price AS DECIMAL(76, 8)) AS sum_price,
                                  CAST(sum_price_sq AS DECIMAL(76, 16)) AS sum_price_sq, min_price, max_price,
                                  median_price, total_available_volume AS volume
                           FROM {})
                     GROUP BY venue, crypto, fiat, trade_type, bucket_start)
               WINDOW pair AS (PARTITION BY venue, crypto, fiat, bucket_start))",
        Interval::TEN_MINUTES.snapshots_by_bucket(),
    )
}

/// Most buckets of a venue in one answer, over both sides.
const MOST: i64 = 100_000;

impl Lake {
    /// Answers a price history.
    pub async fn price_history(&self, query: &HistoryQuery) -> Result<History, QueryError> {
        let sides = if query.trade_type.is_some() { 1 } else { 2 };
        query.interval.at_most_buckets(query.since, query.until, sides)?;
        let days = query.days();
        let pair = Pair { crypto: query.asset.to_string(), fiat: query.fiat.to_string() };
        let period = query.since.timestamp_micros()..query.until.timestamp_micros();
        let as_of = query.as_of.into_iter().chain(self.known_at()).min().map(|time| time.timestamp_micros());
        let passing = async {
            match query.filter.is_none() {
                true => Ok(None),
                false => {
                    let files = self.passing().read(days, &(pair.clone(), query.filter.clone())).await?;
                    Ok(Some(PassingOffers::of(&files)))
                }
            }
        };
        let asked = SnapshotsOf { pair: pair.clone(), with_figures: query.filter.is_none() };
        let (snapshots, passing) = tokio::try_join!(self.snapshots().read(days, &asked), passing)?;
        let mut buckets = Buckets::new(query);
        for (market, taken) in snapshots.iter().flat_map(|file| file.markets()) {
            if query.venue.as_ref().is_some_and(|venue| venue.as_str() != market.venue) {
                continue;
            }
            let taken = taken.iter().filter(|snapshot| {
                period.contains(&snapshot.at)
                    && as_of.is_none_or(|as_of| snapshot.received.is_none_or(|received| received <= as_of))
            });
            let with_figures = taken.filter_map(|snapshot| {
                let figures = match &passing {
                    None => Some(&snapshot.figures),
                    // A snapshot without offers stays, so that it is no gap.
                    Some(_) if snapshot.figures.count == 0 => Some(&Figures::NONE),
                    // One whose offers are not to be seen yet is in the answer when they are.
                    Some(passing) => passing.get(snapshot.id, day_of(snapshot.at)),
                };
                Some((snapshot, figures?))
            });
            buckets.add(market, with_figures);
        }
        let newest_at = buckets.newest().and_then(DateTime::from_timestamp_micros);
        let table = buckets.finish().map_err(DataFusionError::from)?;
        let gaps = table.column_by_name("gap").map_or(0, |gaps| gaps.as_boolean().true_count());
        Ok(History {
            interval: query.interval.to_string(),
            since: query.since,
            until: query.until,
            answered_from: if passing.is_some() { "fact_offers" } else { "fact_market_depth" },
            newest_at: newest_at.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            gaps,
            buckets: json_rows(std::slice::from_ref(&table)),
            table,
        })
    }
}

/// The day of a time in microseconds: that of the files which the snapshot is in.
fn day_of(micros: i64) -> NaiveDate {
    DateTime::from_timestamp_micros(micros).unwrap_or_default().date_naive()
}
