use axum::{extract::State, http::HeaderMap, response::Response};
use cauce_model::{Amount, Asset, Fiat, Rate, TradeType, Venue};
use cauce_query::{HistoryFilter, HistoryQuery, Interval, Reads, SpreadQuery};
use cauce_tables::{Days, Table};
use chrono::{SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use crate::{
    ApiError,
    answer::{Basis, Rows, answer},
    documents::{MarketsAnswer, PriceHistory, SpreadAnswer},
    params::{FormParams, Moment, Params, PeriodParams, some, text},
    routes::Shared,
    rows::{PriceBucket, SeenMarket, SpreadBucket},
};

/// Every market that has been seen.
#[utoipa::path(get, path = "/api/v1/markets", tag = "market", params(FormParams),
               responses((status = 200, body = MarketsAnswer)))]
pub(crate) async fn markets(
    State(api): Shared,
    headers: HeaderMap,
    Params((form,)): Params<(FormParams,)>,
) -> Result<Response, ApiError> {
    let reads = vec![Reads::Observed(Table::FactMarketDepth, Days::ALL)];
    let basis = Basis { question: "markets".to_owned(), reads, until: Utc::now() };
    let rows =
        async { Ok(Rows::of::<SeenMarket>("markets", api.lake.markets().await?).timed_by("last_seen")) };
    answer(&api, &headers, form.format, &basis, rows).await
}

/// A pair.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PairParams {
    /// A venue such as binance_p2p; all of them if it is not said.
    #[serde(default, deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "binance_p2p", pattern = "^[a-z0-9_]{1,32}$")]
    venue: Option<Venue>,
    /// A symbol such as USDT, BTC or ETH.
    #[serde(deserialize_with = "text")]
    #[param(value_type = String, example = "USDT", pattern = "^[A-Z0-9]{1,20}$")]
    asset: Asset,
    /// A currency such as VES, ARS, COP, BRL, USD or EUR.
    #[serde(deserialize_with = "text")]
    #[param(value_type = String, example = "VES", pattern = "^[A-Z0-9]{1,8}$")]
    fiat: Fiat,
    /// Width of a bucket: 1m, 5m, 10m, 1h, 1d … up to 31d; 10m if it is not said.
    #[serde(default, deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "1h", pattern = "^([1-9][0-9]{0,3}m|[1-9][0-9]{0,1}h|[1-9]d)$")]
    interval: Option<Interval>,
}

/// Which offers count.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct FilterParams {
    /// BUY or SELL: what the taker does.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "BUY", pattern = "^(BUY|SELL)$")]
    trade_type: Option<TradeType>,
    /// A code such as Banesco or PagoMovil.
    #[param(example = "PagoMovil", min_length = 1)]
    payment_method: Option<String>,
    /// An amount of the currency, such as 5000 or 250.50: offers whose limits it fits.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "5000", pattern = r"^[0-9]{1,9}(\.[0-9]{1,2})?$")]
    amount: Option<Amount>,
    /// true or false: merchants' offers only.
    merchants_only: Option<bool>,
    /// A share from 0 to 1, such as 0.95, of orders that an advertiser completed.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "0.95", pattern = r"^(0(\.[0-9]{1,6})?|1)$")]
    min_completion_rate: Option<Share>,
    /// What the lake had received by this moment; now if it is not said.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, pattern = r"^(19[7-9]\d|2[01]\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d))?$")]
    as_of: Option<Moment>,
}

/// What a market paid, bucket by bucket: price history, with gaps marked.
#[utoipa::path(get, path = "/api/v1/prices/history", tag = "market",
               params(PairParams, FilterParams, PeriodParams, FormParams),
               responses((status = 200, body = PriceHistory)))]
pub(crate) async fn history(
    State(api): Shared,
    headers: HeaderMap,
    Params((pair, filter, period, form)): Params<(PairParams, FilterParams, PeriodParams, FormParams)>,
) -> Result<Response, ApiError> {
    let period = period.period(Utc::now())?;
    let FilterParams { trade_type, payment_method, amount, merchants_only, min_completion_rate, as_of } =
        filter;
    let filter = HistoryFilter {
        payment_method,
        amount,
        merchants_only: merchants_only.unwrap_or(false),
        min_completion_rate: min_completion_rate.map(|share| share.0),
    };
    let query = HistoryQuery {
        venue: pair.venue,
        asset: pair.asset,
        fiat: pair.fiat,
        trade_type,
        interval: pair.interval.unwrap_or(Interval::TEN_MINUTES),
        since: period.since,
        until: period.until,
        filter,
        as_of: as_of.map(|moment| moment.0),
    };
    let basis = Basis { question: format!("{query:?}"), reads: query.reads(), until: query.until };
    let rows = async {
        let history = api.lake.price_history(&query).await?;
        let time = |time: chrono::DateTime<Utc>| json!(time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        let also = [
            ("interval", json!(history.interval)),
            ("since", time(history.since)),
            ("until", time(history.until)),
            ("answered_from", json!(history.answered_from)),
            ("newest_at", json!(history.newest_at)),
        ];
        Ok(Rows::of::<PriceBucket>("buckets", vec![history.table]).with(&also))
    };
    answer(&api, &headers, form.format, &basis, rows).await
}

/// A pair's spread, bucket by bucket.
#[utoipa::path(get, path = "/api/v1/market/spread", tag = "market", params(PairParams, PeriodParams, FormParams),
               responses((status = 200, body = SpreadAnswer)))]
pub(crate) async fn spread(
    State(api): Shared,
    headers: HeaderMap,
    Params((pair, period, form)): Params<(PairParams, PeriodParams, FormParams)>,
) -> Result<Response, ApiError> {
    let period = period.period(Utc::now())?;
    let query = SpreadQuery {
        venue: pair.venue,
        asset: pair.asset,
        fiat: pair.fiat,
        interval: pair.interval.unwrap_or(Interval::TEN_MINUTES),
        since: period.since,
        until: period.until,
    };
    let basis = Basis { question: format!("{query:?}"), reads: vec![query.reads()], until: query.until };
    let rows = async {
        Ok(Rows::of::<SpreadBucket>("buckets", api.lake.spread(&query).await?).timed_by("newest_at"))
    };
    answer(&api, &headers, form.format, &basis, rows).await
}

/// A rate as a parameter.
#[derive(Debug)]
pub(crate) struct Share(pub(crate) Rate);

impl std::str::FromStr for Share {
    type Err = cauce_model::BadValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Rate::parse("share", text)?))
    }
}
