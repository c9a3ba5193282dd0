//! The trade journal, read: fills, positions, figures, and what is drawn of them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use cauce_journal::{
    Method,
    stats::{DEFINITION_VERSION, DEFINITIONS},
};
use cauce_model::AccountId;
use cauce_query::{AccountResults, AccountWindow, List, Period, Positions, TradeFigures, Trades, Window};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Shared, accounts::account_id};
use crate::{
    Api, ApiError,
    answer::{Basis, Listed, Rows, answer, page},
    documents::{
        AccountResultsAnswer, CurveAnswer, FiguresAnswer, PositionsAnswer, RhythmAnswer, TradesAnswer,
    },
    internal,
    params::{FormParams, PageParams, Params, PeriodParams, text},
    rows,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(trades))
        .routes(routes!(positions))
        .routes(routes!(figures))
        .routes(routes!(definitions))
        .routes(routes!(results))
        .routes(routes!(curve))
        .routes(routes!(rhythm))
}

/// Whose.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AccountParams {
    /// The id of an account.
    #[serde(deserialize_with = "text")]
    #[param(value_type = String, example = "binance-main", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    account: AccountId,
}

/// Bought or sold.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SideName {
    Buy,
    Sell,
}

/// Which way.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DirectionName {
    Long,
    Short,
}

/// How what is closed is set against what was opened.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MethodName {
    Fifo,
    Average,
    BrokerReported,
}

impl MethodName {
    fn name(self) -> String {
        let method = match self {
            Self::Fifo => Method::Fifo,
            Self::Average => Method::Average,
            Self::BrokerReported => Method::BrokerReported,
        };
        method.as_str().to_owned()
    }
}

fn name_of(value: Option<impl Serialize>) -> Option<String> {
    value.and_then(|value| json!(value).as_str().map(str::to_owned))
}

/// Which fills.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct TradeParams {
    /// A symbol, as the broker names it.
    #[param(min_length = 1, example = "BTCUSDT")]
    symbol: Option<String>,
    /// buy or sell.
    #[param(inline)]
    side: Option<SideName>,
}

/// By which method.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct MethodParams {
    /// fifo, average or broker_reported; broker_reported where the broker reports profits, else fifo, if it is not said.
    #[param(inline)]
    method: Option<MethodName>,
}

impl MethodParams {
    fn name(&self) -> Option<String> {
        self.method.map(MethodName::name)
    }
}

/// Which positions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct PositionParams {
    /// A symbol, as the broker names it.
    #[param(min_length = 1, example = "BTCUSDT")]
    symbol: Option<String>,
    /// long or short.
    #[param(inline)]
    direction: Option<DirectionName>,
    /// fifo, average or broker_reported; broker_reported where the broker reports profits, else fifo, if it is not said.
    #[param(inline)]
    method: Option<MethodName>,
    /// true or false: only those whose profit differs from the broker's by more than a cent.
    differing: Option<bool>,
}

/// A length of time.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PeriodName {
    #[default]
    All,
    Month,
    Week,
    Day,
}

/// Which figures.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct FigureParams {
    /// all, month, week or day; all if it is not said.
    #[param(inline)]
    period: Option<PeriodName>,
    /// A symbol, as the broker names it; * for all together. Each of them and all if it is not said.
    #[param(min_length = 1, example = "*")]
    symbol: Option<String>,
    /// long, short, or * for both together. Each of them and both if it is not said.
    #[param(min_length = 1, example = "*", pattern = r"^(long|short|\*)$")]
    direction: Option<String>,
    /// A currency or asset such as USDT. Each of them if it is not said.
    #[param(min_length = 1, example = "USDT")]
    currency: Option<String>,
    /// fifo, average or broker_reported; broker_reported where the broker reports profits, else fifo, if it is not said.
    #[param(inline)]
    method: Option<MethodName>,
}

/// Which currency, and by which method.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct CurrencyParams {
    /// A currency or asset such as USDT; the one with most closes if it is not said.
    #[param(min_length = 1, example = "USDT")]
    currency: Option<String>,
}

/// A period, where one is said: a journal begins long before yesterday.
fn said(period: &PeriodParams) -> Result<Option<Period>, ApiError> {
    if period.is_said() { period.since_the_beginning(Utc::now()).map(Some) } else { Ok(None) }
}

async fn listed<T: utoipa::PartialSchema>(
    api: &Api,
    headers: &HeaderMap,
    (list, name, timed_by): (&dyn List, &'static str, &'static str),
    (at, form): (&PageParams, &FormParams),
) -> Result<Response, ApiError> {
    let listed = Listed { list, name, timed_by, until: Utc::now(), form, at, before: Vec::new() };
    page::<T>(api, headers, listed).await
}

/// Fills of an account, each once, newest first.
#[utoipa::path(get, path = "/api/v1/trades", tag = "trades",
               params(AccountParams, TradeParams, PeriodParams, PageParams, FormParams),
               responses((status = 200, body = TradesAnswer)))]
async fn trades(
    State(api): Shared,
    headers: HeaderMap,
    Params((account, which, period, at, form)): Params<(
        AccountParams,
        TradeParams,
        PeriodParams,
        PageParams,
        FormParams,
    )>,
) -> Result<Response, ApiError> {
    let TradeParams { symbol, side } = which;
    let list = Trades { account: account.account, period: said(&period)?, symbol, side: name_of(side) };
    listed::<rows::Trade>(&api, &headers, (&list, "trades", "executed_at"), (&at, &form)).await
}

/// What an account closed, newest first: by fills that were opened before, or as the broker reports it.
#[utoipa::path(get, path = "/api/v1/positions", tag = "trades",
               params(AccountParams, PositionParams, PeriodParams, PageParams, FormParams),
               responses((status = 200, body = PositionsAnswer)))]
