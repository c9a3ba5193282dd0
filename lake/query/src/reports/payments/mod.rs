//! How payments went: by provider, country, merchant, method, currency and hour, with what can be said of so many.
//!
//! A payment counts once, by what became of it, in the period of its first event. It *succeeded* if money was taken or
//! reserved (also where it went back later), and *failed* if it was declined, failed or expired; what waits, was given up,
//! or is not known, is neither. The success rate is succeeded / (succeeded + failed), between the bounds of Wilson's
//! interval at 95 %: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

//!
//! Each file of `payments` and of `fact_payment_events` is folded once into figures of its days, which are kept
//! (`crate::files`); a period adds them up. Sealed files and those of `payments` have the figures of all their rows in their
//! footers, where whoever wrote them has put them ([`cauce_tables::figures`]): so a first answer reads rows only of the days that
//! are not sealed, or where it is asked for some of them.

mod dollars;
mod outcomes;
mod paid;
mod said;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

use cauce_tables::{
    Days, Derived, Table,
    figures::{Count, Ended},
};
use chrono::NaiveDate;
use dollars::Rates;
use futures::try_join;
pub use outcomes::Outcomes;
pub(super) use outcomes::{in_sql, wilson_at};
use paid::{Money, Paid};
use said::{Said, latency};
use serde::Serialize;

use crate::{Lake, QueryError, Reads};

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

/// How many there are of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// What.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// Milliseconds from when something happened to when it was received; percentiles to a thousandth, rounded down.
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

/// Which payments and events, whatever the period.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Which(Vec<(&'static str, String)>);

impl Which {
    /// Whether it is all of them.
    pub(crate) fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// The columns that must have values.
    fn values(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(column, value)| (*column, value.as_str())).collect()
    }
}

impl PaymentsQuestion {
    /// What the answer is made from.
    pub fn reads(&self) -> Vec<Reads> {
        vec![
            Reads::Derived(Derived::Payments, self.days()),
            Reads::Observed(Table::FactPaymentEvents, self.days()),
            Reads::Observed(Table::FactFxRates, Days::ALL),
        ]
    }

    /// Payments and events by when they happened. They were not obtained before, but for clocks that disagree.
    fn days(&self) -> Days {
        Days { first: self.first.pred_opt(), last: None }
    }

    fn which(&self) -> Which {
        let wanted = [
            ("provider", &self.provider),
            ("country", &self.country),
            ("merchant_id", &self.merchant_id),
            ("payment_method", &self.payment_method),
            ("currency", &self.currency),
        ];
        Which(wanted.into_iter().filter_map(|(column, value)| Some((column, value.clone()?))).collect())
    }
}

impl Lake {
    /// How payments went.
    pub async fn payment_metrics(&self, asked: &PaymentsQuestion) -> Result<PaymentMetrics, QueryError> {
        let (days, which) = (asked.days(), asked.which());
        let (paid, said, rates) =
            try_join!(self.paid().read(days, &which), self.said().read(days, &which), self.rates(asked))?;
        let period = asked.first..=asked.last;
        let read_by_rules = match said::asked_of_models(&said) {
            true => self.read_by_rules().await?,
            false => HashSet::new(),
        };
        let mut payments = Paid::default();
        for file in &paid {
            payments.add(file, &period, &rates);
        }
        let events = Said::of(&said, &period, &read_by_rules);
        Ok(metrics(asked, &payments, &events))
    }

    /// Rates of the days of a period.
    async fn rates(&self, asked: &PaymentsQuestion) -> Result<Rates, QueryError> {
        let sql = format!(
            "SELECT currency, CAST(day AS DATE) AS day, per_usd FROM daily_fx_rates
             WHERE day BETWEEN DATE '{}' AND DATE '{}'",
            asked.first, asked.last
        );
        Ok(Rates::of(&self.rows(&sql).await?))
    }

    /// Events that rules have learned to read since a model was asked.
    async fn read_by_rules(&self) -> Result<HashSet<String>, QueryError> {
        let by = |methods: &str| {
            format!("SELECT event_id FROM fact_payment_events WHERE normalization_method {methods}")
        };
        let sql = format!("{} AND event_id IN ({})", by("= 'rule_based'"), by("IN ('ai', 'hybrid')"));
        let id = |row: &super::Row| row.get("event_id").and_then(|id| id.as_str()).map(str::to_owned);
        Ok(self.rows(&sql).await?.iter().filter_map(id).collect())
    }
}

