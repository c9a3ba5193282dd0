//! The bytes that a number came from.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use cauce_access::{Caller, RawRead, Role};
use cauce_model::RawId;
use cauce_normalize::origin;
use cauce_protocols::{legacy, venues};
use cauce_raw::{CAUCE, RawError, RawZone};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Shared};
use crate::{
    Api, ApiError, bad, internal,
    params::{Moment, Params, some, text},
    problem::Problem,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(raw)).routes(routes!(reads))
}

/// Which bytes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RawParams {
    /// The raw object: the raw_id of a row.
    #[serde(deserialize_with = "text")]
    #[param(value_type = String, min_length = 1)]
    raw_id: RawId,
    /// The line in it, from 0: the raw_pos of a row. The first if it is not said.
    #[param(minimum = 0)]
    line: Option<i32>,
    /// An offer's id: of a page only the part that is this offer.
    #[param(min_length = 1)]
    offer: Option<String>,
}

/// Bytes as they were obtained.
#[derive(Serialize, ToSchema)]
struct RawRecord {
    /// The object's key in the lake.
    key: String,
    /// The line in it.
    line: i32,
    /// When it was obtained.
    #[schema(value_type = String, format = "date-time")]
    fetched_at: DateTime<Utc>,
    /// What was asked, where it was asked over HTTP: method, url, body.
    #[schema(value_type = Option<Object>)]
    request: Option<cauce_raw::Request>,
    /// Verbatim: the offer if one was named and is there, else the whole body.
    record: String,
}

/// What a row was read from, verbatim. Who reads what is no market's is written down: `GET /api/v1/raw/reads`.
#[utoipa::path(get, path = "/api/v1/raw", tag = "runs", params(RawParams),
               responses((status = 200, body = RawRecord),
                         (status = 404, body = Problem, content_type = "application/problem+json",
                          description = "There is no such object or line")))]
async fn raw(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    Params((asked,)): Params<(RawParams,)>,
) -> Answer<RawRecord> {
    let RawParams { raw_id, line, offer } = asked;
    let line = line.unwrap_or(0);
    // What venues say is no secret to who may read what was made of it; what anybody else says may be.
    let source = raw_id.source();
    let is_market = venues::find(source).is_some() || source == legacy::SOURCE || source == CAUCE;
    if !is_market && caller.role != Some(Role::Admin) {
        return Err(ApiError::Forbidden {
            message: format!("only an administrator may read what {source} said"),
        });
    }
    tracing::info!(who = %caller.who, raw_id = %raw_id, line, "raw bytes read");
    if !is_market {
        let who = caller.who.to_string();
        let read = RawRead { at: Utc::now(), who, raw_id: raw_id.clone(), line };
        read.note(&*api.ledger).await.map_err(internal)?;
    }
    let object = RawZone::new(Arc::clone(&api.store)).read(&raw_id).await.map_err(|error| match error {
        RawError::Store(object_store::Error::NotFound { .. }) => {
            ApiError::NotFound { message: format!("there is no raw object '{raw_id}'") }
        }
        error => internal(error),
    })?;
    if line < 0 {
        return Err(bad("line", Some(line.to_string()), "is negative", "a number from 0"));
    }
    let found = origin(&raw_id, &object, line, offer.as_deref());
    let found = found.map_err(|error| ApiError::NotFound { message: error.to_string() })?;
    let key = raw_id.key();
    Ok(Json(RawRecord {
        key,
        line,
        fetched_at: found.fetched_at,
        request: found.request,
        record: found.record,
    }))
}

/// From when on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReadsParams {
    /// The first moment; all of them if it is not said.
    #[serde(default, deserialize_with = "some")]
    #[param(value_type = Option<String>, format = "date-time")]
    since: Option<Moment>,
}

/// Readings of raw bytes.
#[derive(Serialize, ToSchema)]
struct RawReads {
    /// The newest first, a thousand at most.
    reads: Vec<RawReadRow>,
}

/// One reading.
#[derive(Serialize, ToSchema)]
struct RawReadRow {
    /// When.
    #[schema(value_type = String, format = "date-time")]
    at: DateTime<Utc>,
    /// Who: a user or a key.
    #[schema(example = "user:ana")]
    who: String,
    /// Of which object.
    raw_id: String,
    /// Which line of it.
    line: i32,
}

/// Who read, verbatim, what anybody but a market said: the thousand newest.
#[utoipa::path(get, path = "/api/v1/raw/reads", tag = "runs", params(ReadsParams),
               responses((status = 200, body = RawReads)))]
async fn reads(State(api): Shared, Params((asked,)): Params<(ReadsParams,)>) -> Answer<RawReads> {
    let reads = RawRead::since(&*api.ledger, asked.since.map(|since| since.0)).await.map_err(internal)?;
    let row = |RawRead { at, who, raw_id, line }| RawReadRow { at, who, raw_id: raw_id.to_string(), line };
    Ok(Json(RawReads { reads: reads.into_iter().map(row).collect() }))
}
