//! What is closed is set against what was opened: known answers, and what always holds.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use cauce_journal::{Direction, Matched, Matcher, Method, Position, Rates};
use cauce_model::{Effect, Fill, MarketKind, Side};
use chrono::TimeDelta;
use common::{dec, fill, trades, with_fee};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn matched(fills: Vec<Fill>, method: Method) -> Matched {
    Matcher { rates: &Rates::default() }.matched(&trades(fills), method)
}

fn both(fills: &[Fill]) -> [Matched; 2] {
    [Method::Fifo, Method::Average].map(|method| matched(fills.to_vec(), method))
}

#[test]
fn what_remains_costs_what_the_definitions_say() {
    // Buy 109 for 3149.20 in all, buy 52 for 1684.92 in all, sell 15.
    let priced = |minute, quantity: &str, total: &str| {
        let fill = fill(minute, Side::Buy, quantity, "1");
        Fill { price: dec(total) / dec(quantity), ..fill }
    };
    let fills = [priced(0, "109", "3149.20"), priced(1, "52", "1684.92"), fill(2, Side::Sell, "15", "40")];
    let remaining = both(&fills).map(|matched| {
        let [open] = &matched.open[..] else { panic!("one instrument is open") };
        (open.quantity, open.cost.round_dp(2).to_string())
    });
    assert_eq!(remaining, [(dec("146"), "4400.74".to_owned()), (dec("146"), "4383.74".to_owned())]);
}

#[test]
fn a_reversal_closes_and_opens_the_other_way() {
    let fills = [
        with_fee(fill(0, Side::Buy, "2", "100"), "0.4", "USDT"),
        with_fee(fill(60, Side::Sell, "5", "110"), "1", "USDT"),
        fill(90, Side::Buy, "3", "105"),
    ];
    for matched in both(&fills) {
        let figures = |position: &Position| {
            (
                position.direction,
                position.quantity,
                position.gross,
                position.fees.unwrap(),
                position.net.unwrap(),
            )
        };
        let closed: Vec<_> = matched.positions.iter().map(figures).collect();
        assert_eq!(
            closed,
            [
                (Direction::Long, dec("2"), dec("20"), dec("0.8"), dec("19.2")),
                (Direction::Short, dec("3"), dec("15"), dec("0.6"), dec("14.4")),
            ]
        );
        assert_eq!(matched.positions[0].seconds(), Some(3_600));
        assert!(matched.open.is_empty());
    }
}

#[test]
fn fees_in_another_asset_are_worth_what_the_day_or_the_fill_says() {
    let day = "1970-01-01".parse().unwrap();
    let mut rates = Rates::default();
    rates.add("BNB", day, dec("0.0025"));
    rates.add("USDT", day, dec("1.001"));
    let fills = vec![
        with_fee(fill(0, Side::Buy, "1", "100"), "0.001", "BTC"),
        with_fee(fill(1, Side::Sell, "1", "100"), "0.002", "BNB"),
    ];
    let matcher = Matcher { rates: &rates };
    let [position] = &matcher.matched(&trades(fills.clone()), Method::Fifo).positions[..] else { panic!() };
    // 0.001 BTC at 100, and 0.002 BNB of 400 dollars each.
    assert_eq!(position.fees, Some(dec("0.1") + dec("0.8008")));
    // Nobody says what BNB was worth: then neither is the profit known.
    let [position] = &matched(fills, Method::Fifo).positions[..] else { panic!() };
    assert_eq!((position.fees, position.net, position.gross), (None, None, Decimal::ZERO));
}

#[test]
fn nothing_is_made_up_for_what_was_never_bought() {
    let spot = |fill: Fill| Fill { market: MarketKind::Spot, ..fill };
    let fills = vec![spot(fill(0, Side::Buy, "1", "100")), spot(fill(1, Side::Sell, "3", "120"))];
    let matched = matched(fills, Method::Fifo);
    assert_eq!(matched.positions.len(), 1);
    assert_eq!(matched.positions[0].gross, dec("20"));
    assert_eq!(matched.uncovered["BTCUSDT"], dec("2"));
    assert!(matched.open.is_empty());
}

#[test]
fn the_brokers_profit_stands_beside_ours() {
    let closing = Fill {
        effect: Effect::Close,
        reported_pnl: Some(dec("19.5")),
        pnl_currency: Some("USDT".to_owned()),
        ..with_fee(fill(1, Side::Sell, "4", "110"), "0.4", "USDT")
    };
    let fills = vec![fill(0, Side::Buy, "2", "100"), closing];
    let ours = matched(fills.clone(), Method::Fifo);
    assert_eq!((ours.positions[0].gross, ours.positions[0].difference), (dec("20"), Some(dec("10.25"))));
    // Half of what it closes was opened before the history begins.
    let theirs = matched(fills, Method::BrokerReported);
    let nets: Vec<_> =
        theirs.positions.iter().map(|position| (position.opened_at.is_some(), position.net)).collect();
    assert_eq!(nets, [(true, Some(dec("9.55"))), (false, Some(dec("9.55")))]);
    assert_eq!(theirs.uncovered["BTCUSDT"], dec("2"));
}

#[test]
fn a_named_position_that_lasts_no_second_is_opened_before_it_is_closed() {
    let of = |side, effect: Effect, price| Fill {
        effect,
        external_id: Some(format!("7/{effect}")),
        position_id: Some("7".to_owned()),
        ..fill(0, side, "1", price)
    };
    let fills = vec![of(Side::Sell, Effect::Close, "110"), of(Side::Buy, Effect::Open, "100")];
    let matched = matched(fills, Method::Fifo);
    assert_eq!(matched.positions.iter().map(|position| position.gross).collect::<Vec<_>>(), [dec("10")]);
    assert!(matched.open.is_empty() && matched.uncovered.is_empty());
}

