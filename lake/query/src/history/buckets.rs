//! From snapshots to buckets, exactly: the last step of both paths of a price history.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Decimal128Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    datatypes::i256,
    error::ArrowError,
};
use cauce_model::{AMOUNT_PRECISION, AMOUNT_SCALE, TradeType, median};

use super::{
    HistoryQuery,
    snapshots::{Figures, MarketName, Snapshot},
    statistics,
};

const SCALE: i8 = AMOUNT_SCALE as i8;
/// Digits of a share in percent: four more than a price's, cut.
const PERCENT_SCALE: i8 = SCALE + 4;
const PERCENT_FACTOR: i128 = 100 * 10_i128.pow(4);

/// What a bucket of one series has seen so far.
#[derive(Debug, Default)]
struct Bucket {
    snapshots: i64,
    count: i64,
    sum_price: i256,
    /// None as soon as one is missing.
    sum_price_sq: Option<i256>,
    min_price: Option<i128>,
    max_price: Option<i128>,
    medians: Vec<i128>,
    volume: i128,
    is_incomplete: bool,
}

impl Bucket {
    fn add(&mut self, is_complete: bool, figures: &Figures) {
        let squares = if self.snapshots == 0 { Some(i256::ZERO) } else { self.sum_price_sq };
        // Sums of 76 digits, of what has at most 38: they hold a snapshot a second for as long as there are seconds.
        self.sum_price_sq =
            squares.zip(figures.sum_price_sq).map(|(sum, more)| sum.wrapping_add(i256::from_i128(more)));
        self.sum_price = self.sum_price.wrapping_add(i256::from_i128(figures.sum_price));
        self.snapshots += 1;
        self.count += figures.count;
        self.min_price = self.min_price.into_iter().chain(figures.min_price).min();
        self.max_price = self.max_price.max(figures.max_price);
        self.medians.extend(figures.median_price);
        self.volume = self.volume.saturating_add(figures.volume);
        self.is_incomplete |= !is_complete;
    }
}

/// Venue and side.
type Series = (String, String);

/// Buckets in the making.
#[derive(Debug)]
pub(super) struct Buckets<'q> {
    query: &'q HistoryQuery,
    /// By venue and side, then by start in microseconds.
    series: BTreeMap<Series, BTreeMap<i64, Bucket>>,
    newest: Option<i64>,
}

/// One row of the answer.
struct Row<'b> {
    series: &'b Series,
    start: i64,
    bucket: Option<&'b mut Bucket>,
    best_bid: Option<i128>,
    best_ask: Option<i128>,
}

impl<'q> Buckets<'q> {
    pub(super) fn new(query: &'q HistoryQuery) -> Self {
        Self { query, series: BTreeMap::new(), newest: None }
    }

    /// Adds snapshots of one market, each with its figures or with those of its offers that pass. Both sides are wanted
    /// even if one is asked for: the other's best price stands in every row.
    pub(super) fn add<'s>(
        &mut self,
        market: &MarketName,
        snapshots: impl Iterator<Item = (&'s Snapshot, &'s Figures)>,
    ) {
        let width = self.query.interval.micros();
        let is_asked = self.query.trade_type.is_none_or(|side| side.as_str() == market.trade_type);
        let mut newest = None;
        let buckets = self.series.entry((market.venue.clone(), market.trade_type.clone())).or_default();
        for (snapshot, figures) in snapshots {
            let start = snapshot.at - snapshot.at.rem_euclid(width);
            buckets.entry(start).or_default().add(snapshot.is_complete, figures);
            newest = newest.max(Some(snapshot.at));
        }
        if is_asked {
            self.newest = self.newest.max(newest);
        }
    }

    /// Time of the newest snapshot of the sides asked for, in microseconds.
    pub(super) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// A row for every bucket of every venue and side asked for, in that order, gaps marked. A venue that was asked
    /// for is answered with gaps if it has no snapshots.
    pub(super) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        // Files hold whole days: a venue may be there without a snapshot in the period.
        self.series.retain(|_, buckets| !buckets.is_empty());
        let mut best: BTreeMap<(String, i64), (Option<i128>, Option<i128>)> = BTreeMap::new();
        for ((venue, side), buckets) in &self.series {
            for (start, bucket) in buckets {
                let (bid, ask) = best.entry((venue.clone(), *start)).or_default();
                match side.as_str() == TradeType::Sell.as_str() {
                    true => *bid = bucket.max_price,
                    false => *ask = bucket.min_price,
                }
            }
        }
        let mut venues: Vec<String> = self.series.keys().map(|(venue, _)| venue.clone()).collect();
        venues.extend(self.query.venue.as_ref().map(ToString::to_string));
        let sides = self.query.trade_type.map_or_else(|| TradeType::ALL.to_vec(), |side| vec![side]);
        for venue in venues {
            for side in &sides {
                self.series.entry((venue.clone(), side.to_string())).or_default();
            }
        }
        let width = self.query.interval.micros();
        let first = self.query.interval.floor(self.query.since).timestamp_micros();
        let end = self.query.until.timestamp_micros();
        let mut rows = Vec::new();
        for (series, buckets) in &mut self.series {
            if !sides.iter().any(|side| side.as_str() == series.1) {
                continue;
            }
            let mut found = buckets.iter_mut().peekable();
            let mut start = first;
            while start < end {
                let bucket = found.next_if(|(at, _)| **at == start).map(|(_, bucket)| bucket);
                let (best_bid, best_ask) = match bucket {
                    Some(_) => best.get(&(series.0.clone(), start)).copied().unwrap_or_default(),
                    None => (None, None),
                };
                rows.push(Row { series, start, bucket, best_bid, best_ask });
                start += width;
            }
        }
        table(self.query, rows)
    }
}

