//! `ops_derived_quality`: checks of a snapshot against those before it.
//!
//! - `price_anomaly`: how far the snapshot's median price is from the median of the snapshots of that market and side in
//!   the 24 hours before it, in robust standard deviations: 1.4826 × the median absolute deviation, which is the
//!   standard deviation where prices are normal, and at least 0.05 % of the price, so that a market that did not move
//!   for a day may move again. Only where enough snapshots came before.
//! - `freshness`: seconds since the snapshot before, if there was one in the 7 days before the day.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    },
    datatypes::{Decimal128Type, DecimalType},
    error::ArrowError,
};
use cauce_model::{AMOUNT_PRECISION, AMOUNT_SCALE, median};
use cauce_tables::{
    Derived, Planner, Table,
    typed::{Columns, text, value},
};
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde_json::json;

use super::{DayFiles, Made, batch, broken};
use crate::MaintainError;

/// Bounds of the checks of snapshots against others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QualitySettings {
    /// Robust standard deviations that a price may be away from the day before.
    pub price_anomaly: f64,
    /// Snapshots of the day before that are needed to say so.
    pub least_snapshots: usize,
    /// Time that may pass between two snapshots of a market.
    pub freshness: TimeDelta,
}

impl Default for QualitySettings {
    fn default() -> Self {
        Self { price_anomaly: 6.0, least_snapshots: 12, freshness: TimeDelta::minutes(15) }
    }
}

/// The rules with their settings.
pub(super) fn rules(settings: &QualitySettings) -> String {
    let QualitySettings { price_anomaly, least_snapshots, freshness } = settings;
    format!("3 price_anomaly={price_anomaly} least={least_snapshots} freshness={}", freshness.num_seconds())
}

/// Makes the deviation of normally distributed values a standard deviation.
const NORMAL: f64 = 1.4826;
/// Least robust standard deviation, as a share of the price.
const LEAST: f64 = 0.0005;

/// Days before a day that are looked at for the snapshot before the first.
const LOOK_BACK: usize = 7;

type Market = [String; 4];

#[derive(Debug, Clone)]
struct Taken {
    at: i64,
    id: String,
    batch_id: Option<String>,
    median: Option<i128>,
    raw_id: String,
    raw_pos: i32,
    version: i32,
    received: Option<i64>,
}

struct Judged<'t> {
    market: &'t Market,
    taken: &'t Taken,
    metric: &'static str,
    value: f64,
    threshold: f64,
    details: String,
}

pub(super) async fn make(
    planner: &Planner,
    observed: &DayFiles,
    day: NaiveDate,
    settings: &QualitySettings,
) -> Result<Made, MaintainError> {
    let mut days = BTreeMap::new();
    let mut markets: BTreeMap<Market, Vec<Taken>> = BTreeMap::new();
    let start = day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
    let backwards = std::iter::successors(Some(day), |date| date.pred_opt());
    for (back, date) in backwards.take(LOOK_BACK + 1).enumerate() {
        let found_before = |snapshots: &Vec<Taken>| snapshots.iter().any(|taken| taken.at < start);
        if back > 1 && markets.values().all(found_before) {
            break;
        }
        days.insert(date, observed.state(date));
        for file in observed.of(Table::FactMarketDepth, date) {
            for batch in planner.read(file, &COLUMNS).await? {
                // Markets that say nothing on the day itself are not judged.
                taken(&batch, &mut markets, back == 0).map_err(broken(file))?;
            }
        }
    }
    for snapshots in markets.values_mut() {
        snapshots.sort_by(|left, right| (left.at, &left.id).cmp(&(right.at, &right.id)));
    }
    let mut judged = Vec::new();
    for (market, snapshots) in &markets {
        for (index, taken) in snapshots.iter().enumerate().filter(|(_, taken)| taken.at >= start) {
            judged.extend(freshness(market, &snapshots[..index], taken, settings));
            judged.extend(price_anomaly(market, &snapshots[..index], taken, settings));
        }
    }
    Ok(Made { rows: table(&judged)?, days })
}

fn freshness<'t>(
    market: &'t Market,
    before: &[Taken],
    taken: &'t Taken,
    settings: &QualitySettings,
) -> Option<Judged<'t>> {
    let previous = before.last()?;
    let value = (taken.at - previous.at) as f64 / 1e6;
    let details = json!({ "previous_snapshot_id": previous.id }).to_string();
    let threshold = settings.freshness.num_seconds() as f64;
    Some(Judged { market, taken, metric: "freshness", value, threshold, details })
}

