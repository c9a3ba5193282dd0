use std::collections::HashMap;

use axum::{extract::State, http::HeaderMap, response::Response};
use cauce_model::Amount;
use cauce_query::{Now, Takeable, json_rows};
use chrono::{SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;

use super::history::Share;
use crate::{
    ApiError,
    answer::{Basis, Rows, answer, is_json},
    documents::{ArbitrageAnswer, DepthAnswer, LatestAnswer, LiquidityAnswer, OffersAnswer, PriceAnswer},
    params::{FormParams, MarketParams, Params, some},
    routes::Shared,
    rows,
};

/// Which offers can be taken.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct TakeParams {
    /// An amount of the currency, such as 5000 or 250.50: offers whose limits it fits.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "5000", pattern = r"^[0-9]{1,9}(\.[0-9]{1,2})?$")]
    amount: Option<Amount>,
    /// A code such as Banesco or PagoMovil.
    #[param(example = "PagoMovil", min_length = 1)]
    payment_method: Option<String>,
    /// true or false: merchants' offers only.
    merchants_only: Option<bool>,
    /// A share from 0 to 1, such as 0.95, of orders that an advertiser completed.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "0.95", pattern = r"^(0(\.[0-9]{1,6})?|1)$")]
    min_completion_rate: Option<Share>,
}

impl TakeParams {
    fn takeable(self) -> Takeable {
        Takeable {
            amount: self.amount,
            payment_method: self.payment_method,
            merchants_only: self.merchants_only.unwrap_or(false),
            min_completion_rate: self.min_completion_rate.map(|share| share.0),
        }
    }
}

fn at(now: &Now) -> Value {
    json!(now.at().to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// The newest snapshot of each market, at most 15 minutes old, with its offers.
#[utoipa::path(get, path = "/api/v1/market/latest", tag = "market", params(MarketParams, FormParams),
               responses((status = 200, body = LatestAnswer)))]
pub(crate) async fn latest(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, form)): Params<(MarketParams, FormParams)>,
) -> Result<Response, ApiError> {
    let (now, markets) = (Now::of(Utc::now()), market.markets());
    let basis = Basis {
        question: format!("latest {now:?} {markets:?}"),
        reads: vec![now.snapshots(), now.offers()],
        until: now.at(),
    };
    let nested = is_json(&headers, form.format)?;
    let rows = async {
        let offers = api.lake.offers(&now, &markets, None).await?;
        if !nested {
            return Ok(Rows::of::<rows::Offer>("offers", offers));
        }
        let snapshots = api.lake.latest(&now, &markets).await?;
        let mut by_snapshot: HashMap<String, Vec<Value>> = HashMap::new();
        for offer in json_rows(&offers) {
            let id = offer.get("snapshot_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            by_snapshot.entry(id).or_default().push(Value::Object(offer));
        }
        let with_offers = |mut snapshot: Map<String, Value>| {
            let id = snapshot.get("snapshot_id").and_then(Value::as_str).unwrap_or_default();
            let offers = by_snapshot.remove(id).unwrap_or_default();
            snapshot.insert("offers".to_owned(), Value::Array(offers));
            Value::Object(snapshot)
        };
        let nested = json_rows(&snapshots).into_iter().map(with_offers).collect();
        Ok(Rows::of::<rows::LatestSnapshot>("markets", snapshots).nested(nested).with(&[("at", at(&now))]))
    };
    answer(&api, &headers, form.format, &basis, rows).await
}

/// Offers of the newest snapshots that can be taken, in the venue's order.
#[utoipa::path(get, path = "/api/v1/market/offers", tag = "market", params(MarketParams, TakeParams, FormParams),
               responses((status = 200, body = OffersAnswer)))]
pub(crate) async fn offers(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, take, form)): Params<(MarketParams, TakeParams, FormParams)>,
) -> Result<Response, ApiError> {
    let (now, markets, takeable) = (Now::of(Utc::now()), market.markets(), take.takeable());
    let basis = of_books(&now, &format!("offers {markets:?} {takeable:?}"));
    let rows = async {
        let offers = api.lake.offers(&now, &markets, Some(&takeable)).await?;
        Ok(Rows::of::<rows::Offer>("offers", offers).with(&[("at", at(&now))]))
    };
    answer(&api, &headers, form.format, &basis, rows).await
}

/// How much can be bought or sold up to each price: the depth curve.
#[utoipa::path(get, path = "/api/v1/market/depth", tag = "market", params(MarketParams, TakeParams, FormParams),
               responses((status = 200, body = DepthAnswer)))]
