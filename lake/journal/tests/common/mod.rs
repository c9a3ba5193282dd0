//! Fills for the tests.

#![allow(dead_code, clippy::unwrap_used, reason = "tests; each uses what it needs")]

use cauce_journal::{Observation, Trade, once};
use cauce_model::{Effect, Fee, Fill, MarketKind, Side};
use chrono::{DateTime, TimeDelta};
use rust_decimal::Decimal;

pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A fill of BTC for USDT, `minute` minutes after the epoch.
pub(crate) fn fill(minute: i64, side: Side, quantity: &str, price: &str) -> Fill {
    Fill {
        external_id: None,
        order_id: None,
        position_id: None,
        symbol: "BTCUSDT".to_owned(),
        base: Some("BTC".to_owned()),
        quote: Some("USDT".to_owned()),
        side,
        effect: Effect::Unknown,
        quantity: dec(quantity),
        price: dec(price),
        multiplier: Decimal::ONE,
        inverse: false,
        fees: Vec::new(),
        swap: None,
        taxes: None,
        reported_pnl: None,
        pnl_currency: None,
        executed_at: DateTime::UNIX_EPOCH + TimeDelta::minutes(minute),
        is_date_only: false,
        time_zone: "UTC".to_owned(),
        market: MarketKind::Futures,
        position_side: None,
        broker_account: None,
        sequence: 0,
    }
}

pub(crate) fn with_fee(fill: Fill, amount: &str, asset: &str) -> Fill {
    Fill { fees: vec![Fee { asset: asset.to_owned(), amount: dec(amount) }], ..fill }
}

pub(crate) fn with_id(fill: Fill, id: &str) -> Fill {
    Fill { external_id: Some(id.to_owned()), ..fill }
}

/// Observations of one import.
pub(crate) fn import(name: &str, layout: &str, fills: Vec<Fill>) -> Vec<Observation> {
    let raw_id = format!("main/trades/2026-03-01/10/{name}").parse().unwrap();
    let observation = |(row, fill)| Observation {
        fill,
        broker: "binance".to_owned(),
        layout: layout.to_owned(),
        raw_id: Clone::clone(&raw_id),
        raw_pos: 0,
        place: (row, 0),
        source_hash: name.to_owned(),
        received_at: None,
        version: 1,
    };
    (1..).zip(fills).map(observation).collect()
}

/// Trades of these fills, all of one file.
pub(crate) fn trades(fills: Vec<Fill>) -> Vec<Trade> {
    once(import("a", "layout", fills))
}