fn metrics(asked: &PaymentsQuestion, payments: &Paid, events: &Said) -> PaymentMetrics {
    let mut all = Count::default();
    payments.money.values().for_each(|money| all.add(money.count));
    let failed = payments.statuses.iter().filter(|((status, _), _)| Ended::of(status) == Ended::Failed);
    let reasons = failed.filter_map(|((_, reason), count)| Some((reason.clone()?, *count)));
    PaymentMetrics {
        start_date: asked.first,
        end_date: asked.last,
        all: all.into(),
        total_events: events.total.events,
        by_status: counted(payments.statuses.iter().map(|((status, _), count)| (status.clone(), *count))),
        events_by_status: counted(events.statuses.iter().map(|(status, count)| (status.clone(), *count))),
        latency_ms: latency(&events.total),
        providers: providers(payments, events),
        top_failure_reasons: counted(reasons),
        countries: named(&payments.countries),
        merchants: named(&payments.merchants),
        payment_methods: named(&payments.methods),
        currencies: currencies(payments),
        hours: payments
            .hours
            .iter()
            .map(|(&(weekday, hour), count)| Hour { weekday, hour, outcomes: (*count).into() })
            .collect(),
    }
}

/// Counts by name, the most frequent first.
fn counted(counts: impl Iterator<Item = (String, u64)>) -> Vec<Counted> {
    let mut by_name: BTreeMap<String, u64> = BTreeMap::new();
    for (name, count) in counts {
        *by_name.entry(name).or_default() += count;
    }
    let mut counted: Vec<Counted> =
        by_name.into_iter().map(|(name, count)| Counted { name, count }).collect();
    counted.sort_by_key(|one| Reverse(one.count));
    counted
}

/// The largest of a list of names; of as many payments what says none comes last.
fn named(groups: &HashMap<Option<String>, Count>) -> Vec<Named> {
    let mut groups: Vec<(&Option<String>, &Count)> = groups.iter().collect();
    groups.sort_by_key(|(name, count)| (Reverse(count.payments), name.is_none(), *name));
    groups.truncate(MOST);
    groups.into_iter().map(|(name, count)| Named { name: name.clone(), outcomes: (*count).into() }).collect()
}

fn providers(payments: &Paid, events: &Said) -> Vec<ProviderOutcomes> {
    let mut found: BTreeMap<&str, Money> = BTreeMap::new();
    for ((provider, _), money) in &payments.money {
        found.entry(provider).or_default().add(money);
    }
    // Of some there are events and no payments.
    for provider in events.providers.keys() {
        found.entry(provider).or_default();
    }
    let of = |(provider, money): (&str, Money)| {
        let said = events.providers.get(provider);
        ProviderOutcomes {
            provider: provider.to_owned(),
            outcomes: money.count.into(),
            events: said.map_or(0, |said| said.events),
            latency_ms: said.map(latency).unwrap_or_default(),
            captured_usd: money.captured_usd.text(),
            without_rate: money.without_rate,
        }
    };
    let mut providers: Vec<ProviderOutcomes> = found.into_iter().map(of).collect();
    providers.sort_by_key(|one| Reverse(one.outcomes.payments));
    providers
}

fn currencies(payments: &Paid) -> Vec<InCurrency> {
    let mut found: BTreeMap<Option<&str>, Money> = BTreeMap::new();
    for ((_, currency), money) in &payments.money {
        found.entry(currency.as_deref()).or_default().add(money);
    }
    let minor = |sum: i128| i64::try_from(sum).unwrap_or(i64::MAX);
    let of = |(currency, money): (Option<&str>, Money)| InCurrency {
        currency: currency.map(str::to_owned),
        outcomes: money.count.into(),
        captured_minor: minor(money.captured),
        refunded_minor: minor(money.refunded),
        captured_usd: money.captured_usd.text(),
    };
    let mut currencies: Vec<InCurrency> = found.into_iter().map(of).collect();
    currencies.sort_by_key(|one| Reverse(one.outcomes.payments));
    currencies
}
