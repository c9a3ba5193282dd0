use utoipa::ToSchema;

use super::{Decimal, Time};

/// A market that has been seen.
#[derive(ToSchema)]
pub(crate) struct SeenMarket {
    /// Where it trades.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// Its first snapshot.
    first_seen: Time,
    /// Its newest snapshot.
    last_seen: Time,
    /// How many snapshots there are.
    snapshots: i64,
    /// Offers in the newest.
    offers: i32,
}

/// One bucket of a price history.
#[derive(ToSchema)]
pub(crate) struct PriceBucket {
    /// Where it trades.
    venue: String,
    /// What is traded.
    crypto: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// The bucket's first moment; buckets begin at whole multiples of their width since 1970.
    bucket_start: Time,
    /// No snapshot was taken in the bucket. One with snapshots and a count of 0 had no such offers: that is no gap.
    gap: bool,
    /// Snapshots taken in the bucket.
    snapshots: i64,
    /// Offers in them that pass the filters; an offer in two snapshots counts twice.
    count: i64,
    /// Mean of those offers' prices.
    avg_price: Option<Decimal>,
    /// Median of the snapshots' median prices.
    median_price: Option<Decimal>,
    /// Lowest price.
    min_price: Option<Decimal>,
    /// Highest price.
    max_price: Option<Decimal>,
    /// Standard deviation of the prices, of the population.
    std_dev: Option<Decimal>,
    /// What those offers had available, summed over the snapshots; divide by `snapshots` for the depth of a moment.
    volume: Option<Decimal>,
    /// Highest price at which a taker could sell, of the pair at this venue.
    best_bid: Option<Decimal>,
    /// Lowest price at which a taker could buy, of the pair at this venue.
    best_ask: Option<Decimal>,
    /// `best_ask` less `best_bid`; negative where the book is crossed.
    spread_absolute: Option<Decimal>,
    /// The same in percent of `best_bid`.
    spread_percentage: Option<Decimal>,
    /// Every snapshot brought all that the venue announced.
    is_complete: Option<bool>,
}

/// One bucket of a pair's spread.
#[derive(ToSchema)]
pub(crate) struct SpreadBucket {
    /// Where it trades.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The bucket's first moment.
    bucket_start: Time,
    /// Runs that saw both sides.
    runs: i64,
    /// Median over the runs of the lowest price at which a taker could buy.
    best_ask: Decimal,
    /// Median over the runs of the highest price at which a taker could sell.
    best_bid: Decimal,
    /// Median of the runs' spreads: ask less bid; negative where the book is crossed.
    spread_absolute: Decimal,
    /// The same in percent of the bid.
    spread_percentage: Decimal,
    /// The narrowest spread of a run, in percent.
    narrowest_percentage: Decimal,
    /// The widest.
    widest_percentage: Decimal,
    /// Every snapshot brought all that the venue announced.
    is_complete: bool,
    /// The newest snapshot in the bucket.
    newest_at: Time,
}
