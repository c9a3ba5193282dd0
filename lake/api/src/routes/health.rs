//! Whether the process answers, and whether its parts do. 200 is well, 503 is not; the body says which and why.

use std::{fmt::Display, sync::Arc, time::Instant};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use cauce_model::Venue;
use cauce_sources::{Breaker, BreakerState};
use chrono::Utc;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Shared;
use crate::{Api, ApiError};

type Health = (StatusCode, Json<Value>);

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(process))
        .routes(routes!(store))
        .routes(routes!(ledger))
        .routes(routes!(queue))
        .routes(routes!(lake))
        .routes(routes!(venue))
}

/// The process answers; nothing else is asked.
#[utoipa::path(get, path = "/api/v1/health", tag = "health",
               responses((status = 200, body = Object, description = "It is well")))]
async fn process(State(api): Shared) -> Json<Value> {
    let components = ["store", "ledger", "queue", "lake"].map(|part| format!("/api/v1/health/{part}"));
    let venues = api.scraper.settings.venues.keys().map(|venue| format!("/api/v1/health/venues/{venue}"));
    Json(json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": api.started_at,
        "uptime_seconds": (Utc::now() - api.started_at).num_seconds(),
        "components": components,
        "venues": venues.collect::<Vec<_>>(),
    }))
}

/// The object store can be listed.
#[utoipa::path(get, path = "/api/v1/health/store", tag = "health",
               responses((status = 200, body = Object, description = "It is well"),
                         (status = 503, body = Object, description = "It is not; message says why")))]
async fn store(State(api): Shared) -> Health {
    let begun = Instant::now();
    let listed = api.store.list_with_delimiter(None).await;
    part("store", begun, listed.map(|_| json!({})))
}

/// The ledger can be read.
#[utoipa::path(get, path = "/api/v1/health/ledger", tag = "health",
               responses((status = 200, body = Object, description = "It is well"),
                         (status = 503, body = Object, description = "It is not; message says why")))]
async fn ledger(State(api): Shared) -> Health {
    let begun = Instant::now();
    let read = api.ledger.get("health/none").await;
    part("ledger", begun, read.map(|_| json!({})))
}

/// The queue can be asked. Dead letters are a case for people, and not for whoever restarts processes.
#[utoipa::path(get, path = "/api/v1/health/queue", tag = "health",
               responses((status = 200, body = Object, description = "It is well"),
                         (status = 503, body = Object, description = "It is not; message says why")))]
async fn queue(State(api): Shared) -> Health {
    let begun = Instant::now();
    let stats = api.queue.stats().await;
    part("queue", begun, stats.map(|stats| json!({ "queue": stats, "needs_attention": stats.dead > 0 })))
}

/// The newest snapshot is young enough.
#[utoipa::path(get, path = "/api/v1/health/lake", tag = "health",
               responses((status = 200, body = Object, description = "It is well"),
                         (status = 503, body = Object, description = "It is not; message says why")))]
async fn lake(State(api): Shared) -> Health {
    let begun = Instant::now();
    let newest = match api.lake.newest_snapshot().await {
        Ok(newest) => newest,
        Err(error) => return part("lake", begun, Err(error)),
    };
    let age = newest.map(|newest| (Utc::now() - newest).num_seconds());
    let limit = api.freshness.num_seconds();
    let facts = json!({ "newest_at": newest, "age_seconds": age, "freshness_seconds": limit });
    if age.is_some_and(|age| age <= limit) {
        return part("lake", begun, Ok::<_, String>(facts));
    }
    let why = if newest.is_some() { "no new snapshot" } else { "no snapshot yet" };
    failing("lake", begun, why, facts)
}

/// The venue is being asked: its breaker is not open.
#[utoipa::path(get, path = "/api/v1/health/venues/{venue}", tag = "health", params(("venue" = String, Path, description = "A venue such as binance_p2p", example = "binance_p2p")),
               responses((status = 200, body = Object, description = "It is well"),
                         (status = 503, body = Object, description = "It is not; message says why")))]
async fn venue(State(api): Shared, Path(name): Path<String>) -> Result<Health, ApiError> {
    let begun = Instant::now();
    let found = name.parse::<Venue>().ok();
    let found =
        found.and_then(|venue| api.scraper.settings.venues.get(&venue).map(|settings| (venue, settings)));
    let Some((venue, settings)) = found else {
        return Err(ApiError::NotFound { message: format!("there is no venue '{name}'") });
    };
    let breaker = Breaker { ledger: &*api.ledger, venue: &venue, settings: &settings.breaker };
    Ok(match breaker.state().await {
        Ok(state @ BreakerState::Open { .. }) => failing(
            &name,
            begun,
            "it failed too often and is left alone for a while",
            json!({ "breaker": state }),
        ),
        other => part(&name, begun, other.map(|state| json!({ "breaker": state }))),
    })
}

fn part(name: &str, begun: Instant, found: Result<Value, impl Display>) -> Health {
    match found {
        Ok(facts) => (StatusCode::OK, Json(said(name, "ok", begun, facts))),
        Err(error) => failing(name, begun, &error.to_string(), json!({})),
    }
}

fn failing(name: &str, begun: Instant, why: &str, mut facts: Value) -> Health {
    facts["message"] = json!(why);
    tracing::warn!(component = name, why, "unhealthy");
    (StatusCode::SERVICE_UNAVAILABLE, Json(said(name, "failing", begun, facts)))
}

fn said(name: &str, status: &str, begun: Instant, facts: Value) -> Value {
    let mut answer =
        json!({ "component": name, "status": status, "took_ms": begun.elapsed().as_millis() as u64 });
    if let (Value::Object(answer), Value::Object(facts)) = (&mut answer, facts) {
        answer.extend(facts);
    }
    answer
}
