use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use cauce_query::QualityQuery;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Answer, Pairs, Shared};
use crate::{Api, bad, params::Params};

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/api/v1/quality", get(quality))
}

/// Checks of snapshots, newest first, and the markets that fell silent: `since` (a day ago), `passed` (false),
/// `metric`, `limit` (100, at most 10000).
async fn quality(State(api): Shared, Query(pairs): Pairs) -> Answer<Value> {
    let mut params = Params::new(pairs)?;
    let now = Utc::now();
    let allowed = "a number from 1 to 10000";
    let limit: u32 = params.optional("limit", allowed)?.unwrap_or(100);
    if !(1..=10_000).contains(&limit) {
        return Err(bad("limit", Some(limit.to_string()), "is out of range", allowed));
    }
    let query = QualityQuery {
        since: params.time("since")?.unwrap_or(now - TimeDelta::days(1)),
        passed: Some(params.optional("passed", "true or false")?.unwrap_or(false)),
        metric: params.optional("metric", "a metric such as completeness, price_anomaly or freshness")?,
        limit,
    };
    params.finish()?;
    let checks = api.lake.checks(&query).await?;
    let silent = api.lake.silent_markets(api.freshness, now).await?;
    Ok(Json(json!({
        "since": query.since, "checks": checks, "silent_markets": silent,
        "freshness_seconds": api.freshness.num_seconds(),
    })))
}