fn price_anomaly<'t>(
    market: &'t Market,
    before: &[Taken],
    taken: &'t Taken,
    settings: &QualitySettings,
) -> Option<Judged<'t>> {
    let price = taken.median?;
    let since = taken.at - TimeDelta::hours(24).num_microseconds()?;
    let recent = before.iter().rev().take_while(|snapshot| snapshot.at >= since);
    let mut prices: Vec<i128> = recent.filter_map(|snapshot| snapshot.median).collect();
    if prices.len() < settings.least_snapshots {
        return None;
    }
    prices.sort_unstable();
    let middle = median(&prices)?;
    let mut deviations: Vec<i128> = prices.iter().map(|price| (price - middle).abs()).collect();
    deviations.sort_unstable();
    let mad = median(&deviations)?;
    // Prices end here: how unusual one is, is no money.
    let value = (price - middle).abs() as f64 / (NORMAL * mad as f64).max(LEAST * middle as f64);
    let decimal = |units| Decimal128Type::format_decimal(units, AMOUNT_PRECISION, AMOUNT_SCALE as i8);
    let details = json!({
        "median_price": decimal(price), "median_24h": decimal(middle), "mad_24h": decimal(mad),
        "snapshots": prices.len(),
    });
    let threshold = settings.price_anomaly;
    Some(Judged { market, taken, metric: "price_anomaly", value, threshold, details: details.to_string() })
}

const COLUMNS: [&str; 12] = [
    "batch_id",
    "snapshot_id",
    "extraction_timestamp",
    "venue",
    "crypto",
    "fiat",
    "trade_type",
    "median_price",
    "raw_id",
    "raw_pos",
    "normalizer_version",
    "received_at",
];

fn taken(
    batch: &RecordBatch,
    markets: &mut BTreeMap<Market, Vec<Taken>>,
    is_the_day: bool,
) -> Result<(), ArrowError> {
    let columns = Columns(batch);
    let (batch_ids, ids) = (columns.text("batch_id")?, columns.text("snapshot_id")?);
    let times = columns.times("extraction_timestamp")?;
    let market = columns.market()?;
    let medians = columns.decimals("median_price")?;
    let (raw_ids, positions) = (columns.text("raw_id")?, columns.whole("raw_pos")?);
    let versions = columns.whole("normalizer_version")?;
    let received = columns.times_since_added("received_at")?;
    for row in 0..batch.num_rows() {
        let taken = Taken {
            at: times.value(row),
            id: ids.value(row).to_owned(),
            batch_id: text(batch_ids, row).map(str::to_owned),
            median: value(medians, row),
            raw_id: raw_ids.value(row).to_owned(),
            raw_pos: positions.value(row),
            version: versions.value(row),
            received: received.and_then(|times| value(times, row)),
        };
        let market = market.map(|column| column.value(row).to_owned());
        if is_the_day {
            markets.entry(market).or_default().push(taken);
        } else if let Some(snapshots) = markets.get_mut(&market) {
            snapshots.push(taken);
        }
    }
    Ok(())
}

fn table(rows: &[Judged<'_>]) -> Result<RecordBatch, MaintainError> {
    let text = |read: &dyn Fn(&Judged<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(read).collect::<StringArray>())
    };
    let share = |read: fn(&Judged<'_>) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.iter().map(read)))
    };
    let whole = |read: fn(&Judged<'_>) -> i32| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(rows.iter().map(read)))
    };
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.taken.at));
    let received: TimestampMicrosecondArray = rows.iter().map(|row| row.taken.received).collect();
    let passed: BooleanArray = rows.iter().map(|row| Some(row.value <= row.threshold)).collect();
    let mut columns = vec![
        text(&|row| row.taken.batch_id.clone()),
        text(&|row| Some(row.taken.id.clone())),
        Arc::new(times.with_timezone("UTC")) as ArrayRef,
    ];
    columns.extend((0..4).map(|part| text(&|row| Some(row.market[part].clone()))));
    columns.extend([
        text(&|row| Some(row.metric.to_owned())),
        share(|row| row.value),
        share(|row| row.threshold),
        Arc::new(passed),
        text(&|row| Some(row.details.clone())),
        text(&|row| Some(row.taken.raw_id.clone())),
        whole(|row| row.taken.raw_pos),
        whole(|row| row.taken.version),
        Arc::new(received.with_timezone("UTC")),
    ]);
    batch(Derived::OpsDerivedQuality, columns)
}
