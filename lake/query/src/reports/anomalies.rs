//! Providers that do not behave as they usually do: the last full hour against the same hour of the weeks before.
//!
//! | measure | usual | unusual |
//! |---|---|---|
//! | `volume` | median of the payments in that hour of the week, of the 8 weeks before | further away than 4 robust standard deviations (1.4826 × median deviation) *and* than 4 standard deviations of a Poisson process |
//! | `success_rate` | share of those hours together | outside of Wilson's interval at 99.9 % of the hour, by 5 points or more, with 20 payments or more that succeeded or failed |
//!
//! A provider is judged when 4 of those hours or more had payments of it.

use std::collections::BTreeMap;

use cauce_tables::{
    Days, Derived,
    figures::{FAILED, SUCCEEDED},
};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

use super::payments::{Outcomes, in_sql, wilson_at};
use crate::{Lake, QueryError, Reads, history::literal};

/// Weeks that are looked back.
const WEEKS: i32 = 8;
/// Hours that must have had payments.
const LEAST_HOURS: usize = 4;
/// Payments that must have succeeded or failed for a rate to be judged.
const LEAST_CONCLUDED: u64 = 20;
/// Points by which a rate must be away.
const LEAST_POINTS: f64 = 0.05;
/// Standard deviations by which a volume must be away.
const DEVIATIONS: f64 = 4.0;
/// Of 99.9 %.
const Z: f64 = 3.290_527;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Payments in an hour.
    Volume,
    /// Share of them that succeeded.
    SuccessRate,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Volume, Self::SuccessRate];

    /// Its name, as in answers and figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::SuccessRate => "success_rate",
        }
    }
}

/// A provider's hour beside what is usual.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The provider.
    pub provider: String,
    /// What was measured.
    pub measure: Measure,
    /// The hour's first moment.
    pub hour: DateTime<Utc>,
    /// What it was.
    pub value: Option<f64>,
    /// What it usually is.
    pub usual: f64,
    /// The least that would not be unusual.
    pub low: f64,
    /// The most that would not be unusual.
    pub high: f64,
    /// Hours of the weeks before that say what is usual.
    pub hours: usize,
    /// It is outside.
    pub is_anomaly: bool,
}

impl Lake {
    /// What judging providers is made from.
    pub fn anomalies_read() -> Vec<Reads> {
        vec![Reads::Derived(Derived::Payments, Days::ALL)]
    }

    /// The last hour that is over, for every provider that has a past.
    pub async fn payment_anomalies(&self, now: DateTime<Utc>) -> Result<Vec<Judged>, QueryError> {
        let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) - TimeDelta::hours(1);
        let begins = (0..=WEEKS).map(|week| hour - TimeDelta::weeks(i64::from(week)));
        let within: Vec<String> = begins
            .map(|begin| {
                let end = begin + TimeDelta::hours(1);
                format!("(first_event_at >= {} AND first_event_at < {})", literal(begin), literal(end))
            })
            .collect();
        let (succeeded, failed) = (in_sql(&SUCCEEDED), in_sql(&FAILED));
        let first = hour - TimeDelta::weeks(i64::from(WEEKS));
        let sql = format!(
            "SELECT provider, date_trunc('hour', first_event_at) AS hour, count(*) AS payments,
                    count(*) FILTER (WHERE status_category IN {succeeded}) AS succeeded,
                    count(*) FILTER (WHERE status_category IN {failed}) AS failed
             FROM payments WHERE date >= DATE '{}' AND first_event_at >= {} AND ({}) GROUP BY 1, 2",
            // What happened before was received after; clocks may differ by some.
            (first - TimeDelta::days(1)).date_naive(),
            literal(first),
            within.join(" OR ")
        );
        let mut providers: BTreeMap<String, (Outcomes, Vec<Outcomes>)> = BTreeMap::new();
        for row in self.rows(&sql).await? {
            let text = |name: &str| row.get(name).and_then(Value::as_str);
            let count = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or(0);
            let (Some(provider), Some(at)) = (text("provider"), text("hour")) else { continue };
            let outcomes = Outcomes::of(count("payments"), count("succeeded"), count("failed"));
            let (current, past) = providers.entry(provider.to_owned()).or_default();
            match at.parse::<DateTime<Utc>>() {
                Ok(at) if at == hour => *current = outcomes,
                _ => past.push(outcomes),
            }
        }
        let judged = providers.into_iter().filter(|(_, (_, past))| past.len() >= LEAST_HOURS);
        Ok(judged.flat_map(|(provider, (current, past))| judge(&provider, hour, current, &past)).collect())
    }
}

