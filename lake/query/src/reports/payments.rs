//! How payments went: by provider, country, merchant, method, currency and hour, with what can be said of so many.
//!
//! A payment counts once, by what became of it, in the period of its first event. It *succeeded* if money was taken or
//! reserved (also where it went back later), and *failed* if it was declined, failed or expired; what waits, was given up,
//! or is not known, is neither. The success rate is succeeded / (succeeded + failed), between the bounds of Wilson's
//! interval at 95 %: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

use std::collections::BTreeMap;

use cauce_tables::{Days, Derived, Table};
use chrono::NaiveDate;
use futures::try_join;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::Row;
use crate::{Lake, QueryError, Reads, history::quoted};

/// Payments and events of which days, and which of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentsQuestion {
    /// The first day, UTC.
    pub first: NaiveDate,
    /// The last day; it counts.
    pub last: NaiveDate,
    /// Of one provider.
    pub provider: Option<String>,
    /// Of one country.
    pub country: Option<String>,
    /// Of one merchant.
    pub merchant_id: Option<String>,
    /// Paid in one way.
    pub payment_method: Option<String>,
    /// In one currency.
    pub currency: Option<String>,
}

/// `GET /api/v1/metrics/summary`, and `/api/v1/metrics/providers/{provider}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaymentMetrics {
    /// The first day.
    pub start_date: NaiveDate,
    /// The last day.
    pub end_date: NaiveDate,
    /// All payments.
    #[serde(flatten)]
    pub all: Outcomes,
    /// Events of the period.
    pub total_events: u64,
    /// Payments by what became of them.
    pub by_status: Vec<Counted>,
    /// Events by what they say.
    pub events_by_status: Vec<Counted>,
    /// How long events took to be received.
    pub latency_ms: Latency,
    /// By provider, each with how long its events took.
    pub providers: Vec<ProviderOutcomes>,
    /// Why payments failed, the most frequent first.
    pub top_failure_reasons: Vec<Counted>,
    /// By country of the payment or the payer.
    pub countries: Vec<Named>,
    /// By merchant at its provider.
    pub merchants: Vec<Named>,
    /// By the way of paying.
    pub payment_methods: Vec<Named>,
    /// By currency, with amounts in minor units of it.
    pub currencies: Vec<InCurrency>,
    /// By hour of the week, UTC: monday is 1.
    pub hours: Vec<Hour>,
}

/// Payments, and how they went.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Outcomes {
    /// All of them.
    pub payments: u64,
    /// Those whose money was taken or reserved.
    pub succeeded: u64,
    /// Those that were declined, failed or expired.
    pub failed: u64,
    /// Succeeded of succeeded and failed, 0 to 1; none where there is neither.
    pub success_rate: Option<f64>,
    /// It is at least this, at 95 %.
    pub success_rate_low: Option<f64>,
    /// It is at most this, at 95 %.
    pub success_rate_high: Option<f64>,
}

/// How many there are of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// What.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// Milliseconds from when something happened to when it was received; of percentiles the approximate one of a t-digest.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Latency {
    /// Events whose provider says when they happened.
    pub events: u64,
    /// The mean.
    pub average: Option<f64>,
    /// Half of them took less.
    pub p50: Option<i64>,
    /// 95 in a hundred took less.
    pub p95: Option<i64>,
    /// 99 in a hundred took less.
    pub p99: Option<i64>,
}

/// One provider.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProviderOutcomes {
    /// Its name.
    pub provider: String,
    /// How its payments went.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// Its events in the period.
    pub events: u64,
    /// How long they took.
    pub latency_ms: Latency,
    /// What was captured, in dollars, as far as rates are known.
    pub captured_usd: Option<String>,
    /// Payments with something captured whose worth in dollars is not known.
    pub without_rate: u64,
}

/// Payments with something in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named {
    /// What; none where no event of the payment says it.
    pub name: Option<String>,
    /// How they went.
    #[serde(flatten)]
    pub outcomes: Outcomes,
}

/// Payments in one currency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InCurrency {
    /// The currency; none where no event says it.
    pub currency: Option<String>,
    /// How they went.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// What was captured, in minor units.
    pub captured_minor: i64,
    /// What went back, in minor units.
    pub refunded_minor: i64,
    /// What was captured, in dollars; none without rates.
    pub captured_usd: Option<String>,
}

