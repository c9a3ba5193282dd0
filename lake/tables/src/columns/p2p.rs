use arrow::{array::RecordBatch, error::ArrowError};
use cauce_model::{Offer, Snapshot};

use super::{
    Lineage, MarketColumns, Origin, batch, decimals, done,
    kinds::{Decimal, Flag, Text, Texts, Time, Whole},
    lists, micros, times,
};
use crate::{
    Table,
    schema::{DEC, RATE, SUM, SUM_SQ},
};

/// Rows of `fact_offers`.
pub(crate) struct OfferRows {
    batch_id: Text,
    snapshot_id: Text,
    extracted: Time,
    market: MarketColumns,
    maker_side: Text,
    offer_id: Text,
    advertiser_id: Text,
    advertiser_sk: Text,
    nickname: Text,
    user_grade: Whole,
    registration_days: Whole,
    is_merchant: Flag,
    price: Decimal,
    price_float_rate: Decimal,
    available: Decimal,
    tradable: Decimal,
    min_limit: Decimal,
    max_limit: Decimal,
    completion_rate: Decimal,
    positive_rate: Decimal,
    orders_count: Whole,
    response_seconds: Whole,
    completion_minutes: Whole,
    payment_minutes: Whole,
    payment_methods: Texts,
    terms: Text,
    is_available: Flag,
    is_promoted: Flag,
    rank: Whole,
    lineage: Lineage,
}