pub(crate) async fn depth(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, take, form)): Params<(MarketParams, TakeParams, FormParams)>,
) -> Result<Response, ApiError> {
    let (now, markets, takeable) = (Now::of(Utc::now()), market.markets(), take.takeable());
    let basis = of_books(&now, &format!("depth {markets:?} {takeable:?}"));
    let rows = async {
        let levels = api.lake.depth(&now, &markets, &takeable).await?;
        Ok(Rows::of::<rows::DepthLevel>("levels", levels).with(&[("at", at(&now))]))
    };
    answer(&api, &headers, form.format, &basis, rows).await
}

/// How much stands in the first ten offers of each market, across venues.
#[utoipa::path(get, path = "/api/v1/market/liquidity", tag = "market", params(MarketParams, FormParams),
               responses((status = 200, body = LiquidityAnswer)))]
pub(crate) async fn liquidity(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, form)): Params<(MarketParams, FormParams)>,
) -> Result<Response, ApiError> {
    let (now, markets) = (Now::of(Utc::now()), market.markets());
    let basis = of_books(&now, &format!("liquidity {markets:?}"));
    let rows = async {
        let found = api.lake.liquidity(&now, &markets).await?;
        Ok(Rows::of::<rows::Liquidity>("markets", found).with(&[("at", at(&now))]))
    };
    answer(&api, &headers, form.format, &basis, rows).await
}

/// The price at my amount: the best offer of each market that takes it.
#[utoipa::path(get, path = "/api/v1/market/price", tag = "market", params(MarketParams, TakeParams, FormParams),
               responses((status = 200, body = PriceAnswer)))]
pub(crate) async fn price(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, take, form)): Params<(MarketParams, TakeParams, FormParams)>,
) -> Result<Response, ApiError> {
    let (now, markets, takeable) = (Now::of(Utc::now()), market.markets(), take.takeable());
    let basis = of_books(&now, &format!("price {markets:?} {takeable:?}"));
    let rows = async {
        let found = api.lake.price_at(&now, &markets, &takeable).await?;
        Ok(Rows::of::<rows::PriceAt>("prices", found).with(&[("at", at(&now))]))
    };
    answer(&api, &headers, form.format, &basis, rows).await
}

/// How good an opportunity must be.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProfitParams {
    /// Profit after fees in percent, at least; 0 if it is not said. Less than 0 shows what is nearly one.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "0.5", pattern = r"^-?[0-9]{1,3}(\.[0-9]{1,6})?$")]
    min_profit: Option<Decimal>,
    /// Opportunities at most: a number from 1 to 1000. 100 if it is not said.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<u32>,
}

/// Arbitrage: what can be bought from one maker and sold to another with a profit after fees: at another payment method,
/// at another venue, or in a crossed book.
#[utoipa::path(get, path = "/api/v1/market/arbitrage", tag = "market",
               params(MarketParams, TakeParams, ProfitParams, FormParams),
               responses((status = 200, body = ArbitrageAnswer)))]
pub(crate) async fn arbitrage(
    State(api): Shared,
    headers: HeaderMap,
    Params((market, take, profit, form)): Params<(MarketParams, TakeParams, ProfitParams, FormParams)>,
) -> Result<Response, ApiError> {
    let (now, markets, takeable) = (Now::of(Utc::now()), market.markets(), take.takeable());
    let least = profit.min_profit.unwrap_or_default();
    let most = match profit.limit.unwrap_or(100) {
        most @ 1..=1_000 => most,
        most => {
            return Err(crate::bad(
                "limit",
                Some(most.to_string()),
                "is out of range",
                "a number from 1 to 1000",
            ));
        }
    };
    let basis = of_books(&now, &format!("arbitrage {markets:?} {takeable:?} {least} {most} {:?}", api.fees));
    let rows = async {
        let found = api.lake.arbitrage(&now, &markets, &takeable, &api.fees, (least, most)).await?;
        Ok(Rows::of::<rows::Opportunity>("opportunities", found)
            .timed_by("buy_taken_at")
            .with(&[("at", at(&now))]))
    };
    answer(&api, &headers, form.format, &basis, rows).await
}

fn of_books(now: &Now, question: &str) -> Basis {
    let reads = vec![now.snapshots(), now.offers()];
    Basis { question: format!("{question} {now:?}"), reads, until: now.at() }
}
