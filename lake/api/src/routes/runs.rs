use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use cauce_ledger::{Job, Jobs};
use cauce_model::{RunId, RunReport, RunStatus};
use cauce_query::{Now, Runs};
use cauce_raw::RawZone;
use cauce_sources::reported;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Map, Value, json};
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