fn judge(provider: &str, hour: DateTime<Utc>, current: Outcomes, past: &[Outcomes]) -> Vec<Judged> {
    let judged = |measure, value: Option<f64>, usual: f64, (low, high): (f64, f64), is_anomaly| Judged {
        provider: provider.to_owned(),
        measure,
        hour,
        value,
        usual,
        low,
        high,
        hours: past.len(),
        is_anomaly,
    };
    // Weeks without any count as none: a provider that comes every other week is not silent in between.
    let mut volumes: Vec<f64> = past.iter().map(|outcomes| outcomes.payments as f64).collect();
    volumes.resize(WEEKS as usize, 0.0);
    let usual = median(&mut volumes);
    let mut away: Vec<f64> = volumes.iter().map(|volume| (volume - usual).abs()).collect();
    let spread = (1.4826 * median(&mut away)).max(usual.sqrt()).max(1.0) * DEVIATIONS;
    let volume = current.payments as f64;
    let mut all = vec![judged(
        Measure::Volume,
        Some(volume),
        usual,
        ((usual - spread).max(0.0), usual + spread),
        (volume - usual).abs() > spread,
    )];
    let (succeeded, failed) =
        past.iter().fold((0, 0), |(hits, misses), one| (hits + one.succeeded, misses + one.failed));
    let concluded = current.succeeded + current.failed;
    if succeeded + failed >= LEAST_CONCLUDED
        && concluded >= LEAST_CONCLUDED
        && let Some((rate, low, high)) = wilson_at(current.succeeded, concluded, Z)
    {
        let usual = succeeded as f64 / (succeeded + failed) as f64;
        let is_anomaly = (usual < low || usual > high) && (rate - usual).abs() >= LEAST_POINTS;
        // The band around what is usual in which this hour would have been ordinary.
        let band = ((usual - (rate - low)).max(0.0), (usual + (high - rate)).min(1.0));
        all.push(judged(Measure::SuccessRate, Some(rate), usual, band, is_anomaly));
    }
    all
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anomalies(current: Outcomes, past: &[Outcomes]) -> Vec<Measure> {
        let judged = judge("stripe", DateTime::UNIX_EPOCH, current, past);
        judged.into_iter().filter(|judged| judged.is_anomaly).map(|judged| judged.measure).collect()
    }

    #[test]
    fn an_hour_like_the_others_is_none_and_one_unlike_them_is() {
        let usual: Vec<Outcomes> = (0..8).map(|week| Outcomes::of(100 + week, 90, 10)).collect();
        assert_eq!(anomalies(Outcomes::of(104, 92, 12), &usual), []);
        assert_eq!(anomalies(Outcomes::of(98, 60, 38), &usual), [Measure::SuccessRate]);
        assert_eq!(anomalies(Outcomes::of(0, 0, 0), &usual), [Measure::Volume]);
        assert_eq!(anomalies(Outcomes::of(300, 270, 30), &usual), [Measure::Volume]);
        // Few payments say little.
        assert_eq!(anomalies(Outcomes::of(90, 4, 8), &usual), []);
    }

    #[test]
    fn a_small_provider_may_be_silent_for_an_hour() {
        let few: Vec<Outcomes> = (0..8).map(|week| Outcomes::of(1 + week % 3, 1, 0)).collect();
        assert_eq!(anomalies(Outcomes::of(0, 0, 0), &few), []);
    }
}
