use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    routing::{get, post},
};
use cauce_ledger::{Job, Jobs};
use cauce_model::{Asset, Fiat, Market, RunId, RunStatus, TradeType};
use cauce_sources::{Outcome, RunOptions};
use chrono::Utc;
use serde_json::{Map, Value, json};

use super::{Answer, Pairs, Shared};
use crate::{Api, ApiError, bad, params::Params};

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/api/v1/runs", get(list)).route("/api/v1/runs/{id}", get(one))
}

/// Runs that somebody asks for.
pub(crate) fn by_hand_routes() -> Router<Arc<Api>> {
    Router::new().route("/api/v1/binance/offers", post(by_hand))
}

fn internal(error: impl std::fmt::Display) -> ApiError {
    ApiError::Internal { message: error.to_string() }
}

/// A run under way, in the columns of `ops_batch_runs` that it has already.
fn running(job: &Job) -> Map<String, Value> {
    let row = json!({
        "batch_id": job.run_id, "job": job.job, "batch_start_time": job.started_at, "batch_end_time": null,
        "status": RunStatus::Running, "total_markets": job.markets,
    });
    match row {
        Value::Object(row) => row,
        _ => Map::new(),
    }
}

/// Runs, newest first: those under way, then those that have ended. `limit` (50, at most 1000).
async fn list(State(api): Shared, Query(pairs): Pairs) -> Answer<Value> {
    let mut params = Params::new(pairs)?;
    let allowed = "a number from 1 to 1000";
    let limit = params.optional::<u32>("limit", allowed)?.unwrap_or(50);
    params.finish()?;
    if !(1..=1000).contains(&limit) {
        return Err(bad("limit", Some(limit.to_string()), "is out of range", allowed));
    }
    let mut under_way = Jobs::all(&*api.ledger).await.map_err(internal)?;
    let ended = api.lake.runs(limit).await?;
    // A run's report may be in the lake a moment before its place among the running ones is cleared.
    let has_ended = |job: &Job| {
        let id = job.run_id.to_string();
        ended.iter().any(|run| run.get("batch_id").and_then(Value::as_str) == Some(&id))
    };
    under_way.retain(|job| !has_ended(job));
    under_way.reverse();
    let runs = under_way.iter().map(running).chain(ended).take(limit as usize);
    Ok(Json(json!({ "runs": runs.collect::<Vec<_>>() })))
}

/// One run with its errors and snapshots.
async fn one(State(api): Shared, Path(id): Path<String>) -> Answer<Map<String, Value>> {
    let run_id: RunId = id.parse().map_err(|error: cauce_model::BadValue| {
        bad("id", Some(id.clone()), &error.to_string(), "the id of a run")
    })?;
    if let Some(run) = api.lake.run(run_id).await? {
        return Ok(Json(run));
    }
    let job = Jobs::get(&*api.ledger, run_id).await.map_err(internal)?;
    let job = job.ok_or_else(|| ApiError::NotFound { message: format!("there is no run {run_id}") })?;
    Ok(Json(running(&job)))
}

/// A run by hand: one market of Binance, from a JSON object with `asset`, `fiat` and `trade_type` (or `tradeType`).
async fn by_hand(State(api): Shared, body: Bytes) -> Answer<Value> {
    let market = market_of(&body)?;
    let until = api.run_limit.map(|limit| Utc::now() + limit);
    let options = RunOptions { until, ..RunOptions::by_hand() };
    let outcome = api.scraper.run(std::slice::from_ref(&market), &options).await.map_err(internal)?;
    match outcome {
        Outcome::Done(report) if report.status == RunStatus::Failed => {
            let messages: Vec<&str> = report.unresolved().map(|error| error.message.as_str()).collect();
            Err(ApiError::VenueFailed { run_id: report.run_id, message: messages.join("; ") })
        }
        Outcome::Done(report) => Ok(Json(json!({
            "run_id": report.run_id,
            "status": report.status,
            "asset": market.asset,
            "fiat": market.fiat,
            "trade_type": market.trade_type,
            "count": report.offers_received(),
            "markets": report.markets,
        }))),
        Outcome::Busy(lease) => {
            Err(ApiError::Busy { message: format!("run {} is under way until {}", lease.owner, lease.until) })
        }
        Outcome::Overtaken(run_id) => Err(ApiError::VenueFailed {
            run_id,
            message: "the run was closed by another before it ended".to_owned(),
        }),
    }
}

/// Other fields are passed over: older clients send the page and the rows that they want, and a run reads all pages.
fn market_of(body: &[u8]) -> Result<Market, ApiError> {
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        let example = r#"{"asset": "USDT", "fiat": "VES", "trade_type": "BUY"}"#;
        bad("body", None, &format!("is not a JSON object: {error}"), example)
    })?;
    fn field<T>(object: &Map<String, Value>, names: &[&'static str], allowed: &str) -> Result<T, ApiError>
    where
        T: std::str::FromStr<Err = cauce_model::BadValue>,
    {
        let value = names.iter().find_map(|name| object.get(*name));
        let text = value.and_then(Value::as_str);
        let given = value.map(ToString::to_string);
        let text = text.ok_or_else(|| bad(names[0], given, "is missing or not a text", allowed))?;
        text.parse().map_err(|error: cauce_model::BadValue| {
            bad(names[0], Some(text.to_owned()), &error.to_string(), allowed)
        })
    }
    Ok(Market {
        venue: "binance_p2p".parse().map_err(internal)?,
        asset: field::<Asset>(&object, &["asset"], "a symbol such as USDT, BTC or ETH")?,
        fiat: field::<Fiat>(&object, &["fiat"], "a currency such as VES, ARS, COP, BRL, USD or EUR")?,
        trade_type: field::<TradeType>(
            &object,
            &["trade_type", "tradeType"],
            "BUY or SELL: what the taker does",
        )?,
    })
}