async fn positions(
    State(api): Shared,
    headers: HeaderMap,
    Params((account, which, period, at, form)): Params<(
        AccountParams,
        PositionParams,
        PeriodParams,
        PageParams,
        FormParams,
    )>,
) -> Result<Response, ApiError> {
    let PositionParams { symbol, direction, method, differing } = which;
    let list = Positions {
        account: account.account,
        period: said(&period)?,
        method: method.map(MethodName::name),
        symbol,
        direction: name_of(direction),
        differing: differing.unwrap_or(false),
    };
    listed::<rows::Position>(&api, &headers, (&list, "positions", "closed_at"), (&at, &form)).await
}

/// What an account's positions add up to, by period, currency, symbol and direction.
#[utoipa::path(get, path = "/api/v1/stats", tag = "trades",
               params(AccountParams, FigureParams, PeriodParams, PageParams, FormParams),
               responses((status = 200, body = FiguresAnswer)))]
async fn figures(
    State(api): Shared,
    headers: HeaderMap,
    Params((account, which, starting, at, form)): Params<(
        AccountParams,
        FigureParams,
        PeriodParams,
        PageParams,
        FormParams,
    )>,
) -> Result<Response, ApiError> {
    let FigureParams { period, symbol, direction, currency, method } = which;
    let list = TradeFigures {
        account: account.account,
        period: name_of(Some(period.unwrap_or_default())).unwrap_or_default(),
        starting: said(&starting)?,
        method: method.map(MethodName::name),
        symbol,
        direction,
        currency,
    };
    listed::<rows::TradeFigures>(&api, &headers, (&list, "stats", "last_closed_at"), (&at, &form)).await
}

/// What every figure is. The version is raised when one of them changes.
#[utoipa::path(get, path = "/api/v1/stats/definitions", tag = "trades",
               responses((status = 200, body = Object, description = "definition_version, and definitions by name")))]
async fn definitions() -> Json<Value> {
    let definitions: serde_json::Map<String, Value> =
        DEFINITIONS.iter().map(|(name, words)| ((*name).to_owned(), json!(words))).collect();
    Json(json!({ "definition_version": DEFINITION_VERSION, "definitions": definitions }))
}

/// What became of an account's imports, newest first.
#[utoipa::path(get, path = "/api/v1/accounts/{id}/results", tag = "trades",
               params(("id" = String, Path, description = "The account", example = "binance-main"), PeriodParams, PageParams,
                      FormParams),
               responses((status = 200, body = AccountResultsAnswer)))]
async fn results(
    State(api): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    Params((period, at, form)): Params<(PeriodParams, PageParams, FormParams)>,
) -> Result<Response, ApiError> {
    let list = AccountResults { account: Some(account_id(&id)?), period: said(&period)? };
    listed::<rows::AccountResult>(&api, &headers, (&list, "results", "run_start_time"), (&at, &form)).await
}

async fn drawn(
    api: &Api,
    headers: &HeaderMap,
    asked: AccountWindow,
    form: &FormParams,
) -> Result<Response, ApiError> {
    let basis = Basis { question: format!("{asked:?}"), reads: asked.reads(), until: Utc::now() };
    let rows = async {
        let batches = api.lake.account_window(&asked).await?;
        Ok(match asked.window {
            Window::Curve => Rows::of::<rows::CurvePoint>("points", batches).timed_by("closed_at"),
            Window::Hours | Window::Weekdays => Rows::of::<rows::RhythmPart>("parts", batches),
        })
    };
    answer(api, headers, form.format, &basis, rows).await
}

/// What an account had made after each close, from its starting balance or from zero, and how far that is below the most before:
/// the curves of equity and of drawdown.
#[utoipa::path(get, path = "/api/v1/accounts/{id}/curve", tag = "trades",
               params(("id" = String, Path, description = "The account", example = "binance-main"), MethodParams, CurrencyParams,
                      FormParams),
               responses((status = 200, body = CurveAnswer)))]
async fn curve(
    State(api): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    Params((method, currency, form)): Params<(MethodParams, CurrencyParams, FormParams)>,
) -> Result<Response, ApiError> {
    let account = account_id(&id)?;
    let known = api.accounts.get(&account).await.map_err(internal)?;
    let asked = AccountWindow {
        window: Window::Curve,
        balance: known.and_then(|known| known.starting_balance).unwrap_or_default(),
        account,
        method: method.name(),
        currency: currency.currency,
    };
    drawn(&api, &headers, asked, &form).await
}

/// By what an account's closes are added up.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RhythmName {
    Hour,
    Weekday,
}

/// By what closes are added up.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RhythmParams {
    /// hour or weekday.
    #[param(inline)]
    by: RhythmName,
}

/// What an account makes by hour of the day, or by day of the week, in UTC.
#[utoipa::path(get, path = "/api/v1/accounts/{id}/rhythm", tag = "trades",
               params(("id" = String, Path, description = "The account", example = "binance-main"), RhythmParams, MethodParams,
                      CurrencyParams, FormParams),
               responses((status = 200, body = RhythmAnswer)))]
async fn rhythm(
    State(api): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    Params((by, method, currency, form)): Params<(RhythmParams, MethodParams, CurrencyParams, FormParams)>,
) -> Result<Response, ApiError> {
    let window = match by.by {
        RhythmName::Hour => Window::Hours,
        RhythmName::Weekday => Window::Weekdays,
    };
    let (account, balance) = (account_id(&id)?, rust_decimal::Decimal::ZERO);
    let asked =
        AccountWindow { window, account, method: method.name(), currency: currency.currency, balance };
    drawn(&api, &headers, asked, &form).await
}