#[test]
fn an_inverse_contract_pays_in_its_base() {
    let inverse = |minute, side, price: &str| Fill {
        inverse: true,
        multiplier: dec("100"),
        ..with_fee(fill(minute, side, "10", price), "0.001", "BTC")
    };
    let [position] =
        &matched(vec![inverse(0, Side::Buy, "50000"), inverse(1, Side::Sell, "40000")], Method::Fifo)
            .positions[..]
    else {
        panic!()
    };
    // 1000 dollars were 0.02 BTC, and are 0.025.
    assert_eq!((position.gross, position.net), (dec("-0.005"), Some(dec("-0.007"))));
    assert_eq!((position.entry_price, position.currency.as_deref()), (Some(dec("50000")), Some("BTC")));
}

fn fills() -> impl Strategy<Value = Vec<Fill>> {
    let one =
        (any::<bool>(), 1_i64..5_000, 1_i64..1_000_000, 0_i64..1_000, prop::bool::weighted(0.3), 0_u8..3);
    prop::collection::vec(one, 1..40).prop_map(|rows| {
        let row =
            |(minute, (buys, quantity, price, fee, same, kind)): (usize, (bool, i64, i64, i64, bool, u8))| {
                let minute = i64::try_from(if same { minute / 2 } else { minute }).unwrap();
                let side = if buys { Side::Buy } else { Side::Sell };
                let mut fill = fill(minute, side, "1", "1");
                fill.quantity = Decimal::new(quantity, 3);
                fill.price = Decimal::new(price, 7);
                fill.market = [MarketKind::Futures, MarketKind::Spot, MarketKind::Equity][usize::from(kind)];
                fill.symbol = ["BTCUSDT", "ETHUSDT", "BTCUSDT"][usize::from(kind)].to_owned();
                with_fee(fill, &Decimal::new(fee, 5).to_string(), "USDT")
            };
        rows.into_iter().enumerate().map(row).collect()
    })
}

fn signed(fills: &[Fill], of: impl Fn(&Fill) -> Decimal) -> Decimal {
    fills.iter().map(|fill| if fill.side == Side::Buy { of(fill) } else { -of(fill) }).sum()
}

proptest! {
    /// What was bought and not sold is open, but for what was sold without having been bought.
    #[test]
    fn quantities_conserve(fills in fills()) {
        for matched in both(&fills) {
            let open: Decimal = matched.open.iter().map(|open| match open.direction {
                Direction::Long => open.quantity,
                Direction::Short => -open.quantity,
            }).sum();
            let uncovered: Decimal = matched.uncovered.values().copied().sum();
            prop_assert_eq!(open - uncovered, signed(&fills, |fill| fill.quantity));
        }
    }

    /// Money is neither made nor lost: what was paid less what was got is what is open less what was gained.
    #[test]
    fn money_conserves(fills in fills().prop_filter("no spot", |fills| fills.iter().all(|fill| fill.market != MarketKind::Spot))) {
        for matched in both(&fills) {
            let open: Decimal = matched.open.iter().map(|open| match open.direction {
                Direction::Long => open.cost,
                Direction::Short => -open.cost,
            }).sum();
            let gained: Decimal = matched.positions.iter().map(|position| position.gross).sum();
            prop_assert_eq!((open - gained).round_dp(12), signed(&fills, |fill| fill.quantity * fill.price).round_dp(12));
        }
    }

    /// First in first out and the mean price differ in when a profit is made, and not in how much once nothing is open.
    #[test]
    fn methods_agree_when_a_position_is_flat(fills in fills()) {
        let mut flat = fills;
        for symbol in ["BTCUSDT", "ETHUSDT"] {
            for market in [MarketKind::Futures, MarketKind::Equity, MarketKind::Spot] {
                let of: Vec<Fill> = flat.iter().filter(|fill| fill.symbol == symbol && fill.market == market).cloned().collect();
                let left = signed(&of, |fill| fill.quantity);
                let Some(last) = of.last().filter(|_| !left.is_zero() && market != MarketKind::Spot) else { continue };
                let side = if left > Decimal::ZERO { Side::Sell } else { Side::Buy };
                let mut closing = Fill { side, quantity: left.abs(), ..last.clone() };
                closing.executed_at += TimeDelta::days(1);
                flat.push(closing);
            }
        }
        let flat: Vec<Fill> = flat.into_iter().filter(|fill| fill.market != MarketKind::Spot).collect();
        let [fifo, average] = both(&flat);
        prop_assert!(fifo.open.is_empty() && average.open.is_empty());
        let total = |matched: &Matched| -> [Decimal; 3] {
            let sum = |of: fn(&Position) -> Decimal| -> Decimal { matched.positions.iter().map(of).sum::<Decimal>().round_dp(12) };
            [sum(|position| position.gross), sum(|position| position.fees.unwrap()), sum(|position| position.net.unwrap())]
        };
        prop_assert_eq!(total(&fifo), total(&average));
        prop_assert_eq!(total(&fifo)[1], flat.iter().map(|fill| fill.fees[0].amount).sum::<Decimal>().round_dp(12));
        prop_assert_eq!(fifo.positions.len(), average.positions.len());
    }
}
