//! A run that somebody asks for, here or where there is time for it.

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use cauce_model::{Asset, Fiat, Market, RunId, RunReport, RunStatus, TradeType};
use cauce_raw::RawZone;
use cauce_sources::{Outcome, RunOptions, reported};
use chrono::Utc;
use serde_json::{Map, Value, json};
use tracing::Instrument;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Shared;
use crate::{Api, ApiError, bad, internal, problem::Problem};

/// How often a run that is made elsewhere is looked for, while somebody waits for its answer.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Makes runs in another process, for one that ends with its answer: what has been started there goes on.
#[async_trait]
pub trait Elsewhere: Debug + Send + Sync {
    /// Asks for a run of `market` with this id, and does not wait for it.
    async fn start(&self, run_id: RunId, market: &Market) -> Result<(), String>;
}

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(by_hand))
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
    let run_id = RunId::starting(Utc::now());
    let run = tokio::spawn(made(Arc::clone(&api), run_id, market.clone()).in_current_span());
    let waiting = run.abort_handle();
    let Ok(ended) = tokio::time::timeout(api.run_patience, run).await else {
        // The run goes on, whether or not anybody waits for it; here that is the task, elsewhere it only looks on.
        if api.elsewhere.is_some() {
            waiting.abort();
        }
        let place = [(header::LOCATION, format!("/api/v1/runs/{run_id}"))];
        let body = json!({ "run_id": run_id, "status": RunStatus::Running });
        return Ok((StatusCode::ACCEPTED, place, Json(body)).into_response());
    };
    let report = ended.map_err(internal)??;
    if report.status == RunStatus::Failed {
        let messages: Vec<&str> = report.unresolved().map(|error| error.message.as_str()).collect();
        return Err(ApiError::VenueFailed { run_id, message: messages.join("; ") });
    }
    Ok(Json(json!({
        "run_id": run_id,
        "status": report.status,
        "asset": market.asset,
        "fiat": market.fiat,
        "trade_type": market.trade_type,
        "count": report.offers_received(),
        "markets": report.markets,
    }))
    .into_response())
}

/// The run, once it has ended.
async fn made(api: Arc<Api>, run_id: RunId, market: Market) -> Result<RunReport, ApiError> {
    if let Some(elsewhere) = &api.elsewhere {
        elsewhere.start(run_id, &market).await.map_err(internal)?;
        let raw = RawZone::new(Arc::clone(&api.store));
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Some(report) = reported(&raw, run_id).await.map_err(internal)? {
                return Ok(report);
            }
        }
    }
    let options = RunOptions { run_id: Some(run_id), ..RunOptions::by_hand() };
    let ended = api.scraper.run(&[market], &options).await;
    match ended.inspect_err(|error| tracing::error!(%run_id, %error, "run by hand")).map_err(internal)? {
        Outcome::Done(report) => Ok(report),
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
