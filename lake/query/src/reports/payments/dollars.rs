//! What amounts were worth on their day.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;

use super::super::Row;
use crate::functions::{decimal_text, in_dollars};

/// A sum of dollars in units of 10⁻⁸; none where nothing that was added is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dollars(Option<i128>);

impl Dollars {
    /// What is not known adds nothing.
    pub(super) fn add(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some(sum), Some(more)) => sum.checked_add(more),
            (sum, more) => sum.or(more),
        };
    }

    pub(super) fn is_known(self) -> bool {
        self.0.is_some()
    }

    pub(super) fn text(self) -> Option<String> {
        self.0.map(decimal_text)
    }
}

/// Units of each currency for a dollar, in units of 10⁻⁸, by day.
#[derive(Debug, Default)]
pub(super) struct Rates(HashMap<(String, NaiveDate), i128>);

impl Rates {
    /// From rows of `currency`, `day` and `per_usd`.
    pub(super) fn of(rows: &[Row]) -> Self {
        let rate = |row: &Row| {
            let text = |name: &str| row.get(name).and_then(Value::as_str);
            let mut per_usd: Decimal = text("per_usd")?.parse().ok()?;
            per_usd.rescale(8);
            Some(((text("currency")?.to_owned(), text("day")?.parse().ok()?), per_usd.mantissa()))
        };
        Self(rows.iter().filter_map(rate).collect())
    }

    /// What an amount in minor units of a currency was worth.
    pub(super) fn dollars(&self, minor: i128, currency: Option<&str>, day: NaiveDate) -> Dollars {
        let worth = || {
            let currency = currency?;
            let per_usd = self.0.get(&(currency.to_owned(), day)).copied();
            in_dollars(i64::try_from(minor).ok()?, currency, per_usd)
        };
        Dollars(worth())
    }
}
