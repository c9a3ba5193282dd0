//! Figures of the payments in a file of `payments`, by the day of their first event.

use arrow::{array::RecordBatch, datatypes::Int64Type, error::ArrowError};
use serde::{Deserialize, Serialize};

use super::{
    Count, Ended, Figures, Names,
    names::{at, of_day},
};
use crate::typed::Columns;

/// Microseconds of an hour and of a day.
const HOUR: i64 = 3_600_000_000;
pub(super) const DAY: i64 = 24 * HOUR;

/// What a file of `payments` says of each day.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PaymentFigures {
    /// Days since 1970, and what is counted of each.
    pub days: Vec<(i64, OfPayments)>,
    /// Texts by their numbers.
    pub providers: Names,
    /// The same of currencies.
    pub currencies: Names,
    /// Of `status_category`.
    pub statuses: Names,
    /// Of `failure_reason`.
    pub reasons: Names,
    /// Of countries.
    pub countries: Names,
    /// Of merchants.
    pub merchants: Names,
    /// Of ways of paying.
    pub methods: Names,
}

/// Payments of one day: by the numbers of what they have in common.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct OfPayments {
    /// By the hour of the day, UTC.
    pub hours: [Count; 24],
    /// By country.
    pub countries: Vec<Count>,
    /// By merchant.
    pub merchants: Vec<Count>,
    /// By the way of paying.
    pub methods: Vec<Count>,
    /// By status, then by reason.
    pub statuses: Vec<Vec<u64>>,
    /// By provider, then by currency.
    pub money: Vec<Vec<Captured>>,
}

/// What was taken and went back, in minor units.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Captured {
    /// The payments.
    pub count: Count,
    /// What was taken.
    pub captured: i128,
    /// What went back.
    pub refunded: i128,
    /// Payments with something captured.
    pub capturing: u64,
}

/// How payments ended, by day and by whatever else has a number. Each column goes through the rows by itself: that is short
/// work a row, and what is counted into stays close.
struct Tally<'r> {
    /// Of each row the place of its day.
    days: &'r [usize],
    /// Of each row how it ended.
    ended: &'r [usize],
}

impl Tally<'_> {
    /// Days times numbers for which a table is cleared and gone through. With more of them, as when a year of thousands of
    /// merchants is brought at once, each row is added by itself.
    const LARGEST: usize = 1 << 15;

    /// Counts rows by day and number, of so many numbers.
    fn by(&self, numbers: &[usize], of: usize, mut add: impl FnMut(usize, usize, Count)) {
        let rows = self.days.iter().zip(self.ended).zip(numbers);
        let size = of * self.days.iter().max().map_or(0, |last| last + 1);
        if size > Self::LARGEST.max(numbers.len()) {
            for ((day, ended), number) in rows {
                let mut one = [0; Ended::ALL];
                one[*ended] = 1;
                add(*day, *number, Count::of(one));
            }
            return;
        }
        let mut counts = vec![[0_u64; Ended::ALL]; size];
        for ((day, ended), number) in rows {
            counts[day * of + number][*ended] += 1;
        }
        for (place, by_end) in counts.into_iter().enumerate().filter(|(_, by_end)| *by_end != [0; Ended::ALL])
        {
            add(place / of, place % of, Count::of(by_end));
        }
    }
}

impl Figures for PaymentFigures {
    const COLUMNS: &'static [&'static str] = &[
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
    const REPEATED: usize = 7;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let columns = Columns(batch);
        let providers = self.providers.of(columns, "provider")?;
        let currencies = self.currencies.of(columns, "currency")?;
        let statuses = self.statuses.of(columns, "status_category")?;
        let reasons = self.reasons.of(columns, "failure_reason")?;
        let countries = self.countries.of(columns, "country")?;
        let merchants = self.merchants.of(columns, "merchant_id")?;
        let methods = self.methods.of(columns, "payment_method")?;
        let by_status: Vec<usize> =
            self.statuses.texts().map(|status| status.map_or(Ended::Neither, Ended::of) as usize).collect();
        let ended: Vec<usize> = statuses.iter().map(|status| by_status[*status]).collect();
        let times = columns.times("first_event_at")?.values();
        let day = |time: &i64| of_day(&mut self.days, time.div_euclid(DAY));
        let on: Vec<usize> = times.iter().map(day).collect();
        let tally = Tally { days: &on, ended: &ended };
        let days = &mut self.days;
        let hour = |time: &i64| usize::try_from(time.rem_euclid(DAY) / HOUR).unwrap_or_default();
        let hours: Vec<usize> = times.iter().map(hour).collect();
        tally.by(&hours, 24, |day, hour, count| days[day].1.hours[hour].add(count));
        tally.by(&countries, self.countries.len(), |day, country, count| {
            at(&mut days[day].1.countries, country).add(count);
        });
        tally.by(&merchants, self.merchants.len(), |day, merchant, count| {
            at(&mut days[day].1.merchants, merchant).add(count);
        });
        tally.by(&methods, self.methods.len(), |day, method, count| {
            at(&mut days[day].1.methods, method).add(count);
        });
        let both = |left: &[usize], right: &[usize], of: usize| -> Vec<usize> {
            left.iter().zip(right).map(|(left, right)| left * of + right).collect()
        };
        let all = self.reasons.len();
        tally.by(&both(&statuses, &reasons, all), self.statuses.len() * all, |day, number, count| {
            *at(at(&mut days[day].1.statuses, number / all), number % all) += count.payments;
        });
        let all = self.currencies.len();
        let kinds = both(&providers, &currencies, all);
        tally.by(&kinds, self.providers.len() * all, |day, number, count| {
            at(at(&mut days[day].1.money, number / all), number % all).count.add(count);
        });
        let captured = columns.primitive::<Int64Type>("captured_minor")?.values();
        let refunded = columns.primitive::<Int64Type>("refunded_minor")?.values();
        for (((day, kind), captured), refunded) in on.iter().zip(&kinds).zip(captured).zip(refunded) {
            if *captured != 0 || *refunded != 0 {
                let money = &mut days[*day].1.money[kind / all][kind % all];
                money.captured += i128::from(*captured);
                money.refunded += i128::from(*refunded);
                money.capturing += u64::from(*captured > 0);
            }
        }
        Ok(())
    }
}

impl PaymentFigures {
    /// About how many bytes they take in memory.
    pub fn bytes(&self) -> usize {
        let names = [
            &self.providers,
            &self.currencies,
            &self.statuses,
            &self.reasons,
            &self.countries,
            &self.merchants,
            &self.methods,
        ];
        let of_day = |day: &OfPayments| {
            let counts = 24 + day.countries.len() + day.merchants.len() + day.methods.len();
            let money: usize = day.money.iter().map(Vec::len).sum();
            let statuses: usize = day.statuses.iter().map(Vec::len).sum();
            counts * size_of::<Count>()
                + money * size_of::<Captured>()
                + statuses * 8
                + size_of::<OfPayments>()
        };
        names.into_iter().map(Names::bytes).sum::<usize>()
            + self.days.iter().map(|(_, day)| of_day(day)).sum::<usize>()
    }
}
