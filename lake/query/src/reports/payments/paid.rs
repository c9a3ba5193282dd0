//! Figures of the payments in a file of `payments`, by the day of their first event.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use arrow::{array::RecordBatch, datatypes::Int64Type, error::ArrowError};
use cauce_tables::{Derived, PlanError, PlannedFile, Planner, Wanted, typed::Columns};
use chrono::{Datelike, NaiveDate, TimeDelta};

use super::{
    Which,
    dollars::{Dollars, Rates},
    names::{Names, at, of_day},
    outcomes::{Count, Ended},
};
use crate::{files::Decoded, provider::Kind};

/// Microseconds of an hour and of a day.
const HOUR: i64 = 3_600_000_000;
pub(super) const DAY: i64 = 24 * HOUR;

/// What a file says of each day.
#[derive(Debug, Default)]
pub(crate) struct PaidFile {
    days: Vec<(i64, Day)>,
    providers: Names,
    currencies: Names,
    statuses: Names,
    reasons: Names,
    countries: Names,
    merchants: Names,
    methods: Names,
}

/// Payments of one day: by the numbers of what they have in common.
#[derive(Debug, Default)]
struct Day {
    hours: [Count; 24],
    countries: Vec<Count>,
    merchants: Vec<Count>,
    methods: Vec<Count>,
    /// By status, then by reason.
    statuses: Vec<Vec<u64>>,
    /// By provider, then by currency.
    money: Vec<Vec<DayMoney>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct DayMoney {
    count: Count,
    captured: i128,
    refunded: i128,
    /// Payments with something captured.
    capturing: u64,
}

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

const COLUMNS: [&str; 10] = [
    "provider",
    "currency",
    "status_category",
    "failure_reason",
    "country",
    "merchant_id",
    "payment_method",
    "first_event_at",
    "captured_minor",
    "refunded_minor",
];

impl Decoded for PaidFile {
    const OF: Kind = Kind::Derived(Derived::Payments);
    /// Years of some providers with thousands of merchants.
    const KEPT: u64 = 128 << 20;
    type Question = Which;

    async fn read(planner: Planner, planned: PlannedFile, which: Which) -> Result<Self, PlanError> {
        let wanted =
            Wanted { columns: &COLUMNS, repeated: &COLUMNS[..7], values: &which.values(), test: None };
        let mut file = Self::default();
        for batch in planner.read_where(&planned, wanted).await? {
            let broken = |source: ArrowError| PlanError::File {
                path: planned.meta.location.clone(),
                source: source.into(),
            };
            file.take(&batch).map_err(broken)?;
        }
        Ok(file)
    }

    fn bytes(&self) -> usize {
        let names = [
            &self.providers,
            &self.currencies,
            &self.statuses,
            &self.reasons,
            &self.countries,
            &self.merchants,
            &self.methods,
        ];
        let of_day = |day: &Day| {
            let counts = 24 + day.countries.len() + day.merchants.len() + day.methods.len();
            let money: usize = day.money.iter().map(Vec::len).sum();
            let statuses: usize = day.statuses.iter().map(Vec::len).sum();
            counts * size_of::<Count>() + money * size_of::<DayMoney>() + statuses * 8 + size_of::<Day>()
        };
        names.into_iter().map(Names::bytes).sum::<usize>()
            + self.days.iter().map(|(_, day)| of_day(day)).sum::<usize>()
    }
}

impl PaidFile {
    fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let columns = Columns(batch);
        let providers = self.providers.of(columns, "provider")?;
        let currencies = self.currencies.of(columns, "currency")?;
        let statuses = self.statuses.of(columns, "status_category")?;
        let reasons = self.reasons.of(columns, "failure_reason")?;
        let countries = self.countries.of(columns, "country")?;
        let merchants = self.merchants.of(columns, "merchant_id")?;
        let methods = self.methods.of(columns, "payment_method")?;
        let ended: Vec<Ended> =
            self.statuses.texts().map(|status| status.map_or(Ended::Neither, Ended::of)).collect();
        let times = columns.times("first_event_at")?;
        let captured = columns.primitive::<Int64Type>("captured_minor")?;
        let refunded = columns.primitive::<Int64Type>("refunded_minor")?;
        for row in 0..batch.num_rows() {
            let time = times.value(row);
            let day = of_day(&mut self.days, time.div_euclid(DAY));
            let hour = usize::try_from(time.rem_euclid(DAY) / HOUR).unwrap_or_default();
            let status = statuses.row(row);
            let ended = ended[status];
            day.hours[hour].see(ended);
            at(&mut day.countries, countries.row(row)).see(ended);
            at(&mut day.merchants, merchants.row(row)).see(ended);
            at(&mut day.methods, methods.row(row)).see(ended);
            *at(at(&mut day.statuses, status), reasons.row(row)) += 1;
            let money = at(at(&mut day.money, providers.row(row)), currencies.row(row));
            money.count.see(ended);
            money.captured += i128::from(captured.value(row));
            money.refunded += i128::from(refunded.value(row));
            money.capturing += u64::from(captured.value(row) > 0);
        }
        Ok(())
    }

    /// Adds the days of a period.
    pub(super) fn add_to(&self, paid: &mut Paid, period: &RangeInclusive<NaiveDate>, rates: &Rates) {
        for (number, of_day) in &self.days {
            let day = NaiveDate::default() + TimeDelta::days(*number);
            if !period.contains(&day) {
                continue;
            }
            let weekday = i64::from(day.weekday().number_from_monday());
            for (hour, count) in (0..).zip(&of_day.hours).filter(|(_, count)| count.payments > 0) {
                paid.hours.entry((weekday, hour)).or_default().add(*count);
            }
            for (names, counts, groups) in [
                (&self.countries, &of_day.countries, &mut paid.countries),
                (&self.merchants, &of_day.merchants, &mut paid.merchants),
                (&self.methods, &of_day.methods, &mut paid.methods),
            ] {
                for (name, count) in names.zip(counts).filter(|(_, count)| count.payments > 0) {
                    match groups.get_mut(name) {
                        Some(group) => group.add(*count),
                        None => drop(groups.insert(name.clone(), *count)),
                    }
                }
            }
            for (status, by_reason) in self.statuses.zip(&of_day.statuses) {
                for (reason, count) in self.reasons.zip(by_reason).filter(|(_, count)| **count > 0) {
                    let key = (status.clone().unwrap_or_default(), reason.clone());
                    *paid.statuses.entry(key).or_default() += count;
                }
            }
            for (provider, by_currency) in self.providers.zip(&of_day.money) {
                for (currency, of_day) in self.currencies.zip(by_currency) {
                    if of_day.count.payments > 0 {
                        let key = (provider.clone().unwrap_or_default(), currency.clone());
                        // Sums of a day are worth what a payment of it would be.
                        let usd = rates.dollars(of_day.captured, currency.as_deref(), day);
                        paid.money.entry(key).or_default().add(&Money {
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
