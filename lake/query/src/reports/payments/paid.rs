//! Figures of payments, by the day of their first event, added up over a period.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use cauce_tables::{
    Derived, Figures, PaymentFigures, PlanError, PlannedFile, Planner, Wanted, figures::Count,
};
use chrono::{Datelike, NaiveDate, TimeDelta};

use super::{
    Which,
    dollars::{Dollars, Rates},
};
use crate::{files::Decoded, provider::Kind};

/// Figures of a period.
#[derive(Debug, Default)]
pub(super) struct Paid {
    /// By provider and currency.
    pub(super) money: BTreeMap<(String, Option<String>), Money>,
    /// By status and reason.
    pub(super) statuses: BTreeMap<(String, Option<String>), u64>,
    pub(super) countries: HashMap<Option<String>, Count>,
    pub(super) merchants: HashMap<Option<String>, Count>,
    pub(super) methods: HashMap<Option<String>, Count>,
    /// By day of the week, monday is 1, and hour.
    pub(super) hours: BTreeMap<(i64, i64), Count>,
}

/// What was taken and went back, in minor units where they are of one currency.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Money {
    pub(super) count: Count,
    pub(super) captured: i128,
    pub(super) refunded: i128,
    pub(super) captured_usd: Dollars,
    /// Payments with something captured whose worth is not known.
    pub(super) without_rate: u64,
}

impl Money {
    pub(super) fn add(&mut self, other: &Self) {
        self.count.add(other.count);
        self.captured += other.captured;
        self.refunded += other.refunded;
        self.captured_usd.add(other.captured_usd);
        self.without_rate += other.without_rate;
    }
}

impl Decoded for PaymentFigures {
    const OF: Kind = Kind::Derived(Derived::Payments);
    /// Years of some providers with thousands of merchants.
    const KEPT: u64 = 128 << 20;
    type Question = Which;

    async fn read(planner: Planner, planned: PlannedFile, which: Which) -> Result<Self, PlanError> {
        if which.is_all()
            && let Some(counted) = planner.figures(&planned).await?
        {
            return Ok(counted);
        }
        let repeated = &Self::COLUMNS[..Self::REPEATED];
        let wanted = Wanted { columns: Self::COLUMNS, repeated, values: &which.values(), test: None };
        let mut file = Self::default();
        planner.read_each(&planned, wanted, |batch| file.take(batch)).await?;
        Ok(file)
    }

    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}

impl Paid {
    /// Adds the days of a period.
    pub(super) fn add(&mut self, file: &PaymentFigures, period: &RangeInclusive<NaiveDate>, rates: &Rates) {
        for (number, of_day) in &file.days {
            let day = NaiveDate::default() + TimeDelta::days(*number);
            if !period.contains(&day) {
                continue;
            }
            let weekday = i64::from(day.weekday().number_from_monday());
            for (hour, count) in (0..).zip(&of_day.hours).filter(|(_, count)| count.payments > 0) {
                self.hours.entry((weekday, hour)).or_default().add(*count);
            }
            for (names, counts, groups) in [
                (&file.countries, &of_day.countries, &mut self.countries),
                (&file.merchants, &of_day.merchants, &mut self.merchants),
                (&file.methods, &of_day.methods, &mut self.methods),
            ] {
                for (name, count) in names.zip(counts).filter(|(_, count)| count.payments > 0) {
                    match groups.get_mut(name) {
                        Some(group) => group.add(*count),
                        None => drop(groups.insert(name.clone(), *count)),
                    }
                }
            }
            for (status, by_reason) in file.statuses.zip(&of_day.statuses) {
                for (reason, count) in file.reasons.zip(by_reason).filter(|(_, count)| **count > 0) {
                    let key = (status.clone().unwrap_or_default(), reason.clone());
                    *self.statuses.entry(key).or_default() += count;
                }
            }
            for (provider, by_currency) in file.providers.zip(&of_day.money) {
                for (currency, of_day) in file.currencies.zip(by_currency) {
                    if of_day.count.payments > 0 {
                        let key = (provider.clone().unwrap_or_default(), currency.clone());
                        // Sums of a day are worth what a payment of it would be.
                        let usd = rates.dollars(of_day.captured, currency.as_deref(), day);
                        self.money.entry(key).or_default().add(&Money {
                            count: of_day.count,
                            captured: of_day.captured,
                            refunded: of_day.refunded,
                            captured_usd: usd,
                            without_rate: if usd.is_known() { 0 } else { of_day.capturing },
                        });
                    }
                }
            }
        }
    }
}