/// Payments of one hour of the week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hour {
    /// 1 is monday, 7 sunday.
    pub weekday: i64,
    /// 0 to 23, UTC.
    pub hour: i64,
    /// How they went.
    #[serde(flatten)]
    pub outcomes: Outcomes,
}

/// Members of a list of names at most; the rest is the smallest.
const MOST: usize = 50;

/// The words of a status that say that a payment succeeded, and that it failed.
pub(super) const SUCCEEDED: &str =
    "('APPROVED', 'AUTHORIZED', 'REFUNDED', 'PARTIALLY_REFUNDED', 'CHARGEBACK')";
pub(super) const FAILED: &str = "('DECLINED', 'FAILED', 'EXPIRED')";

impl Outcomes {
    /// Of so many that succeeded and failed.
    pub fn of(payments: u64, succeeded: u64, failed: u64) -> Self {
        let interval = wilson(succeeded, succeeded + failed);
        Self {
            payments,
            succeeded,
            failed,
            success_rate: interval.map(|(rate, ..)| rate),
            success_rate_low: interval.map(|(_, low, _)| low),
            success_rate_high: interval.map(|(.., high)| high),
        }
    }

    fn and(self, other: Self) -> Self {
        Self::of(self.payments + other.payments, self.succeeded + other.succeeded, self.failed + other.failed)
    }
}

/// The share of `hits` in `all`, and its bounds at 95 %, to six digits; none of nothing.
pub(super) fn wilson(hits: u64, all: u64) -> Option<(f64, f64, f64)> {
    wilson_at(hits, all, 1.959_964)
}

/// The same at `z` standard deviations.
pub(super) fn wilson_at(hits: u64, all: u64, z: f64) -> Option<(f64, f64, f64)> {
    if all == 0 {
        return None;
    }
    let (hits, all) = (hits as f64, all as f64);
    let share = hits / all;
    let spread = z * (share * (1.0 - share) / all + z * z / (4.0 * all * all)).sqrt();
    let (centre, scale) = (share + z * z / (2.0 * all), 1.0 + z * z / all);
    let rounded = |share: f64| (share.clamp(0.0, 1.0) * 1e6).round() / 1e6;
    Some((rounded(share), rounded((centre - spread) / scale), rounded((centre + spread) / scale)))
}

impl PaymentsQuestion {
    /// What the answer is made from.
    pub fn reads(&self) -> Vec<Reads> {
        vec![
            Reads::Derived(Derived::Payments, Days::ALL),
            Reads::Observed(Table::FactPaymentEvents, self.days()),
            Reads::Observed(Table::FactFxRates, Days::ALL),
        ]
    }

    fn days(&self) -> Days {
        Days { first: self.first.pred_opt(), last: None }
    }

    fn which(&self) -> String {
        let wanted = [
            ("provider", &self.provider),
            ("country", &self.country),
            ("merchant_id", &self.merchant_id),
            ("payment_method", &self.payment_method),
            ("currency", &self.currency),
        ];
        let one = |(column, wanted): (&str, &Option<String>)| {
            wanted.as_ref().map(|value| format!(" AND {column} = {}", quoted(value)))
        };
        wanted.into_iter().filter_map(one).collect()
    }

    fn within(&self, time: &str) -> String {
        let after = self.last.succ_opt().unwrap_or(self.last);
        let (first, which) = (self.first, self.which());
        format!("{time} >= TIMESTAMP '{first}T00:00:00Z' AND {time} < TIMESTAMP '{after}T00:00:00Z'{which}")
    }

    fn payments(&self) -> String {
        self.within("first_event_at")
    }

    /// Events by when they happened. They were not obtained before, but for clocks that disagree.
    fn events(&self) -> String {
        let obtained = self.days().first.map(|day| format!("date >= DATE '{day}' AND ")).unwrap_or_default();
        format!("{obtained}{}", self.within("coalesce(occurred_at, received_at)"))
    }
}