impl OfferRows {
    pub(crate) fn new() -> Self {
        Self {
            batch_id: Text::new(),
            snapshot_id: Text::new(),
            extracted: times(),
            market: MarketColumns::new(),
            maker_side: Text::new(),
            offer_id: Text::new(),
            advertiser_id: Text::new(),
            advertiser_sk: Text::new(),
            nickname: Text::new(),
            user_grade: Whole::new(),
            registration_days: Whole::new(),
            is_merchant: Flag::new(),
            price: decimals(DEC),
            price_float_rate: decimals(RATE),
            available: decimals(DEC),
            tradable: decimals(DEC),
            min_limit: decimals(DEC),
            max_limit: decimals(DEC),
            completion_rate: decimals(RATE),
            positive_rate: decimals(RATE),
            orders_count: Whole::new(),
            response_seconds: Whole::new(),
            completion_minutes: Whole::new(),
            payment_minutes: Whole::new(),
            payment_methods: lists(),
            terms: Text::new(),
            is_available: Flag::new(),
            is_promoted: Flag::new(),
            rank: Whole::new(),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(
        &mut self,
        origin: Origin<'_>,
        batch_id: Option<&str>,
        snapshot: &Snapshot<'_>,
        offer: &Offer<'_>,
    ) {
        self.batch_id.append_option(batch_id);
        self.snapshot_id.append_value(snapshot.id.as_str());
        self.extracted.append_value(micros(snapshot.taken_at));
        self.market.push(&snapshot.market);
        self.maker_side.append_value(offer.maker_side.as_str());
        self.offer_id.append_value(&offer.id);
        self.advertiser_id.append_value(&offer.advertiser_id);
        self.advertiser_sk.append_value(offer.advertiser_sk(&snapshot.market).as_str());
        self.nickname.append_option(offer.nickname.as_deref());
        self.user_grade.append_option(offer.user_grade);
        self.registration_days.append_option(offer.registration_days);
        self.is_merchant.append_value(offer.is_merchant);
        self.price.append_value(offer.price.units());
        self.price_float_rate.append_option(offer.price_float_rate.map(|rate| rate.units()));
        self.available.append_value(offer.available.units());
        self.tradable.append_option(offer.tradable.map(|amount| amount.units()));
        self.min_limit.append_value(offer.min_limit.units());
        self.max_limit.append_value(offer.max_limit.units());
        self.completion_rate.append_option(offer.completion_rate.map(|rate| rate.units()));
        self.positive_rate.append_option(offer.positive_rate.map(|rate| rate.units()));
        self.orders_count.append_option(offer.orders_count);
        self.response_seconds.append_option(offer.avg_response_time_seconds);
        self.completion_minutes.append_option(offer.avg_completion_time_minutes);
        self.payment_minutes.append_option(offer.payment_time_limit_minutes);
        for method in &offer.payment_methods {
            self.payment_methods.values().append_value(method);
        }
        self.payment_methods.append(true);
        self.terms.append_option(offer.terms.as_deref());
        self.is_available.append_value(offer.is_available);
        self.is_promoted.append_value(offer.is_promoted);
        self.rank.append_value(offer.rank);
        self.lineage.push(origin, offer.raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns =
            vec![done(&mut self.batch_id), done(&mut self.snapshot_id), done(&mut self.extracted)];
        columns.extend(self.market.finish());
        columns.extend([
            done(&mut self.maker_side),
            done(&mut self.offer_id),
            done(&mut self.advertiser_id),
            done(&mut self.advertiser_sk),
            done(&mut self.nickname),
            done(&mut self.user_grade),
            done(&mut self.registration_days),
            done(&mut self.is_merchant),
            done(&mut self.price),
            done(&mut self.price_float_rate),
            done(&mut self.available),
            done(&mut self.tradable),
            done(&mut self.min_limit),
            done(&mut self.max_limit),
            done(&mut self.completion_rate),
            done(&mut self.positive_rate),
            done(&mut self.orders_count),
            done(&mut self.response_seconds),
            done(&mut self.completion_minutes),
            done(&mut self.payment_minutes),
            done(&mut self.payment_methods),
            done(&mut self.terms),
            done(&mut self.is_available),
            done(&mut self.is_promoted),
            done(&mut self.rank),
        ]);
        columns.extend(self.lineage.finish());
        batch(Table::FactOffers, columns)
    }
}

/// Rows of `fact_market_depth`.
pub(crate) struct DepthRows {
    batch_id: Text,
    snapshot_id: Text,
    extracted: Time,
    market: MarketColumns,
    counts: [Whole; 4],
    is_complete: Flag,
    volume: Decimal,
    prices: [Decimal; 5],
    sum_price: Decimal,
    sum_price_sq: Decimal,
    top10_volume: Decimal,
    top10_avg_price: Decimal,
    merchant_best_price: Decimal,
    lineage: Lineage,
}

impl DepthRows {
    pub(crate) fn new() -> Self {
        Self {
            batch_id: Text::new(),
            snapshot_id: Text::new(),
            extracted: times(),
            market: MarketColumns::new(),
            counts: std::array::from_fn(|_| Whole::new()),
            is_complete: Flag::new(),
            volume: decimals(SUM),
            prices: std::array::from_fn(|_| decimals(DEC)),
            sum_price: decimals(SUM),
            sum_price_sq: decimals(SUM_SQ),
            top10_volume: decimals(SUM),
            top10_avg_price: decimals(DEC),
            merchant_best_price: decimals(DEC),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(&mut self, origin: Origin<'_>, batch_id: Option<&str>, snapshot: &Snapshot<'_>) {
        let depth = &snapshot.depth;
        self.batch_id.append_option(batch_id);
        self.snapshot_id.append_value(snapshot.id.as_str());
        self.extracted.append_value(micros(snapshot.taken_at));
        self.market.push(&snapshot.market);
        let counts = [depth.offers, depth.offers_announced, depth.pages_announced, depth.pages_received];
        for (column, count) in self.counts.iter_mut().zip(counts) {
            column.append_value(count);
        }
        self.is_complete.append_value(depth.is_complete);
        self.volume.append_value(depth.volume);
        let prices = [
            depth.weighted_avg_price,
            depth.median_price,
            depth.min_price,
            depth.max_price,
            depth.price_std_dev,
        ];
        for (column, price) in self.prices.iter_mut().zip(prices) {
            column.append_option(price);
        }
        self.sum_price.append_value(depth.sum_price);
        self.sum_price_sq.append_option(depth.sum_price_sq);
        self.top10_volume.append_value(depth.top10_volume);
        self.top10_avg_price.append_option(depth.top10_avg_price);
        self.merchant_best_price.append_option(depth.merchant_best_price);
        self.lineage.push(origin, snapshot.raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns =
            vec![done(&mut self.batch_id), done(&mut self.snapshot_id), done(&mut self.extracted)];
        columns.extend(self.market.finish());
        columns.extend(self.counts.each_mut().map(done));
        columns.push(done(&mut self.is_complete));
        columns.push(done(&mut self.volume));
        columns.extend(self.prices.each_mut().map(done));
        columns.extend([
            done(&mut self.sum_price),
            done(&mut self.sum_price_sq),
            done(&mut self.top10_volume),
            done(&mut self.top10_avg_price),
            done(&mut self.merchant_best_price),
        ]);
        columns.extend(self.lineage.finish());
        batch(Table::FactMarketDepth, columns)
    }
}
