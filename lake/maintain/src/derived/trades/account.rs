//! The journal of one account.

use std::collections::BTreeMap;

use cauce_journal::{
    Matcher, Method, Observation, Position, Rates, TooLarge, Trade, once,
    stats::{DEFINITION_VERSION, PeriodStats, by_period},
};
use cauce_model::Account;
use cauce_tables::Inputs;

use super::RULES;

/// Figures of one currency by one method.
pub(super) struct Figures {
    pub(super) method: Method,
    pub(super) currency: String,
    pub(super) rows: Vec<PeriodStats>,
}

/// What an account's observations became.
pub(super) struct Made {
    pub(super) trades: Vec<Trade>,
    pub(super) positions: Vec<Position>,
    pub(super) stats: Vec<Figures>,
    /// What could not be made, and why.
    pub(super) error: Option<String>,
}

/// What the journal of an account is made from.
pub(super) fn inputs(told: &[Observation], settings: Option<&String>, rates: &str) -> Inputs {
    let mut lines: Vec<String> = told
        .iter()
        .map(|observation| {
            let Observation { raw_id, raw_pos, place: (record, part), version, .. } = observation;
            format!("{raw_id} {raw_pos} {record} {part} {version}")
        })
        .collect();
    lines.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for line in &lines {
        hasher.update(line.as_bytes()).update(b"\n");
    }
    let settings = settings.map(String::as_str).unwrap_or_default();
    let rules = format!("{RULES}/{DEFINITION_VERSION} {settings} {rates} {}", hasher.finalize().to_hex());
    Inputs { rules, days: BTreeMap::new() }
}

/// Each fill once, matched by each method, and what that adds up to.
pub(super) fn make(account: &Account, told: Vec<Observation>, rates: &Rates) -> Made {
    let matcher = Matcher { rates };
    let mut made = Made { trades: once(told), positions: Vec::new(), stats: Vec::new(), error: None };
    for method in Method::ALL {
        let matched = matcher.matched(&made.trades, method);
        if !matched.too_large.is_empty() {
            made.error = Some(format!("{TooLarge}: {}", matched.too_large.join(", ")));
        }
        let mut by_currency: BTreeMap<String, Vec<Position>> = BTreeMap::new();
        for position in &matched.positions {
            let currency = position.currency.clone().unwrap_or_default();
            by_currency.entry(currency).or_default().push(position.clone());
        }
        let one_currency = by_currency.len() == 1;
        for (currency, positions) in by_currency {
            // A balance is in the account's currency, and says nothing of another.
            let is_its_own = account.files.currency.as_ref().map_or(one_currency, |own| *own == currency);
            let balance = account.starting_balance.filter(|_| is_its_own);
            match by_period(&positions, balance, account.trading_days) {
                Ok(rows) => made.stats.push(Figures { method, currency, rows }),
                Err(error) => made.error = Some(format!("{error}: figures in {currency}")),
            }
        }
        made.positions.extend(matched.positions);
    }
    made
}