impl Lake {
    /// How payments went.
    pub async fn payment_metrics(&self, asked: &PaymentsQuestion) -> Result<PaymentMetrics, QueryError> {
        let (payments, events) = (asked.payments(), asked.events());
        let grouped = |columns: &str, also: &str, by: &str| {
            format!(
                "SELECT {columns}, count(*) AS payments,
                        count(*) FILTER (WHERE status_category IN {SUCCEEDED}) AS succeeded,
                        count(*) FILTER (WHERE status_category IN {FAILED}) AS failed{also}
                 FROM payments WHERE {payments} GROUP BY {by}"
            )
        };
        let by_day = grouped(
            "provider, currency, CAST(first_event_at AS DATE) AS day",
            ", sum(captured_minor) AS captured, sum(refunded_minor) AS refunded,
             count(*) FILTER (WHERE captured_minor > 0) AS capturing",
            "1, 2, 3",
        );
        // Sums of a day are worth what a payment of it would be, and there are few of them.
        let money = format!(
            "SELECT g.provider, g.currency, sum(g.payments) AS payments, sum(g.succeeded) AS succeeded,
                    sum(g.failed) AS failed, sum(g.captured) AS captured_minor, sum(g.refunded) AS refunded_minor,
                    sum(usd_value(g.captured, g.currency, r.per_usd)) AS captured_usd,
                    sum(g.capturing) FILTER (WHERE usd_value(g.captured, g.currency, r.per_usd) IS NULL) AS without_rate
             FROM ({by_day}) g
             LEFT JOIN daily_fx_rates r ON r.currency = g.currency AND r.day = g.day
             GROUP BY g.provider, g.currency"
        );
        let statuses = format!(
            "SELECT status_category AS name, failure_reason AS reason, count(*) AS count FROM payments
             WHERE {payments} GROUP BY status_category, failure_reason"
        );
        let hours = grouped(
            "date_part('isodow', first_event_at) AS weekday, date_part('hour', first_event_at) AS hour",
            "",
            "1, 2",
        );
        let received = format!(
            "SELECT provider, count(*) AS events, count(latency_ms) AS timed, avg(latency_ms) AS average,
                    CAST(approx_percentile_cont(latency_ms, 0.5) AS BIGINT) AS p50,
                    CAST(approx_percentile_cont(latency_ms, 0.95) AS BIGINT) AS p95,
                    CAST(approx_percentile_cont(latency_ms, 0.99) AS BIGINT) AS p99
             FROM understood_events WHERE {events} GROUP BY ROLLUP (provider)"
        );
        let said = format!(
            "SELECT status_category AS name, count(*) AS count FROM understood_events WHERE {events} GROUP BY 1"
        );
        let (money, statuses, hours, received, said) = try_join!(
            self.rows(&money),
            self.rows(&statuses),
            self.rows(&hours),
            self.rows(&received),
            self.rows(&said),
        )?;
        let named = |column: &'static str| grouped(column, "", column);
        let (countries, merchants, methods) = try_join!(
            self.named(named("country"), "country"),
            self.named(named("merchant_id"), "merchant_id"),
            self.named(named("payment_method"), "payment_method"),
        )?;
        let latencies: BTreeMap<Option<String>, (u64, Latency)> = received
            .iter()
            .map(|row| (text(row, "provider"), (count(row, "events"), latency(row))))
            .collect();
        let (total_events, latency_ms) = latencies.get(&None).copied().unwrap_or_default();
        let providers = providers(&money, &latencies);
        let all = providers.iter().fold(Outcomes::default(), |all, one| all.and(one.outcomes));
        Ok(PaymentMetrics {
            start_date: asked.first,
            end_date: asked.last,
            all,
            total_events,
            by_status: counted(&statuses, "name", |_| true),
            events_by_status: counted(&said, "name", |_| true),
            latency_ms,
            providers,
            top_failure_reasons: counted(&statuses, "reason", |row| {
                text(row, "name").is_some_and(|status| FAILED.contains(&format!("'{status}'")))
            }),
            countries,
            merchants,
            payment_methods: methods,
            currencies: currencies(&money),
            hours: hours_of(&hours),
        })
    }

    async fn named(&self, sql: String, column: &str) -> Result<Vec<Named>, QueryError> {
        let sql = format!("{sql} ORDER BY payments DESC, {column} LIMIT {MOST}");
        let named = |row: &Row| Named { name: text(row, column), outcomes: outcomes(row) };
        Ok(self.rows(&sql).await?.iter().map(named).collect())
    }
}

fn text(row: &Row, column: &str) -> Option<String> {
    row.get(column).and_then(Value::as_str).map(str::to_owned)
}

fn whole(row: &Row, column: &str) -> i64 {
    row.get(column).and_then(Value::as_i64).unwrap_or(0)
}

fn count(row: &Row, column: &str) -> u64 {
    u64::try_from(whole(row, column)).unwrap_or(0)
}

fn outcomes(row: &Row) -> Outcomes {
    Outcomes::of(count(row, "payments"), count(row, "succeeded"), count(row, "failed"))
}

