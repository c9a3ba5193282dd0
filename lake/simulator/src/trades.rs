//! The trades of somebody at a simulated exchange: an export that the same seed and days make again.

use std::fmt::Write;

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use crate::noise::unit;

/// What is traded, and about what it costs.
const TRADED: [(&str, f64); 2] = [("BTC", 61_000.0), ("ETH", 2_900.0)];

/// An export of spot trades, as Binance writes it, of the days from `first` to `last`: a few purchases and sales a day.
pub fn trades_export(seed: u64, first: NaiveDate, last: NaiveDate) -> String {
    let mut export = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n".to_owned();
    for day in first.iter_days().take_while(|day| *day <= last) {
        let number = u64::try_from((day - NaiveDate::default()).num_days()).unwrap_or(0);
        for (asset, (name, around)) in (0_u64..).zip(TRADED) {
            for turn in 0_u64..3 {
                let noise = |what: u64| unit(seed, &[number, asset, turn, what]);
                let wave = (number as f64 / 6.0 + asset as f64).sin() * 0.06;
                let price = around * (1.0 + wave + (noise(0) - 0.5) * 0.02);
                let quantity = (0.02 + noise(1) * 0.2) * TRADED[0].1 / around;
                let side = if (number + turn) % 2 == 0 { "BUY" } else { "SELL" };
                let at = day.and_time(NaiveTime::MIN)
                    + TimeDelta::minutes(180 + 400 * i64::try_from(turn).unwrap_or(0))
                    + TimeDelta::seconds((noise(2) * 9_000.0) as i64);
                let (price, quantity) = (format!("{price:.2}"), format!("{quantity:.5}"));
                let total = price.parse().unwrap_or(0.0) * quantity.parse().unwrap_or(0.0);
                // Into text, which does not fail.
                let _ = writeln!(
                    export,
                    "{},{name}USDT,{side},{price},{quantity}{name},{total:.4}USDT,{:.6}USDT",
                    at.format("%Y-%m-%d %H:%M:%S"),
                    total * 0.001
                );
            }
        }
    }
    export
}
