//! What assets were worth on a day.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

/// Units of an asset for one dollar of the United States, by day. A rate holds for its day and six days more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rates {
    per_usd: HashMap<String, BTreeMap<NaiveDate, Decimal>>,
}

impl Rates {
    /// Days after its own that a rate holds for, weekends and holidays among them.
    const HOLDS: u64 = 6;
    const USD: &'static str = "USD";

    /// Adds a rate. Of two for one day, the last holds.
    pub fn add(&mut self, asset: &str, day: NaiveDate, per_usd: Decimal) {
        if per_usd > Decimal::ZERO {
            self.per_usd.entry(asset.to_owned()).or_default().insert(day, per_usd);
        }
    }

    fn per_usd(&self, asset: &str, day: NaiveDate) -> Option<Decimal> {
        if asset == Self::USD {
            return Some(Decimal::ONE);
        }
        let first = day.checked_sub_days(Days::new(Self::HOLDS))?;
        self.per_usd.get(asset)?.range(first..=day).next_back().map(|(_, rate)| *rate)
    }

    /// What an amount of one asset was worth in another on a day; none if that is not known. The same asset is worth itself.
    pub fn value(&self, amount: Decimal, asset: &str, into: &str, day: NaiveDate) -> Option<Decimal> {
        if asset == into || amount.is_zero() {
            return Some(amount);
        }
        amount.checked_mul(self.per_usd(into, day)?)?.checked_div(self.per_usd(asset, day)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_holds_for_a_week_and_goes_by_the_dollar() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let mut rates = Rates::default();
        rates.add("VES", day("2026-03-02"), Decimal::new(400, 1));
        rates.add("BRL", day("2026-03-02"), Decimal::from(5));
        let value = |amount: i64, from, into, on| rates.value(amount.into(), from, into, day(on));
        assert_eq!(value(80, "VES", "USD", "2026-03-08"), Some(Decimal::from(2)));
        assert_eq!(value(80, "VES", "BRL", "2026-03-02"), Some(Decimal::from(10)));
        assert_eq!(value(80, "VES", "USD", "2026-03-09"), None, "it is a week old");
        assert_eq!(value(80, "VES", "USD", "2026-03-01"), None, "it is of a day later");
        assert_eq!(value(80, "BNB", "BNB", "2026-03-01"), Some(Decimal::from(80)));
        assert_eq!(value(1, "BNB", "USD", "2026-03-02"), None);
    }
}
