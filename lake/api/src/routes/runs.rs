use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use cauce_ledger::{Job, Jobs};
use cauce_model::{Asset, Fiat, Market, RunId, RunReport, RunStatus, TradeType};
use cauce_query::{Now, Runs};
use cauce_raw::RawZone;
use cauce_sources::{Outcome, RunOptions, reported};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::Instrument;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Shared};
use crate::{
    Api, ApiError,
    answer::{Listed, page},
    bad,
    documents::RunsAnswer,
    internal,
    params::{FormParams, Moment, PageParams, Params, some},
    problem::Problem,
    rows,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// Runs that somebody asks for.
pub(crate) fn by_hand_routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(by_hand))
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

/// A run that has ended, in the columns of `ops_batch_runs` that its report says.
fn ended(report: &RunReport) -> Map<String, Value> {
    let row = json!({
        "batch_id": report.run_id, "job": report.job, "batch_start_time": report.started_at,
        "batch_end_time": report.ended_at, "status": report.status, "total_markets": report.markets.len(),
        "total_offers_extracted": report.offers_received(), "total_errors": report.unresolved().count(),
    });
    match row {
        Value::Object(row) => row,
        _ => Map::new(),
    }
}

/// How runs can have ended.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Ended {
    Completed,
    Partial,
    Failed,
}

/// Which runs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct RunParams {
    /// completed, partial or failed; all of them, and those under way, if it is not said.
    #[param(inline)]
    status: Option<Ended>,
    /// From this moment on: a time like 2026-03-01T10:20:00Z, or a day like 2026-03-01.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, pattern = r"^(19[7-9]\d|2[01]\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d))?$", example = "2026-03-01T00:00:00Z")]
    since: Option<Moment>,
}

/// Runs, newest first; in JSON those under way come first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(RunParams, PageParams, FormParams),
               responses((status = 200, body = RunsAnswer)))]
async fn list(
    State(api): Shared,
    headers: HeaderMap,
    Params((which, at, form)): Params<(RunParams, PageParams, FormParams)>,
) -> Result<Response, ApiError> {
    let now = Utc::now();
    let until = Now::of(now).at();
    let status = which.status.map(|status| match status {
        Ended::Completed => RunStatus::Completed,
        Ended::Partial => RunStatus::Partial,
        Ended::Failed => RunStatus::Failed,
    });
    let runs = Runs { since: which.since.map(|moment| moment.0), status };
    let is_first = at.cursor.is_none() && status.is_none();
    let mut under_way = if is_first { Jobs::all(&*api.ledger).await.map_err(internal)? } else { Vec::new() };
    under_way.retain(|job| runs.since.is_none_or(|since| job.started_at >= since));
    under_way.reverse();
    let before: Vec<_> = under_way.iter().map(running).collect();
    let listed = Listed {
        list: &runs,
        name: "runs",
        timed_by: "batch_start_time",
        until,
        form: &form,
        at: &at,
        before,
    };
    page::<rows::Run>(&api, &headers, listed).await
}

/// One run with its errors and snapshots.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs",
               params(("id" = String, Path, description = "The run", format = "uuid")),
               responses((status = 200, body = rows::Run),
                         (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn one(State(api): Shared, Path(id): Path<String>) -> Answer<Map<String, Value>> {
    let run_id: RunId = id.parse().map_err(|error: cauce_model::BadValue| {
        bad("id", Some(id.clone()), &error.to_string(), "the id of a run")
    })?;
    if let Some(run) = api.lake.run(run_id).await? {
        return Ok(Json(run));
    }
    if let Some(job) = Jobs::get(&*api.ledger, run_id).await.map_err(internal)? {
        return Ok(Json(running(&job)));
    }
    // It has ended, and its rows are on their way.
    let report = reported(&RawZone::new(Arc::clone(&api.store)), run_id).await.map_err(internal)?;
    let report = report.ok_or_else(|| ApiError::NotFound { message: format!("there is no run {run_id}") })?;
    Ok(Json(ended(&report)))
}

/// What a run by hand asks for: one market of Binance. Other members are passed over: older clients send the page and the
/// rows that they want, and a run reads all pages.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "it describes a body, whose errors are told one by one")]
struct ByHand {
    /// A symbol such as USDT, BTC or ETH.
    #[schema(example = "USDT", pattern = "^[A-Z0-9]{1,20}$")]
    asset: String,
    /// A currency such as VES, ARS, COP, BRL, USD or EUR.
    #[schema(example = "VES", pattern = "^[A-Z0-9]{1,8}$")]
    fiat: String,
    /// What the taker does; `tradeType` is another name for it.
    #[schema(example = "BUY", pattern = "^(BUY|SELL)$")]
    trade_type: String,
}

/// A run by hand: asks one market of Binance now. A run that takes longer than 25 seconds goes on after its answer.
#[utoipa::path(post, path = "/api/v1/binance/offers", tag = "runs", request_body = ByHand,
               responses((status = 200, body = Object, description = "The run: run_id, status, count, markets"),
                         (status = 202, body = Object, description = "The run goes on; it is at the address in Location"),
                         (status = 400, body = Problem, content_type = "application/problem+json"),
                         (status = 503, body = Problem, content_type = "application/problem+json",
                          description = "The venue failed; run_id names the run, which is recorded as failed")))]
async fn by_hand(State(api): Shared, body: Bytes) -> Result<Response, ApiError> {
    let market = market_of(&body)?;
    let until = api.run_limit.map(|limit| Utc::now() + limit);
    let run_id = RunId::starting(Utc::now());
    let options = RunOptions { until, run_id: Some(run_id), ..RunOptions::by_hand() };
    let (scraper, markets) = (api.scraper.clone(), [market.clone()]);
    // It goes on, whether or not anybody waits for it.
    let running = async move {
        let ended = scraper.run(&markets, &options).await;
        ended.inspect_err(|error| tracing::error!(%run_id, %error, "run by hand"))
    };
    let run = tokio::spawn(running.instrument(tracing::Span::current()));
    let Ok(ended) = tokio::time::timeout(api.run_patience, run).await else {
        let place = [(header::LOCATION, format!("/api/v1/runs/{run_id}"))];
        let body = json!({ "run_id": run_id, "status": RunStatus::Running });
        return Ok((StatusCode::ACCEPTED, place, Json(body)).into_response());
    };
    match ended.map_err(internal)?.map_err(internal)? {
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
        }))
        .into_response()),
        Outcome::Busy(lease) => {
            Err(ApiError::Busy { message: format!("run {} is under way until {}", lease.owner, lease.until) })
        }
        Outcome::Overtaken(run_id) => Err(ApiError::VenueFailed {
            run_id,
            message: "the run was closed by another before it ended".to_owned(),
        }),
    }
}

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
