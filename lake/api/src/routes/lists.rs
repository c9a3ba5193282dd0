//! Long lists, page by page: what happened to offers, advertisers, checks, failed requests.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use cauce_model::Venue;
use cauce_query::{Advertisers, Checks, Errors, OfferChanges, Snapshots};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Shared;
use crate::{
    Api, ApiError,
    answer::{Listed, page},
    bad,
    documents::{AdvertisersAnswer, ChangesAnswer, ErrorsAnswer, QualityAnswer, SnapshotsAnswer},
    params::{FormParams, MarketParams, PageParams, Params, PeriodParams, some},
    rows,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(snapshots))
        .routes(routes!(changes))
        .routes(routes!(advertisers))
        .routes(routes!(advertiser))
        .routes(routes!(quality))
        .routes(routes!(errors))
}

/// What can happen to an offer.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Change {
    Appeared,
    Repriced,
    Resized,
    Vanished,
}

/// Which changes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ChangeParams {
    /// appeared, repriced, resized or vanished.
    #[param(inline)]
    change: Option<Change>,
    /// The venue's id of an offer.
    #[param(min_length = 1)]
    offer: Option<String>,
    /// The venue's id of an advertiser.
    #[param(min_length = 1)]
    advertiser: Option<String>,
}

/// What happened to offers between snapshots, newest first.
#[utoipa::path(get, path = "/api/v1/offers/changes", tag = "market",
               params(MarketParams, ChangeParams, PeriodParams, PageParams, FormParams),
               responses((status = 200, body = ChangesAnswer)))]
async fn changes(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, change, period, at, form)): Params<(
        MarketParams,
        ChangeParams,
        PeriodParams,
        PageParams,
        FormParams,
    )>,
) -> Result<Response, ApiError> {
    let list = OfferChanges {
        markets: market.markets(),
        period: period.period(Utc::now())?,
        change: change.change.map(|change| json!(change).as_str().unwrap_or_default().to_owned()),
        offer_external_id: change.offer,
        advertiser_id: change.advertiser,
    };
    let until = list.period.until;
    let listed = Listed {
        list: &list,
        name: "changes",
        timed_by: "changed_at",
        until,
        form: &form,
        at: &at,
        before: Vec::new(),
    };
    page::<rows::OfferChange>(&api, &headers, listed).await
}

/// Snapshots that were taken, newest first, each with the raw object that it was read from.
#[utoipa::path(get, path = "/api/v1/market/snapshots", tag = "market",
               params(MarketParams, PeriodParams, PageParams, FormParams),
               responses((status = 200, body = SnapshotsAnswer)))]
async fn snapshots(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, period, at, form)): Params<(MarketParams, PeriodParams, PageParams, FormParams)>,
) -> Result<Response, ApiError> {
    let list = Snapshots { markets: market.markets(), period: period.period(Utc::now())? };
    let until = list.period.until;
    let listed = Listed {
        list: &list,
        name: "snapshots",
        timed_by: "taken_at",
        until,
        form: &form,
        at: &at,
        before: Vec::new(),
    };
    page::<rows::Snapshot>(&api, &headers, listed).await
}

/// Which advertisers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct AdvertiserParams {
    /// A venue such as binance_p2p.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "binance_p2p", pattern = "^[a-z0-9_]{1,32}$")]
    venue: Option<Venue>,
    /// A text that the nickname contains, in any case.
    #[param(min_length = 1)]
    nickname: Option<String>,
    /// true or false: merchants only.
    merchants_only: Option<bool>,
}

/// Advertisers as they are now.
#[utoipa::path(get, path = "/api/v1/advertisers", tag = "market", params(AdvertiserParams, PageParams, FormParams),
               responses((status = 200, body = AdvertisersAnswer)))]
async fn advertisers(
    State(api): Shared,
    headers: HeaderMap,
    Params((which, at, form)): Params<(AdvertiserParams, PageParams, FormParams)>,
) -> Result<Response, ApiError> {
    let list = Advertisers {
        venue: which.venue,
        advertiser_id: None,
        nickname: which.nickname,
        merchants_only: which.merchants_only.unwrap_or(false),
        current_only: true,
    };
    let until = Utc::now();
    let listed = Listed {
        list: &list,
        name: "advertisers",
        timed_by: "effective_date",
        until,
        form: &form,
        at: &at,
        before: Vec::new(),
    };
    page::<rows::Advertiser>(&api, &headers, listed).await
}

