use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use cauce_query::{History, HistoryFilter, HistoryQuery, Interval, LatestQuery};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Answer, Pairs, Shared};
use crate::{Api, params::Params};

const VENUES: &str = "a venue such as binance_p2p";
const ASSETS: &str = "a symbol such as USDT, BTC or ETH";
const FIATS: &str = "a currency such as VES, ARS, COP, BRL, USD or EUR";
const SIDES: &str = "BUY or SELL: what the taker does";

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/markets", get(markets))
        .route("/api/v1/market/latest", get(latest))
        .route("/api/v1/prices/history", get(history))
}

/// Every market that has been seen.
async fn markets(State(api): Shared, Query(pairs): Pairs) -> Answer<Value> {
    Params::new(pairs)?.finish()?;
    Ok(Json(json!({ "markets": api.lake.markets().await? })))
}

/// Newest snapshots, at most 15 minutes old: `venue`, `asset`, `fiat`, `trade_type`.
async fn latest(State(api): Shared, Query(pairs): Pairs) -> Answer<Value> {
    let mut params = Params::new(pairs)?;
    let query = LatestQuery {
        venue: params.optional("venue", VENUES)?,
        asset: params.optional("asset", ASSETS)?,
        fiat: params.optional("fiat", FIATS)?,
        trade_type: params.optional("trade_type", SIDES)?,
    };
    params.finish()?;
    Ok(Json(json!({ "markets": api.lake.latest(&query).await? })))
}

/// Price history: `asset`, `fiat`, and optionally `venue`, `trade_type`, `interval` (10m), `since` (a day ago),
/// `until` (now), `payment_method`, `amount`, `merchants_only`, `min_completion_rate`, `as_of` (now).
async fn history(State(api): Shared, Query(pairs): Pairs) -> Answer<History> {
    let mut params = Params::new(pairs)?;
    let until = params.time("until")?.unwrap_or_else(Utc::now);
    let since = params.time("since")?.unwrap_or(until - TimeDelta::days(1));
    let query = HistoryQuery {
        venue: params.optional("venue", VENUES)?,
        asset: params.required("asset", ASSETS)?,
        fiat: params.required("fiat", FIATS)?,
        trade_type: params.optional("trade_type", SIDES)?,
        interval: params
            .optional("interval", "1m, 5m, 10m, 30m, 1h, 6h, 1d …")?
            .unwrap_or(Interval::TEN_MINUTES),
        since,
        until,
        filter: HistoryFilter {
            payment_method: params.optional("payment_method", "a code such as Banesco or PagoMovil")?,
            amount: params.optional("amount", "an amount of the currency, such as 5000 or 250.50")?,
            merchants_only: params.optional("merchants_only", "true or false")?.unwrap_or(false),
            min_completion_rate: params
                .optional::<CompletionRate>("min_completion_rate", "a share from 0 to 1, such as 0.95")?
                .map(|rate| rate.0),
        },
        as_of: params.time("as_of")?,
    };
    params.finish()?;
    Ok(Json(api.lake.price_history(&query).await?))
}

/// A rate as a parameter.
struct CompletionRate(cauce_model::Rate);

impl std::str::FromStr for CompletionRate {
    type Err = cauce_model::BadValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(cauce_model::Rate::parse("min_completion_rate", text)?))
    }
}