fn latency(row: &Row) -> Latency {
    let number = |column: &str| row.get(column).and_then(Value::as_i64);
    let average = row.get("average").and_then(Value::as_f64);
    Latency {
        events: count(row, "timed"),
        average: average.map(|average| average.round()),
        p50: number("p50"),
        p95: number("p95"),
        p99: number("p99"),
    }
}

/// Counts by what a column says, the most frequent first.
fn counted(rows: &[Row], column: &str, wanted: impl Fn(&Row) -> bool) -> Vec<Counted> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| wanted(row)) {
        if let Some(name) = text(row, column) {
            *counts.entry(name).or_default() += count(row, "count");
        }
    }
    let mut counted: Vec<Counted> = counts.into_iter().map(|(name, count)| Counted { name, count }).collect();
    counted.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.name.cmp(&right.name)));
    counted
}

/// A sum of dollars, and those of a row; what is not known adds nothing.
fn with_dollars(before: Option<Decimal>, row: &Row) -> Option<Decimal> {
    let more = text(row, "captured_usd").and_then(|usd| usd.parse().ok());
    match (before, more) {
        (Some(before), Some(more)) => before.checked_add(more),
        (before, more) => before.or(more),
    }
}

fn providers(money: &[Row], latencies: &BTreeMap<Option<String>, (u64, Latency)>) -> Vec<ProviderOutcomes> {
    let mut found: BTreeMap<String, (Outcomes, Option<Decimal>, u64)> = BTreeMap::new();
    for row in money {
        let Some(provider) = text(row, "provider") else { continue };
        let (all, usd, without) = found.entry(provider).or_default();
        *all = all.and(outcomes(row));
        *usd = with_dollars(*usd, row);
        *without += count(row, "without_rate");
    }
    // Of some there are events and no payments.
    for provider in latencies.keys().flatten() {
        found.entry(provider.clone()).or_default();
    }
    let of = |(provider, (outcomes, usd, without_rate)): (String, (Outcomes, Option<_>, u64))| {
        let (events, latency_ms) = latencies.get(&Some(provider.clone())).copied().unwrap_or_default();
        let captured_usd = usd.map(|usd: Decimal| usd.to_string());
        ProviderOutcomes { provider, outcomes, events, latency_ms, captured_usd, without_rate }
    };
    let mut providers: Vec<ProviderOutcomes> = found.into_iter().map(of).collect();
    providers.sort_by_key(|one| std::cmp::Reverse(one.outcomes.payments));
    providers
}

fn currencies(money: &[Row]) -> Vec<InCurrency> {
    let mut found: BTreeMap<Option<String>, InCurrency> = BTreeMap::new();
    for row in money {
        let currency = text(row, "currency");
        let one = found.entry(currency.clone()).or_insert_with(|| InCurrency {
            currency,
            outcomes: Outcomes::default(),
            captured_minor: 0,
            refunded_minor: 0,
            captured_usd: None,
        });
        one.outcomes = one.outcomes.and(outcomes(row));
        one.captured_minor += whole(row, "captured_minor");
        one.refunded_minor += whole(row, "refunded_minor");
        let before = one.captured_usd.as_deref().and_then(|usd| usd.parse().ok());
        one.captured_usd = with_dollars(before, row).map(|usd| usd.to_string());
    }
    let mut currencies: Vec<InCurrency> = found.into_values().collect();
    currencies.sort_by_key(|one| std::cmp::Reverse(one.outcomes.payments));
    currencies
}

fn hours_of(rows: &[Row]) -> Vec<Hour> {
    let hour = |row: &Row| Hour {
        weekday: whole(row, "weekday"),
        hour: whole(row, "hour"),
        outcomes: outcomes(row),
    };
    let mut hours: Vec<Hour> = rows.iter().map(hour).collect();
    hours.sort_by_key(|hour| (hour.weekday, hour.hour));
    hours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilson_s() {
        // From the literature: 15 of 20 at 95 % lies between 0.531 and 0.888; none of ten may still be 0.278.
        let (share, low, high) = wilson(15, 20).unwrap();
        assert_eq!((share, (low * 1e3).round(), (high * 1e3).round()), (0.75, 531.0, 888.0));
        let (share, low, high) = wilson(0, 10).unwrap();
        assert_eq!((share, low, (high * 1e3).round()), (0.0, 0.0, 278.0));
        assert_eq!(wilson(0, 0), None);
    }
}