/// One advertiser in all versions that were seen, newest first.
#[utoipa::path(get, path = "/api/v1/advertisers/{venue}/{id}", tag = "market",
               params(("venue" = String, Path, description = "A venue such as binance_p2p", example = "binance_p2p"),
                      ("id" = String, Path, description = "The venue's id of the advertiser"), PageParams, FormParams),
               responses((status = 200, body = AdvertisersAnswer)))]
async fn advertiser(
    State(api): Shared,
    headers: HeaderMap,
    Path((venue, id)): Path<(String, String)>,
    Params((at, form)): Params<(PageParams, FormParams)>,
) -> Result<Response, ApiError> {
    let not_one = |error: cauce_model::BadValue| {
        bad("venue", Some(venue.clone()), &format!("can't be: {error}"), "a venue such as binance_p2p")
    };
    let list = Advertisers {
        venue: Some(venue.parse().map_err(not_one)?),
        advertiser_id: Some(id),
        nickname: None,
        merchants_only: false,
        current_only: false,
    };
    let until = Utc::now();
    let listed = Listed {
        list: &list,
        name: "advertisers",
        timed_by: "effective_date",
        until,
        form: &form,
        at: &at,
        before: Vec::new(),
    };
    page::<rows::Advertiser>(&api, &headers, listed).await
}

/// Which checks.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct CheckParams {
    /// true or false: those that passed or those that did not; false if it is not said.
    passed: Option<bool>,
    /// A metric such as completeness, price_anomaly or freshness.
    #[param(min_length = 1)]
    metric: Option<String>,
}

/// Checks of snapshots, newest first, and the markets that fell silent.
#[utoipa::path(get, path = "/api/v1/quality", tag = "quality",
               params(MarketParams, CheckParams, PeriodParams, PageParams, FormParams),
               responses((status = 200, body = QualityAnswer)))]
async fn quality(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, checks, period, at, form)): Params<(
        MarketParams,
        CheckParams,
        PeriodParams,
        PageParams,
        FormParams,
    )>,
) -> Result<Response, ApiError> {
    let now = Utc::now();
    let list = Checks {
        markets: market.markets(),
        period: period.period(now)?,
        passed: Some(checks.passed.unwrap_or(false)),
        metric: checks.metric,
    };
    let until = list.period.until;
    let listed = Listed {
        list: &list,
        name: "checks",
        timed_by: "check_timestamp",
        until,
        form: &form,
        at: &at,
        before: Vec::new(),
    };
    let silent = api.lake.silent_markets(api.freshness, list.period.until).await?;
    let also = [
        ("since", json!(list.period.since)),
        ("silent_markets", json!(silent)),
        ("freshness_seconds", json!(api.freshness.num_seconds())),
    ];
    crate::answer::page_with::<rows::QualityCheck>(&api, &headers, listed, &also, |row| {
        // JSON in a column is JSON in the answer.
        if let Some(details) = row.get_mut("details")
            && let Some(parsed) = details.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok())
        {
            *details = parsed;
        }
    })
    .await
}

/// Which failures.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ErrorParams {
    /// true or false: those that a later try mended, or those that none did; both if it is not said.
    resolved: Option<bool>,
}

/// Requests to venues that failed, newest first.
#[utoipa::path(get, path = "/api/v1/errors", tag = "runs",
               params(MarketParams, ErrorParams, PeriodParams, PageParams, FormParams),
               responses((status = 200, body = ErrorsAnswer)))]
async fn errors(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, errors, period, at, form)): Params<(
        MarketParams,
        ErrorParams,
        PeriodParams,
        PageParams,
        FormParams,
    )>,
) -> Result<Response, ApiError> {
    let period = period.period(Utc::now())?;
    let list = Errors { markets: market.markets(), period, resolved: errors.resolved };
    let until = list.period.until;
    let listed = Listed {
        list: &list,
        name: "errors",
        timed_by: "error_timestamp",
        until,
        form: &form,
        at: &at,
        before: Vec::new(),
    };
    page::<rows::RequestError>(&api, &headers, listed).await
}
