use utoipa::ToSchema;

use super::{Decimal, Time};

/// How payments went.
#[derive(ToSchema)]
pub(crate) struct PaymentMetrics {
    /// The first day.
    start_date: String,
    /// The last day.
    end_date: String,
    /// All payments.
    #[serde(flatten)]
    all: Outcomes,
    /// Events of the period.
    total_events: u64,
    /// Payments by what became of them, the most frequent first.
    by_status: Vec<Counted>,
    /// Events by what they say.
    events_by_status: Vec<Counted>,
    /// How long events took to be received.
    latency_ms: Latency,
    /// By provider.
    providers: Vec<ProviderOutcomes>,
    /// Why payments failed, the most frequent first.
    top_failure_reasons: Vec<Counted>,
    /// By country of the payment or the payer, the 50 with most payments.
    countries: Vec<NamedOutcomes>,
    /// By merchant at its provider, the 50 with most payments.
    merchants: Vec<NamedOutcomes>,
    /// By the way of paying, the 50 with most payments.
    payment_methods: Vec<NamedOutcomes>,
    /// By currency.
    currencies: Vec<InCurrency>,
    /// By hour of the week, UTC.
    hours: Vec<HourOutcomes>,
}

/// Payments, and how they went.
#[derive(ToSchema)]
pub(crate) struct Outcomes {
    /// All of them.
    payments: u64,
    /// Those whose money was taken or reserved, also where it went back later.
    succeeded: u64,
    /// Those that were declined, failed or expired.
    failed: u64,
    /// succeeded / (succeeded + failed); none where there is neither.
    success_rate: Option<f64>,
    /// It is at least this: Wilson's interval at 95 %.
    success_rate_low: Option<f64>,
    /// It is at most this.
    success_rate_high: Option<f64>,
}

/// How many there are of something.
#[derive(ToSchema)]
pub(crate) struct Counted {
    /// What.
    name: String,
    /// How many.
    count: u64,
}

/// Milliseconds from when something happened to when it was received.
#[derive(ToSchema)]
pub(crate) struct Latency {
    /// Events whose provider says when they happened.
    events: u64,
    /// The mean.
    average: Option<f64>,
    /// Half of them took less; approximate.
    p50: Option<i64>,
    /// 95 in a hundred took less; approximate.
    p95: Option<i64>,
    /// 99 in a hundred took less; approximate.
    p99: Option<i64>,
}

/// One provider.
#[derive(ToSchema)]
pub(crate) struct ProviderOutcomes {
    /// Its name.
    provider: String,
    #[serde(flatten)]
    outcomes: Outcomes,
    /// Its events of the period.
    events: u64,
    /// How long they took.
    latency_ms: Latency,
    /// What was captured, in dollars, as far as rates are known.
    captured_usd: Option<Decimal>,
    /// Payments with something captured whose worth in dollars is not known.
    without_rate: u64,
}

/// Payments with something in common.
#[derive(ToSchema)]
pub(crate) struct NamedOutcomes {
    /// What; none where no event of the payment says it.
    name: Option<String>,
    #[serde(flatten)]
    outcomes: Outcomes,
}

/// Payments in one currency.
#[derive(ToSchema)]
pub(crate) struct InCurrency {
    /// The currency; none where no event says it.
    currency: Option<String>,
    #[serde(flatten)]
    outcomes: Outcomes,
    /// What was captured, in minor units.
    captured_minor: i64,
    /// What went back, in minor units.
    refunded_minor: i64,
    /// What was captured, in dollars; none without rates.
    captured_usd: Option<Decimal>,
}

/// Payments of one hour of the week.
#[derive(ToSchema)]
pub(crate) struct HourOutcomes {
    /// 1 is monday, 7 sunday.
    weekday: i64,
    /// 0 to 23, UTC.
    hour: i64,
    #[serde(flatten)]
    outcomes: Outcomes,
}

/// Providers beside what is usual for them.
#[derive(ToSchema)]
pub(crate) struct AnomaliesAnswer {
    /// The end of the hour that is judged.
    until: Time,
    /// How many are unusual.
    anomalies: u64,
    /// What was judged.
    judged: Vec<Judged>,
}

/// A provider's hour beside what is usual.
#[derive(ToSchema)]
pub(crate) struct Judged {
    /// The provider.
    provider: String,
    /// `volume` or `success_rate`.
    measure: String,
    /// The hour's first moment.
    hour: Time,
    /// What it was.
    value: Option<f64>,
    /// What it usually is.
    usual: f64,
    /// The least that would not be unusual.
    low: f64,
    /// The most that would not be unusual.
    high: f64,
    /// Hours of the weeks before that say what is usual.
    hours: u64,
    /// It is outside.
    is_anomaly: bool,
}

/// A payment event, as a list has it.
#[derive(ToSchema)]
pub(crate) struct PaymentEventRow {
    /// When it happened, as its provider says; when it was received, where it does not.
    happened_at: Time,
    /// The event.
    event_id: String,
    /// Whose it is.
    provider: String,
    /// The provider's id of the payment.
    provider_payment_id: Option<String>,
    /// The merchant's own reference.
    provider_reference: Option<String>,
    /// What it is about: payment, refund, dispute, payout, order, request, other.
    event_type: String,
    /// What became of that.
    status_category: String,
    /// Why it went wrong.
    failure_reason: Option<String>,
    /// The provider's word for the status.
    provider_status: String,
    /// The provider's code.
    provider_code: Option<String>,
    /// The provider's words for people, without what names somebody.
    provider_message: Option<String>,
    /// The way of paying.
    payment_method: Option<String>,
    /// Country of the payment or the payer.
    country: Option<String>,
    /// The merchant at its provider.
    merchant_id: Option<String>,
    /// The amount, in minor units.
    amount_minor: Option<i64>,
    /// Its currency.
    currency: Option<String>,
    /// What it was worth; none where no rate is known.
    amount_usd: Option<Decimal>,
    /// Who understood it: rule_based, ai, hybrid or none.
    normalization_method: String,
    /// How sure, 0 to 1.
    confidence_score: Decimal,
    /// verified, absent or not_signed.
    signature: String,
    /// When it was received.
    received_at: Time,
}
