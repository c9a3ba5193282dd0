//! Where a conversation goes on, and from it and what the broker says of an account: which symbols are asked for.
//!
//! No answer of Binance says what an account traded. Of the spot market its balances tell: a trade changes the balances of the
//! base and the quote. So a symbol that was traded before is asked for when either changed since the last session, one that
//! was not when both did, and a few others in turn, so that nothing stays unseen for ever. Of futures its incomes tell, by
//! their commissions and profits, and its positions; and of those that were traded before a few are asked for in turn, as a fill
//! may cost and make nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Where the next session goes on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    /// The id of the last fill that was heard of, by symbol.
    pub(super) last: BTreeMap<String, i64>,
    /// Spot: what the account had, by asset.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) balances: BTreeMap<String, Decimal>,
    /// The symbol that was asked for last of those that are asked for in turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_turn: Option<String>,
    /// Futures: the time of the last income, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) income: Option<i64>,
    /// Futures: until when symbols were looked through that had no fill, in milliseconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) empty_until: BTreeMap<String, i64>,
}

/// A symbol of the spot market.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    pub(super) symbol: String,
    pub(super) base_asset: String,
    pub(super) quote_asset: String,
}

/// Symbols of those in turn in one session. A weight of 20 each, for every account and session.
const IN_TURN: usize = 5;

/// Symbols of the spot market that are asked for, and the last of those in turn.
pub(super) fn of_spot(
    cursor: &Cursor,
    now: &BTreeMap<String, Decimal>,
    listed: &[Listed],
    wanted: &[String],
) -> (Vec<String>, Option<String>) {
    let before = |asset: &str| cursor.balances.get(asset).copied().unwrap_or_default();
    let has_changed = |asset: &str| now.get(asset).copied().unwrap_or_default() != before(asset);
    let is_asked = |listed: &&Listed| {
        let (base, quote) = (has_changed(&listed.base_asset), has_changed(&listed.quote_asset));
        if cursor.last.contains_key(&listed.symbol) { base || quote } else { base && quote }
    };
    let mut asked: BTreeSet<&str> =
        listed.iter().filter(is_asked).map(|listed| listed.symbol.as_str()).collect();
    asked.extend(wanted.iter().map(String::as_str));
    let in_turn = in_turn(cursor, listed.iter().map(|listed| listed.symbol.as_str()));
    let last = in_turn.last().map(|symbol| (*symbol).to_owned()).or_else(|| cursor.in_turn.clone());
    asked.extend(in_turn);
    (asked.into_iter().map(str::to_owned).collect(), last)
}

/// Those of all that come after the ones that were asked for last.
pub(super) fn in_turn<'s>(cursor: &Cursor, all: impl Iterator<Item = &'s str>) -> Vec<&'s str> {
    let all: BTreeSet<&str> = all.collect();
    let last = cursor.in_turn.as_deref().unwrap_or_default();
    let (earlier, later): (Vec<&str>, Vec<&str>) = all.into_iter().partition(|symbol| *symbol <= last);
    later.into_iter().chain(earlier).take(IN_TURN).collect()
}

/// From when on incomes are asked for: Binance has those of three months.
pub(super) fn first_income(cursor: &Cursor, now: DateTime<Utc>) -> i64 {
    let oldest = (now - TimeDelta::days(89)).timestamp_millis();
    cursor.income.unwrap_or(oldest).max(oldest)
}

/// From when on the fills of a symbol are looked for of which none is known: Binance has those of six months, and answers for
/// seven days at once. Who heard of incomes before knows that an income is the symbol's first; a fill that cost nothing may have come
/// some time before it.
pub(super) fn first_window(cursor: &Cursor, symbol: &str, income: Option<i64>, now: DateTime<Utc>) -> i64 {
    let oldest = (now - TimeDelta::days(180)).timestamp_millis();
    let first = match (income, cursor.empty_until.get(symbol)) {
        (Some(income), _) if cursor.income.is_some() => income - WINDOW,
        (_, Some(until)) => *until,
        _ => oldest,
    };
    first.max(oldest)
}

/// The longest time that one answer can be about.
pub(super) const WINDOW: i64 = 7 * 24 * 3_600 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Vec<Listed> {
        let of = |base: &str, quote: &str| Listed {
            symbol: format!("{base}{quote}"),
            base_asset: base.to_owned(),
            quote_asset: quote.to_owned(),
        };
        let mut listed = vec![of("BTC", "USDT"), of("ETH", "USDT"), of("ETH", "BTC"), of("SOL", "USDT")];
        listed.extend((10..30).map(|number| of(&format!("X{number}"), "EUR")));
        listed
    }

    fn balances(of: &[(&str, i64)]) -> BTreeMap<String, Decimal> {
        of.iter().map(|(asset, amount)| ((*asset).to_owned(), Decimal::from(*amount))).collect()
    }

    fn asked(cursor: &Cursor, now: &[(&str, i64)]) -> Vec<String> {
        of_spot(cursor, &balances(now), &listed(), &[])
            .0
            .into_iter()
            .filter(|symbol| !symbol.starts_with('X'))
            .collect()
    }

    #[test]
    fn symbols_follow_from_balances_that_changed() {
        let turned = Cursor { in_turn: Some("SOLUSDT".to_owned()), ..Cursor::default() };
        assert_eq!(asked(&turned, &[("BTC", 1), ("USDT", 5)]), ["BTCUSDT"], "the first time: what it has");
        let cursor = Cursor {
            balances: balances(&[("BTC", 1), ("USDT", 5)]),
            last: [("BTCUSDT".to_owned(), 7)].into(),
            ..turned
        };
        assert!(asked(&cursor, &[("BTC", 1), ("USDT", 5)]).is_empty(), "nothing was traded");
        assert_eq!(asked(&cursor, &[("BTC", 1), ("USDT", 4)]), ["BTCUSDT"], "bought and sold again");
        assert_eq!(asked(&cursor, &[("USDT", 4), ("ETH", 3)]), ["BTCUSDT", "ETHBTC", "ETHUSDT"]);
    }

    #[test]
    fn every_symbol_comes_in_its_turn() {
        let (mut cursor, mut seen) = (Cursor::default(), BTreeSet::new());
        for _ in 0..listed().len().div_ceil(IN_TURN) {
            let (asked, last) = of_spot(&cursor, &BTreeMap::new(), &listed(), &[]);
            assert!(asked.len() <= IN_TURN);
            seen.extend(asked);
            cursor.in_turn = last;
        }
        assert_eq!(seen.len(), listed().len());
    }
}
