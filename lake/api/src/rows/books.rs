use utoipa::ToSchema;

use super::{Decimal, Time};

/// The newest snapshot of a market.
#[derive(ToSchema)]
pub(crate) struct LatestSnapshot {
    /// Where it trades.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// The snapshot.
    snapshot_id: String,
    /// The run that took it; none for what was pushed without one.
    batch_id: Option<String>,
    /// When it was taken.
    taken_at: Time,
    /// Its age at the end of the running minute.
    age_seconds: i64,
    /// Offers that arrived.
    total_offers_count: i32,
    /// Offers that the venue announced.
    offers_announced: Option<i32>,
    /// Pages that it announced.
    pages_announced: Option<i32>,
    /// Pages that arrived.
    pages_received: i32,
    /// All that the venue announced arrived.
    is_complete: bool,
    /// What all offers have available.
    total_available_volume: Decimal,
    /// Mean price, weighted by what is available.
    weighted_avg_price: Option<Decimal>,
    /// Median price.
    median_price: Option<Decimal>,
    /// Lowest price.
    min_price: Option<Decimal>,
    /// Highest price.
    max_price: Option<Decimal>,
    /// Standard deviation of the prices, of the population.
    price_std_dev: Option<Decimal>,
    /// What the first ten offers have available.
    top10_total_volume: Decimal,
    /// Their mean price.
    top10_avg_price: Option<Decimal>,
    /// Best price of a merchant.
    merchant_best_price: Option<Decimal>,
    /// The raw object that it came in.
    raw_id: String,
    /// Its offers, in the venue's order. In other formats than JSON there is a row per offer instead.
    offers: Vec<Offer>,
}

/// An offer of a newest snapshot.
#[derive(ToSchema)]
pub(crate) struct Offer {
    /// Where it stands.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// When it was seen.
    taken_at: Time,
    /// Its place in the venue's order, from 0.
    rank: i32,
    /// The venue's id of it.
    offer_external_id: String,
    /// The venue's id of whose it is.
    advertiser_id: String,
    /// What whose it is is called.
    nickname: Option<String>,
    /// A merchant's.
    is_merchant: bool,
    /// The price of a unit of the asset.
    price: Decimal,
    /// What is left of it.
    available_amount: Decimal,
    /// What the venue lets one trade of it.
    tradable_quantity: Option<Decimal>,
    /// Least amount of currency that it takes.
    min_limit: Decimal,
    /// Most.
    max_limit: Decimal,
    /// Share of orders that the advertiser completed.
    completion_rate: Option<Decimal>,
    /// Share of positive ratings.
    positive_rate: Option<Decimal>,
    /// Orders that the advertiser had in the venue's period.
    total_orders_count: Option<i32>,
    /// Minutes in which to pay.
    payment_time_limit_minutes: Option<i32>,
    /// How it can be paid.
    payment_methods: Vec<String>,
    /// What the advertiser demands.
    terms_conditions: Option<String>,
    /// It can be taken.
    is_available: bool,
    /// The venue shows it first for money.
    is_promoted: bool,
    /// The snapshot that it is in.
    snapshot_id: String,
    /// The raw object that it came in.
    raw_id: String,
    /// The line in that.
    raw_pos: i32,
}

/// One price of a book, and all that is better.
#[derive(ToSchema)]
pub(crate) struct DepthLevel {
    /// Where it trades.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// When the book was seen.
    taken_at: Time,
    /// The price.
    price: Decimal,
    /// Offers at this price.
    offers: i64,
    /// What they have available.
    available: Decimal,
    /// What is available at this price and better ones.
    cumulative_available: Decimal,
    /// How many offers that is.
    cumulative_offers: i64,
}

/// How much stands in the first offers of a market.
#[derive(ToSchema)]
pub(crate) struct Liquidity {
    /// Where it trades.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// When the book was seen.
    taken_at: Time,
    /// What the first ten offers have available.
    top10_total_volume: Decimal,
    /// Their mean price.
    top10_avg_price: Option<Decimal>,
    /// What all offers have available.
    total_available_volume: Decimal,
    /// How many offers there are.
    total_offers_count: i32,
    /// All that the venue announced arrived.
    is_complete: bool,
    /// The snapshot.
    snapshot_id: String,
    /// The raw object that it came in.
    raw_id: String,
}

/// The best offer of a market for what somebody wants.
#[derive(ToSchema)]
pub(crate) struct PriceAt {
    /// Where it stands.
    venue: String,
    /// What is traded.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// The taker's side: BUY pays the currency for the asset.
    trade_type: String,
    /// When it was seen.
    taken_at: Time,
    /// The best price among the offers that fit.
    price: Decimal,
    /// Mean price of the best five that fit.
    mean_of_best_5: Decimal,
    /// How many fit.
    offers: i64,
    /// What is left of the best one.
    available_amount: Decimal,
    /// Least amount of currency that it takes.
    min_limit: Decimal,
    /// Most.
    max_limit: Decimal,
    /// How it can be paid.
    payment_methods: Vec<String>,
    /// A merchant's.
    is_merchant: bool,
    /// Share of orders that the advertiser completed.
    completion_rate: Option<Decimal>,
    /// What the advertiser is called.
    nickname: Option<String>,
    /// The venue's id of the advertiser.
    advertiser_id: String,
    /// The venue's id of the offer.
    offer_external_id: String,
    /// Its place in the venue's order, from 0.
    rank: i32,
    /// The snapshot that it is in.
    snapshot_id: String,
    /// The raw object that it came in.
    raw_id: String,
    /// The line in that.
    raw_pos: i32,
}

/// Two offers between which there is a profit.
#[derive(ToSchema)]
pub(crate) struct Opportunity {
    /// Where the two differ: `venues`; else `payment_methods`; else `sides` only, which is a crossed book.
    kind: String,
    /// What is bought and sold.
    asset: String,
    /// What pays for it.
    fiat: String,
    /// What selling brings beyond what buying costs, after fees, in percent of the cost.
    profit_percentage: Decimal,
    /// The same per unit of the asset, in the currency.
    profit_per_unit: Decimal,
    /// Units of the asset that both offers have.
    quantity: Decimal,
    /// Where to buy.
    buy_venue: String,
    /// How to pay.
    buy_payment_method: String,
    /// What the maker asks.
    buy_price: Decimal,
    /// What buying costs: the price and the fees of venue and payment method.
    buy_effective_price: Decimal,
    /// The offer to take.
    buy_offer: String,
    /// Whose it is.
    buy_nickname: Option<String>,
    /// When it was seen.
    buy_taken_at: Time,
    /// The raw object that it came in.
    buy_raw_id: String,
    /// The line in that.
    buy_raw_pos: i32,
    /// Where to sell.
    sell_venue: String,
    /// How to be paid.
    sell_payment_method: String,
    /// What the maker bids.
    sell_price: Decimal,
    /// What selling brings: the price less the fees of venue and payment method.
    sell_effective_price: Decimal,
    /// The offer to take.
    sell_offer: String,
    /// Whose it is.
    sell_nickname: Option<String>,
    /// When it was seen.
    sell_taken_at: Time,
    /// The raw object that it came in.
    sell_raw_id: String,
    /// The line in that.
    sell_raw_pos: i32,
}