fn median_of(prices: &mut [i128]) -> Option<i128> {
    prices.sort_unstable();
    median(prices)
}

/// Rows as columns: those of the view `price_history`, and `gap`.
fn table(query: &HistoryQuery, mut rows: Vec<Row<'_>>) -> Result<RecordBatch, ArrowError> {
    let medians: Vec<Option<i128>> =
        rows.iter_mut().map(|row| median_of(&mut row.bucket.as_mut()?.medians)).collect();
    let of = |read: fn(&Bucket) -> Option<i128>| -> Vec<Option<i128>> {
        rows.iter().map(|row| read(row.bucket.as_deref()?)).collect()
    };
    let decimals = |values: Vec<Option<i128>>, digits: u8, scale: i8| -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(Decimal128Array::from(values).with_precision_and_scale(digits, scale)?))
    };
    let prices = |values| decimals(values, AMOUNT_PRECISION, SCALE);
    let number = |read: fn(&Bucket) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.bucket.as_deref().map_or(0, read))))
    };
    let text = |read: &dyn Fn(&Row<'_>) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(read)))
    };
    let spread = |row: &Row<'_>| row.best_ask?.checked_sub(row.best_bid?);
    let percent = |row: &Row<'_>| {
        let share =
            spread(row)?.checked_mul(PERCENT_FACTOR)?.checked_mul(10_i128.pow(AMOUNT_SCALE.into()))?;
        share.checked_div(row.best_bid?)
    };
    let starts = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.start));
    let complete: BooleanArray = rows
        .iter()
        .map(|row| Some(row.bucket.as_deref().is_some_and(|bucket| !bucket.is_incomplete)))
        .collect();
    let gaps: BooleanArray = rows.iter().map(|row| Some(row.bucket.is_none())).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("venue", text(&|row| row.series.0.clone())),
        ("crypto", text(&|_| query.asset.to_string())),
        ("fiat", text(&|_| query.fiat.to_string())),
        ("trade_type", text(&|row| row.series.1.clone())),
        ("bucket_start", Arc::new(starts.with_timezone("UTC"))),
        ("snapshots", number(|bucket| bucket.snapshots)),
        ("count", number(|bucket| bucket.count)),
        ("avg_price", prices(of(|bucket| statistics::mean(bucket.sum_price, bucket.count)))?),
        ("median_price", prices(medians)?),
        ("min_price", prices(of(|bucket| bucket.min_price))?),
        ("max_price", prices(of(|bucket| bucket.max_price))?),
        (
            "std_dev",
            prices(of(|bucket| statistics::std_dev(bucket.sum_price, bucket.sum_price_sq?, bucket.count)))?,
        ),
        ("volume", decimals(of(|bucket| Some(bucket.volume)), 38, SCALE)?),
        ("best_bid", prices(rows.iter().map(|row| row.best_bid).collect())?),
        ("best_ask", prices(rows.iter().map(|row| row.best_ask).collect())?),
        ("spread_absolute", decimals(rows.iter().map(spread).collect(), AMOUNT_PRECISION + 1, SCALE)?),
        ("spread_percentage", decimals(rows.iter().map(percent).collect(), 38, PERCENT_SCALE)?),
        ("is_complete", Arc::new(complete)),
        ("gap", Arc::new(gaps)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
}
