//! Each fill once, in whatever imports it is.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use cauce_journal::{Observation, Trade, new_among, once};
use cauce_model::{Fill, MarketKind, Side};
use common::{dec, fill, import, with_fee, with_id};
use proptest::prelude::*;

fn buy(minute: i64) -> Fill {
    fill(minute, Side::Buy, "1", "100")
}

fn ids(trades: &[Trade]) -> Vec<Option<&str>> {
    trades.iter().map(|trade| trade.fill().external_id.as_deref()).collect()
}

#[test]
fn two_equal_fills_of_one_file_are_two_and_the_same_file_again_is_none_more() {
    let mut told = import("a", "export", vec![buy(0), buy(0), buy(1)]);
    told.extend(import("b", "export", vec![buy(0), buy(0)]));
    let trades = once(told);
    assert_eq!(trades.iter().map(|trade| trade.occurrence).collect::<Vec<_>>(), [0, 1, 0]);
    assert_eq!(trades.iter().map(|trade| trade.observations).collect::<Vec<_>>(), [4, 4, 1]);
}

#[test]
fn an_export_and_the_api_tell_of_one_trade_by_what_says_more() {
    let mut export = fill(0, Side::Buy, "1.0", "100.00");
    export.symbol = "BTC/USDT".to_owned();
    let api = with_fee(with_id(buy(0), "28457"), "0.1", "BNB");
    let mut told = import("a", "export", vec![export]);
    told.extend(import("b", "api", vec![api]));
    assert_eq!(ids(&once(told)), [Some("28457")]);
}

#[test]
fn ids_of_two_layouts_are_not_added_up_and_those_of_one_are() {
    let mut told = import("a", "export", vec![with_id(buy(0), "order-1"), with_id(buy(0), "order-2")]);
    told.extend(import("b", "api", vec![with_id(buy(0), "7"), with_id(buy(0), "8")]));
    assert_eq!(once(told).len(), 2);
    let mut told = import("a", "api", vec![with_id(buy(0), "7")]);
    told.extend(import("b", "api", vec![with_id(buy(0), "8"), with_id(buy(0), "7")]));
    assert_eq!(ids(&once(told)), [Some("7"), Some("8")]);
}

#[test]
fn a_day_without_a_time_is_one_of_those_of_the_day() {
    let dated = |quantity: &str| Fill { is_date_only: true, ..fill(0, Side::Buy, quantity, "100") };
    let mut told = import("a", "daily", vec![dated("1"), dated("1"), dated("1"), dated("2")]);
    told.extend(import("b", "api", vec![buy(5), buy(9)]));
    let trades = once(told);
    let whole = trades.iter().filter(|trade| trade.fill().quantity == dec("1"));
    assert_eq!(whole.map(|trade| trade.fill().is_date_only).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(trades.len(), 4);
}

#[test]
fn a_correction_replaces_what_had_its_id_and_an_id_of_several_fills_corrects_nothing() {
    let later = |mut told: Vec<Observation>| {
        for observation in &mut told {
            observation.received_at = Some("2026-03-02T00:00:00Z".parse().unwrap());
        }
        told
    };
    let corrected = || later(import("b", "api", vec![with_id(fill(0, Side::Buy, "1", "101"), "7")]));
    let mut told = import("a", "api", vec![with_id(buy(0), "7")]);
    told.extend(corrected());
    let trades = once(told);
    assert_eq!(trades.len(), 1);
    assert_eq!(trades[0].fill().price, dec("101"));
    // An order that was filled in two.
    let mut told =
        import("a", "api", vec![with_id(buy(0), "7"), with_id(fill(0, Side::Buy, "2", "99"), "7")]);
    told.extend(corrected());
    assert_eq!(once(told).len(), 3);
}

#[test]
fn the_same_bytes_read_again_replace_what_they_gave_before() {
    let wrong = import("a", "export", vec![buy(0), buy(0)]);
    let mut right = import("b", "export", vec![buy(240), buy(240)]);
    for observation in &mut right {
        observation.source_hash = "a".to_owned();
        observation.received_at = Some("2026-03-02T00:00:00Z".parse().unwrap());
    }
    let minutes =
        |told| once(told).iter().map(|trade| trade.fill().executed_at.timestamp() / 60).collect::<Vec<_>>();
    assert_eq!(minutes([wrong.clone(), right.clone()].concat()), [240, 240]);
    assert_eq!(minutes([right, wrong].concat()), [240, 240]);
}

#[test]
fn ids_are_counted_by_each_symbol_and_market() {
    let btc = with_id(buy(0), "7");
    let eth = Fill { symbol: "ETHUSDT".to_owned(), ..with_id(buy(1), "7") };
    let spot = Fill { market: MarketKind::Spot, ..with_id(buy(2), "7") };
    let told = [("a", btc), ("b", eth), ("c", spot)];
    let told: Vec<Observation> =
        told.into_iter().flat_map(|(name, fill)| import(name, "api", vec![fill])).collect();
    assert_eq!(once(told).len(), 3, "none of them corrects another");
}

#[test]
fn a_dry_run_tells_what_is_new_row_by_row() {
    let known = import("a", "export", vec![buy(0), buy(0), buy(1)]);
    let told = import("b", "export", vec![buy(0), buy(0), buy(0), buy(1), buy(2)]);
    assert_eq!(new_among(known.clone(), &told), [true, false, false, false, true]);
    assert_eq!(new_among(Vec::new(), &told), [true; 5]);
    assert_eq!(new_among([known, told.clone()].concat(), &told), [false; 5]);
}

/// Minute, whether it buys, quantity, id, and whether it has a day only.
type Row = (i64, bool, u32, Option<u8>, bool);

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let one = (0_i64..3, any::<bool>(), 1_u32..3, prop::option::of(0_u8..4), any::<bool>());
    let files = prop::collection::vec(prop::collection::vec(one, 0..6), 1..5);
    files.prop_map(|files| {
        let file = |(number, rows): (usize, Vec<Row>)| {
            let rows = rows.into_iter().map(|(minute, buys, quantity, id, dated)| {
                let side = if buys { Side::Buy } else { Side::Sell };
                let fill = fill(minute, side, &quantity.to_string(), "100");
                let id = id.map(|id| id.to_string());
                Fill { external_id: id, is_date_only: dated && number % 2 == 0, ..fill }
            });
            import(&format!("f{number}"), if number % 2 == 0 { "export" } else { "api" }, rows.collect())
        };
        files.into_iter().enumerate().flat_map(file).collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(
        (told, shuffled) in observations().prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle()))
    ) {
        prop_assert_eq!(once(told), once(shuffled));
    }

    #[test]
    fn the_same_file_again_changes_nothing_but_how_many_tell(told in observations()) {
        let again: Vec<Observation> = told.iter().cloned().map(|observation| {
            let raw_id = format!("{}-again", observation.raw_id).parse().unwrap();
            let source_hash = format!("{}-again", observation.source_hash);
            Observation { raw_id, source_hash, ..observation }
        }).collect();
        let fills = |told: Vec<Observation>| -> Vec<Fill> {
            once(told).into_iter().map(|trade| trade.observation.fill).collect()
        };
        prop_assert_eq!(fills(told.clone()), fills([told, again].concat()));
    }
}
