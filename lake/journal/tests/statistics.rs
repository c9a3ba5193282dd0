//! The known answers of the definitions.

#![allow(clippy::unwrap_used, reason = "tests")]

use cauce_journal::{
    Direction, Method, Position,
    stats::{Period, Stats, by_period},
};
use cauce_model::{MarketKind, TradingDays};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

fn at(day: i64) -> DateTime<Utc> {
    "2026-03-02T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(day)
}

fn position(day: i64, net: i64) -> Position {
    Position {
        symbol: "BTCUSDT".to_owned(),
        market: MarketKind::Spot,
        broker_account: None,
        position_id: None,
        direction: Direction::Long,
        opened_at: Some(at(day) - TimeDelta::minutes(10 * (day + 1))),
        closed_at: at(day),
        closing: usize::try_from(day).unwrap(),
        quantity: Decimal::ONE,
        entry_price: Some(Decimal::ONE),
        exit_price: Decimal::ONE,
        fees: Some(Decimal::ZERO),
        swap: Some(Decimal::ZERO),
        taxes: Some(Decimal::ZERO),
        gross: net.into(),
        net: Some(net.into()),
        method: Method::Fifo,
        currency: Some("USDT".to_owned()),
        reported: None,
        difference: None,
        external_id: None,
        lots: 1,
    }
}

fn of(nets: &[i64], balance: Option<i64>) -> Stats {
    let positions: Vec<Position> = (0..).zip(nets).map(|(day, net)| position(day, *net)).collect();
    let positions: Vec<&Position> = positions.iter().collect();
    Stats::of(&positions, balance.map(Decimal::from), TradingDays::Always).unwrap()
}

fn text(number: Option<Decimal>) -> String {
    number.map_or("none".to_owned(), |number| number.round_dp(8).normalize().to_string())
}

const NETS: [i64; 8] = [100, 200, 50, -150, 300, -100, 80, -30];

#[test]
fn expectancy_is_what_the_definitions_say() {
    let stats = of(&NETS, None);
    assert_eq!((stats.trades, stats.wins, stats.losses, stats.breakeven), (8, 5, 3, 0));
    assert_eq!([text(stats.expectancy), text(stats.expectancy_ratio)], ["56.25", "0.60267857"]);
    assert_eq!(
        [text(stats.win_rate), text(stats.profit_factor), text(stats.payoff_ratio)],
        ["0.625", "2.60714286", "1.56428571"]
    );
    assert_eq!((stats.streaks.wins, stats.streaks.losses), (3, 1));
    assert_eq!(
        [stats.average_holding, stats.median_holding, stats.longest_holding],
        [Some(2_700), Some(2_700), Some(4_800)]
    );
}

#[test]
fn without_losses_there_is_no_profit_factor_and_zero_is_no_win() {
    let stats = of(&[0, 10, 0], None);
    assert_eq!((stats.wins, stats.losses, stats.breakeven, stats.metatrader_profit_trades), (1, 0, 2, 3));
    assert_eq!(
        [text(stats.profit_factor), text(stats.payoff_ratio), text(stats.expectancy_ratio)],
        ["none"; 3]
    );
    assert_eq!(text(stats.win_rate), "0.33333333");
    let none = of(&[], Some(1_000));
    assert_eq!((none.trades, none.win_rate, none.expectancy, none.first_closed_at), (0, None, None, None));
}

/// The mean and the deviations of these were worked out by hand: returns of 10 %, −10 % and 20 % of what there was before.
#[test]
fn ratios_are_of_daily_returns_of_the_balance_before_each_day() {
    let stats = of(&[100, -110, 198], Some(1_000));
    // mean 0.066666…, sample deviation 0.152752…, deviation below zero 0.057735…; times the root of 365.
    assert_eq!([text(stats.ratios.sharpe), text(stats.ratios.sortino)], ["8.33809388", "22.06052281"]);
    assert_eq!(of(&[100], Some(1_000)).ratios.sharpe, None);
    // Weekdays only: Monday, then the Monday after.
    let positions = [position(0, 10), position(7, 30)];
    let positions: Vec<&Position> = positions.iter().collect();
    let stats = Stats::of(&positions, None, TradingDays::Weekdays).unwrap();
    // 10, 0, 0, 0, 0, 30: mean 6.666…, sample deviation 12.110601….
    assert_eq!((text(stats.ratios.sharpe), stats.days_per_year), ("8.73862898".to_owned(), 252));
}

#[test]
fn periods_begin_with_what_was_made_before_them() {
    let positions: Vec<Position> =
        [(0, 100), (1, -50), (7, 25), (30, -40)].map(|(day, net)| position(day, net)).into();
    let rows = by_period(&positions, Some(Decimal::from(1_000)), TradingDays::Always).unwrap();
    let of = |period| {
        let all = rows.iter().filter(|row| {
            row.period == period && row.scope.symbol.is_none() && row.scope.direction.is_none()
        });
        all.map(|row| (row.start.date_naive().to_string(), row.stats.net_profit.to_string()))
            .collect::<Vec<_>>()
    };
    let named = |rows: &[(&str, &str)]| {
        rows.iter().map(|(day, net)| ((*day).to_owned(), (*net).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(of(Period::All), named(&[("1970-01-01", "35")]));
    assert_eq!(of(Period::Month), named(&[("2026-03-01", "75"), ("2026-04-01", "-40")]));
    assert_eq!(of(Period::Week), named(&[("2026-03-02", "50"), ("2026-03-09", "25"), ("2026-03-30", "-40")]));
    assert_eq!(of(Period::Day).len(), 4);
    let april = rows
        .iter()
        .find(|row| row.period == Period::Month && row.stats.net_profit == Decimal::from(-40))
        .unwrap();
    assert_eq!(
        text(april.stats.drawdowns.absolute.share),
        text(Some(Decimal::from(40) / Decimal::from(1_075)))
    );
    // Symbol and direction, each alone and together, are the same here.
    assert_eq!(rows.len(), 4 * (1 + 2 + 3 + 4));
}
