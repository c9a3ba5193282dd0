//! What a P2P venue shows: offers, and the snapshot that they were seen in. Everything borrows from the page.

use std::borrow::Cow;

use arrayvec::ArrayString;
use chrono::{DateTime, Utc};

use crate::{Amount, Check, MakerSide, Market, Price, Rate, RunId, SnapshotId};

/// One maker's offer as one page showed it. The side of the taker is the snapshot's market's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer<'a> {
    /// Position of the page in the raw object.
    pub raw_pos: i32,
    /// Place in the venue's order, from 0, over all pages of the snapshot.
    pub rank: i32,
    /// The venue's id of the offer; the same offer keeps it from snapshot to snapshot.
    pub id: Cow<'a, str>,
    /// The maker's side as the venue states it.
    pub maker_side: MakerSide,
    /// The venue's id of who made the offer.
    pub advertiser_id: Cow<'a, str>,
    /// The advertiser's name of the moment.
    pub nickname: Option<Cow<'a, str>>,
    /// The venue's grade of the advertiser.
    pub user_grade: Option<i32>,
    /// For how many days the advertiser has had an account, where the venue says so.
    pub registration_days: Option<i32>,
    /// Whether the venue calls the advertiser a merchant.
    pub is_merchant: bool,
    /// Currency for one unit of the asset.
    pub price: Price,
    /// How far a floating price stands from the reference, where the venue says so.
    pub price_float_rate: Option<Rate>,
    /// What is left of the offer, in the asset.
    pub available: Amount,
    /// What can be traded at this moment, in the asset; at most `available`.
    pub tradable: Option<Amount>,
    /// Least that one trade may pay, in the currency.
    pub min_limit: Amount,
    /// Most that one trade may pay, in the currency.
    pub max_limit: Amount,
    /// Share of the advertiser's orders that were completed.
    pub completion_rate: Option<Rate>,
    /// Share of the advertiser's ratings that are positive.
    pub positive_rate: Option<Rate>,
    /// Orders of the venue's counting period (Binance: a month).
    pub orders_count: Option<i32>,
    /// How long the advertiser takes to answer.
    pub avg_response_time_seconds: Option<i32>,
    /// How long the advertiser takes to complete an order.
    pub avg_completion_time_minutes: Option<i32>,
    /// How long a taker has to pay.
    pub payment_time_limit_minutes: Option<i32>,
    /// Codes of the accepted payment methods, in the venue's order; the first is the primary one.
    pub payment_methods: Vec<Cow<'a, str>>,
    /// The maker's terms, where they are shown.
    pub terms: Option<Cow<'a, str>>,
    /// Whether it can be taken.
    pub is_available: bool,
    /// Whether the venue put it first for money.
    pub is_promoted: bool,
}

impl Offer<'_> {
    /// Hash of the advertiser and of the attributes whose history is kept: the key of `dim_advertisers`.
    ///
    /// The days since registration are left out: they change every day and would make a new version of every
    /// advertiser every day.
    pub fn advertiser_sk(&self, market: &Market) -> AdvertiserSk {
        let merchant = if self.is_merchant { "merchant" } else { "user" };
        let nickname = self.nickname.as_deref().unwrap_or_default();
        let grade = self.user_grade.map(|grade| grade.to_string()).unwrap_or_default();
        let text = [market.venue.as_str(), &self.advertiser_id, nickname, merchant, &grade].join("\0");
        AdvertiserSk(blake3::hash(text.as_bytes()).to_hex())
    }
}

/// Key of one version of an advertiser: 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdvertiserSk(ArrayString<64>);

impl AdvertiserSk {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0[..32]
    }
}

/// All pages of one market in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot<'a> {
    /// Which market.
    pub market: Market,
    /// Derived from the raw object.
    pub id: SnapshotId,
    /// The run that asked; none for a file that was imported.
    pub run_id: Option<RunId>,
    /// When the first page was fetched.
    pub taken_at: DateTime<Utc>,
    /// Position of the first page in the raw object.
    pub raw_pos: i32,
    /// Every offer once, in the venue's order.
    pub offers: Vec<Offer<'a>>,
    /// The figures over those offers.
    pub depth: Depth,
    /// What the checks said.
    pub checks: Vec<Check>,
}

/// One snapshot in figures. Sums are kept whole, so that buckets of any width merge exactly.
///
/// Integers are 10^-8 of the unit, except for `sum_price_sq` which is 10^-16.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Depth {
    /// Offers that passed the rules, each once.
    pub offers: i32,
    /// What the venue said there were, at its last page.
    pub offers_announced: i32,
    /// Pages for that many offers.
    pub pages_announced: i32,
    /// Pages that arrived.
    pub pages_received: i32,
    /// Whether all that was announced arrived.
    pub is_complete: bool,
    /// Sum of what is available.
    pub volume: i128,
    /// Sum of the prices.
    pub sum_price: i128,
    /// Sum of the squares of the prices; none if it exceeds Decimal(38, 16).
    pub sum_price_sq: Option<i128>,
    /// Lowest price.
    pub min_price: Option<i128>,
    /// Highest price.
    pub max_price: Option<i128>,
    /// Middle price; of two middle ones their mean, cut to 8 digits.
    pub median_price: Option<i128>,
    /// Mean price, weighted by what is available.
    pub weighted_avg_price: Option<i128>,
    /// Population standard deviation of the prices.
    pub price_std_dev: Option<i128>,
    /// Volume of the ten best prices.
    pub top10_volume: i128,
    /// Mean of the ten best prices.
    pub top10_avg_price: Option<i128>,
    /// Best price of a merchant.
    pub merchant_best_price: Option<i128>,
}
