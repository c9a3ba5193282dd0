use serde_json::Value;
use utoipa::ToSchema;

use super::{Decimal, Time};

/// What happened to an offer between two snapshots of its market.
#[derive(ToSchema)]
pub(crate) struct OfferChange {
    /// The snapshot in which it was seen.
    changed_at: Time,
    /// The snapshot before; none for what appeared in a market's first.
    previous_at: Option<Time>,
    /// Where it stands.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// The offer.
    offer_external_id: String,
    /// Whose it is.
    advertiser_id: String,
    /// `appeared`, `repriced`, `resized` or `vanished`.
    change: String,
    /// Its price before.
    old_price: Option<Decimal>,
    /// Its price after.
    new_price: Option<Decimal>,
    /// What was left of it before.
    old_available_amount: Option<Decimal>,
    /// What is left of it after.
    new_available_amount: Option<Decimal>,
    /// The snapshot.
    snapshot_id: String,
    /// The raw object of that snapshot.
    raw_id: String,
    /// The line in that.
    raw_pos: i32,
}

/// A snapshot of a market.
#[derive(ToSchema)]
pub(crate) struct Snapshot {
    /// When it was taken.
    taken_at: Time,
    /// Where it trades.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// Offers that came.
    total_offers_count: i32,
    /// Offers that the venue announced.
    offers_announced: Option<i32>,
    /// All that was announced came.
    is_complete: bool,
    /// What stands in all offers, in the asset.
    total_available_volume: Decimal,
    /// Mean price, weighted by what stands there.
    weighted_avg_price: Option<Decimal>,
    /// Median price of the offers.
    median_price: Option<Decimal>,
    /// Lowest price.
    min_price: Option<Decimal>,
    /// Highest price.
    max_price: Option<Decimal>,
    /// The snapshot.
    snapshot_id: String,
    /// The run.
    batch_id: Option<String>,
    /// The raw object that it was read from.
    raw_id: String,
    /// The line of its first page in that.
    raw_pos: i32,
}

/// An advertiser as it was for a time.
#[derive(ToSchema)]
pub(crate) struct Advertiser {
    /// Where it advertises.
    venue: String,
    /// The venue's id of it.
    advertiser_id: String,
    /// Since when it was so.
    effective_date: Time,
    /// Until when; none for what is true now.
    expiration_date: Option<Time>,
    /// It is so now.
    is_current: bool,
    /// What it is called.
    nickname: Option<String>,
    /// A merchant.
    is_merchant: bool,
    /// Days since it registered, as last stated.
    registration_days: Option<i32>,
    /// The venue's grade.
    user_grade: Option<i32>,
    /// The version's key, which offers carry.
    advertiser_sk: String,
}

/// A check of a snapshot.
#[derive(ToSchema)]
pub(crate) struct QualityCheck {
    /// The snapshot's time.
    check_timestamp: Time,
    /// Where it trades.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// What was measured, such as `completeness` or `price_anomaly`.
    metric_name: String,
    /// What came out: a share, a count, seconds.
    metric_value: f64,
    /// The bound that it is held against.
    threshold_value: f64,
    /// The bound holds.
    passed: bool,
    /// What stands behind the value.
    #[schema(value_type = Object)]
    details: Value,
    /// The snapshot.
    snapshot_id: String,
    /// The run that took it.
    batch_id: Option<String>,
    /// The raw object that it came in.
    raw_id: String,
}

/// A run. Of one that is under way only the first columns are known.
#[derive(ToSchema)]
pub(crate) struct Run {
    /// The run.
    batch_id: String,
    /// What it was for, such as `p2p_scrape`.
    job: String,
    /// When it began.
    batch_start_time: Time,
    /// When it ended; none while it is under way.
    batch_end_time: Option<Time>,
    /// `running`, `completed`, `partial` or `failed`.
    status: String,
    /// Markets that it should ask.
    total_markets: i32,
    /// Currencies that it asked for.
    #[schema(required = false)]
    total_fiats_processed: Option<i32>,
    /// Offers that arrived.
    #[schema(required = false)]
    total_offers_extracted: Option<i64>,
    /// Offers that became rows.
    #[schema(required = false)]
    total_offers_inserted: Option<i64>,
    /// Always 0: rows are never updated.
    #[schema(required = false)]
    total_offers_updated: Option<i64>,
    /// Requests that failed and that no later try mended.
    #[schema(required = false)]
    total_errors: Option<i32>,
    /// Those by kind, as JSON.
    #[schema(required = false)]
    error_summary: Option<String>,
    /// How long it took.
    #[schema(required = false)]
    execution_time_seconds: Option<f64>,
    /// Offers that the venues announced.
    #[schema(required = false)]
    offers_announced: Option<i64>,
    /// Pages that they announced.
    #[schema(required = false)]
    pages_announced: Option<i64>,
    /// Pages that arrived.
    #[schema(required = false)]
    pages_received: Option<i64>,
    /// Markets of which less arrived than was announced.
    #[schema(required = false)]
    markets_truncated: Option<i32>,
    /// Markets without offers.
    #[schema(required = false)]
    markets_empty: Option<i32>,
    /// Markets that could not be asked.
    #[schema(required = false)]
    markets_failed: Option<i32>,
    /// The trace that it belongs to.
    #[schema(required = false)]
    trace_id: Option<String>,
    /// The raw object of its report.
    #[schema(required = false)]
    raw_id: Option<String>,
    /// The line in that.
    #[schema(required = false)]
    raw_pos: Option<i32>,
}

/// A request that failed.
#[derive(ToSchema)]
pub(crate) struct RequestError {
    /// When.
    error_timestamp: Time,
    /// Where.
    venue: Option<String>,
    /// What is traded.
    asset: Option<String>,
    /// What pays for it.
    fiat: Option<String>,
    /// The taker's side.
    trade_type: Option<String>,
    /// The page that was asked for.
    page_number: Option<i32>,
    /// What kind of failure, such as `timeout` or `http_status`.
    error_type: String,
    /// What was said.
    error_message: String,
    /// Which try it was, from 0.
    retry_count: i32,
    /// A later try mended it.
    is_resolved: bool,
    /// The run.
    batch_id: String,
    /// The raw object of the run's report.
    raw_id: String,
    /// The line in that.
    raw_pos: i32,
}
