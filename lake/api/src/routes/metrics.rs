//! Figures for Prometheus, where this process collects them; functions send theirs to CloudWatch. What is counted is as
//! it was counted; what is now is looked up when it is asked for.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use cauce_query::{Judged as PaymentsJudged, Lake, Markets, Now, QueryError, json_rows};
use cauce_sources::{Breaker, BreakerState};
use cauce_telemetry::{
    ARBITRAGE, BREAKER_OPENED, BREAKER_STATE, COMPONENT_UP, MARKET_COMPLETENESS, MARKET_OFFERS, MARKET_PRICE,
    NEWEST_SNAPSHOT, PAYMENT_ANOMALIES, PAYMENT_ANOMALY, QUEUE_MESSAGES, UPTIME, VENUE_RETRIES,
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use thiserror::Error;
use tokio::sync::Mutex;

use super::Shared;
use crate::{Api, ApiError};

/// What this process has counted, in Prometheus's text format.
#[derive(Clone)]
pub struct Figures {
    render: Arc<dyn Fn() -> String + Send + Sync>,
    /// When the lake was last looked at. Who holds it looks.
    looked: Arc<Mutex<Option<Instant>>>,
}

impl Figures {
    /// Gauges that were not set for this long are of what is not there any more: a collector forgets them.
    pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);

    /// Rendered by `render`.
    pub fn of(render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self { render: Arc::new(render), looked: Arc::default() }
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Figures").finish_non_exhaustive()
    }
}

/// Kinds of arbitrage: each is said, also when there is none of it.
const KINDS: [&str; 3] = ["venues", "payment_methods", "sides"];
/// The lake is not asked more often than this, however many collectors there are.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A lake that does not answer by then is not well; collectors wait for ten seconds.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// Not in the document: for Prometheus, and not there where nobody collects.
pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/api/v1/metrics", get(metrics))
}

async fn metrics(State(api): Shared) -> Result<Response, ApiError> {
    let Some(figures) = &api.figures else {
        return Err(ApiError::NotFound { message: "figures of functions are in CloudWatch".to_owned() });
    };
    UPTIME.set([""; 0], (Utc::now() - api.started_at).as_seconds_f64());
    // A part that is not well must not hide the figures of the others.
    up("ledger", breakers(&api).await);
    up("queue", queue(&api).await);
    // Who finds another looking is told what is known.
    if let Ok(mut looked) = figures.looked.try_lock()
        && looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY)
    {
        up("lake", tokio::time::timeout(LOOK_WITHIN, lake(&api)).await.unwrap_or(Err(Ill::Slow)));
        *looked = Some(Instant::now());
    }
    let text = (figures.render)();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn up(component: &'static str, looked: Result<(), impl fmt::Display>) {
    COMPONENT_UP.set([component], f64::from(u8::from(looked.is_ok())));
    if let Err(error) = looked {
        tracing::warn!(component, %error, "unhealthy");
    }
}

async fn breakers(api: &Api) -> Result<(), cauce_ledger::LedgerError> {
    for (venue, settings) in &api.scraper.settings.venues {
        let breaker = Breaker { ledger: &*api.ledger, venue, settings: &settings.breaker };
        let state = match breaker.state().await? {
            BreakerState::Closed { .. } => 0.0,
            BreakerState::HalfOpen { .. } => 1.0,
            BreakerState::Open { .. } => 2.0,
        };
        BREAKER_STATE.set([venue.to_string()], state);
        // They begin at zero, and not with their first rise, which nobody would see.
        BREAKER_OPENED.add([venue.to_string()], 0);
        VENUE_RETRIES.add([venue.to_string()], 0);
    }
    Ok(())
}

async fn queue(api: &Api) -> Result<(), cauce_queue::QueueError> {
    let stats = api.queue.stats().await?;
    for (state, count) in [("waiting", stats.waiting), ("in_flight", stats.in_flight), ("dead", stats.dead)] {
        QUEUE_MESSAGES.set([state], f64::from(count));
    }
    Ok(())
}

/// Why nothing is known of the lake.
#[derive(Debug, Error)]
enum Ill {
    #[error(transparent)]
    Query(#[from] cauce_query::QueryError),
    #[error("no answer within {} seconds", LOOK_WITHIN.as_secs())]
    Slow,
}

async fn lake(api: &Api) -> Result<(), Ill> {
    let now = Now::of(Utc::now());
    for row in api.lake.heard_of(now.at()).await? {
        if let Some(Ok(seen)) = row.get("last_seen").and_then(Value::as_str).map(str::parse::<DateTime<Utc>>)
        {
            NEWEST_SNAPSHOT.set(labels(&row), seen.timestamp_millis() as f64 / 1_000.0);
        }
    }
    for row in json_rows(&api.lake.latest(&now, &Markets::default()).await?) {
        market(&row);
    }
    let found = json_rows(&api.lake.arbitrage_counts(&now, &api.fees).await?);
    for kind in KINDS {
        let of_kind = found.iter().find(|row| row.get("kind").and_then(Value::as_str) == Some(kind));
        let count = of_kind.and_then(|row| row.get("opportunities")?.as_f64());
        ARBITRAGE.set([kind], count.unwrap_or_default());
    }
    watch_payments(&api.lake, now.at()).await?;
    Ok(())
}

/// Judges the last full hour of every provider's payments, and says so in figures. Answers what is unusual.
pub async fn watch_payments(lake: &Lake, now: DateTime<Utc>) -> Result<Vec<PaymentsJudged>, QueryError> {
    let mut judged = lake.payment_anomalies(now).await?;
    for one in &judged {
        let anomaly = f64::from(u8::from(one.is_anomaly));
        PAYMENT_ANOMALY.set([one.provider.clone(), one.measure.as_str().to_owned()], anomaly);
    }
    judged.retain(|one| one.is_anomaly);
    PAYMENT_ANOMALIES.set([""; 0], judged.len() as f64);
    Ok(judged)
}

fn labels(row: &Map<String, Value>) -> [String; 4] {
    ["venue", "asset", "fiat", "trade_type"]
        .map(|name| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// What a row of the newest snapshots says of its market.
fn market(row: &Map<String, Value>) {
    // Decimals are text in JSON.
    let number = |name: &str| match row.get(name) {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_f64(),
        _ => None,
    };
    let (offers, announced) = (number("total_offers_count"), number("offers_announced"));
    if let Some(offers) = offers {
        MARKET_OFFERS.set(labels(row), offers);
        let ratio =
            announced.filter(|announced| *announced > 0.0).map_or(1.0, |announced| offers / announced);
        MARKET_COMPLETENESS.set(labels(row), ratio.min(1.0));
    }
    // Who takes buys at the lowest price, and sells at the highest.
    let best =
        if row.get("trade_type").and_then(Value::as_str) == Some("BUY") { "min_price" } else { "max_price" };
    if let Some(price) = number(best) {
        MARKET_PRICE.set(labels(row), price);
    }
}
