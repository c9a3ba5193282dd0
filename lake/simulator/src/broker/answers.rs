//! What the broker says, as its documentation has it.

use std::collections::HashMap;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    Refusal, Side,
    account::{BrokerAccount, SimulatedFill},
};

/// Pairs of the spot market.
const LISTED: [(&str, &str); 14] = [
    ("BTC", "USDT"),
    ("ETH", "USDT"),
    ("ETH", "BTC"),
    ("BNB", "USDT"),
    ("SOL", "USDT"),
    ("XRP", "USDT"),
    ("ADA", "USDT"),
    ("DOGE", "USDT"),
    ("LTC", "USDT"),
    ("USDC", "USDT"),
    ("BTC", "EUR"),
    ("BTC", "BRL"),
    ("USDT", "BRL"),
    ("USDT", "ARS"),
];
const WEEK: i64 = 7 * 24 * 3_600 * 1_000;

/// What a request costs.
pub(super) fn weight(side: Side, path: &str) -> u32 {
    let name = path.rsplit('/').next().unwrap_or_default();
    match (side, name) {
        (Side::Spot, "exchangeInfo" | "account" | "myTrades") | (Side::CoinM, "userTrades" | "income") => 20,
        (Side::UsdM, "income") => 30,
        (Side::UsdM, "userTrades" | "positionRisk") => 5,
        _ => 1,
    }
}

/// What everybody is answered.
pub(super) fn open(path: &str, now: DateTime<Utc>) -> Option<Value> {
    match path.rsplit('/').next()? {
        "time" => Some(json!({ "serverTime": now.timestamp_millis() })),
        "exchangeInfo" => {
            let symbol = |(base, quote): (&str, &str)| json!({ "symbol": format!("{base}{quote}"), "status": "TRADING", "baseAsset": base, "quoteAsset": quote });
            let symbols: Vec<Value> = LISTED.into_iter().map(symbol).collect();
            Some(json!({ "timezone": "UTC", "serverTime": now.timestamp_millis(), "symbols": symbols }))
        }
        _ => None,
    }
}

/// What the account is answered that signed.
pub(super) fn signed(
    side: Side,
    path: &str,
    said: &HashMap<String, String>,
    account: &BrokerAccount,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    match (side, path.rsplit('/').next().unwrap_or_default()) {
        (Side::Spot, "apiRestrictions") => Ok(json!({
            "ipRestrict": false, "enableReading": account.mood != super::Mood::NotPermitted, "enableFutures": false,
            "enableSpotAndMarginTrading": false,
        })),
        (Side::Spot, "account") => {
            let balance =
                |(asset, free): (&String, &String)| json!({ "asset": asset, "free": free, "locked": "0.00" });
            let balances: Vec<Value> = account.balances.iter().map(balance).collect();
            Ok(
                json!({ "makerCommission": 10, "canTrade": false, "accountType": "SPOT", "balances": balances }),
            )
        }
        (Side::Spot, "myTrades") | (Side::UsdM | Side::CoinM, "userTrades") => {
            fills(side, said, account, now)
        }
        (Side::UsdM | Side::CoinM, "income") => Ok(incomes(side, said, account)),
        (Side::UsdM | Side::CoinM, "positionRisk") => Ok(json!([])),
        _ => Err(Refusal(StatusCode::NOT_FOUND, -1000, "There is no such path.")),
    }
}

fn number(said: &HashMap<String, String>, name: &str) -> Option<i64> {
    said.get(name)?.parse().ok()
}

fn market(side: Side) -> &'static str {
    match side {
        Side::Spot => "",
        Side::UsdM => "fapi:",
        Side::CoinM => "dapi:",
    }
}

fn fills(
    side: Side,
    said: &HashMap<String, String>,
    account: &BrokerAccount,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let bad = |code, words| Refusal(StatusCode::BAD_REQUEST, code, words);
    let symbol = said.get("symbol").ok_or(bad(-1102, "Mandatory parameter 'symbol' was not sent."))?;
    let is_listed = LISTED.iter().any(|(base, quote)| *symbol == format!("{base}{quote}"));
    let known = account.fills.get(&format!("{}{symbol}", market(side)));
    if side == Side::Spot && !is_listed {
        return Err(bad(-1121, "Invalid symbol."));
    }
    let limit = number(said, "limit").unwrap_or(500);
    if !(1..=1_000).contains(&limit) {
        return Err(bad(-1130, "Data sent for parameter 'limit' is not valid."));
    }
    let (from, start, end) = (number(said, "fromId"), number(said, "startTime"), number(said, "endTime"));
    if from.is_some() && (start.is_some() || end.is_some()) {
        return Err(bad(-1128, "Combination of optional parameters invalid."));
    }
    if matches!((start, end), (Some(start), Some(end)) if end - start > WEEK) {
        return Err(bad(-4165, "Invalid time interval."));
    }
    let newest = now.timestamp_millis();
    let start = start.or((from.is_none() && side != Side::Spot).then_some(newest - WEEK)).unwrap_or(0);
    let end = end.unwrap_or(newest.max(start + WEEK));
    let is_wanted = |fill: &&SimulatedFill| match from {
        Some(from) => fill.id >= from,
        None => (start..=end).contains(&fill.at.timestamp_millis()),
    };
    let found = known.into_iter().flatten().filter(is_wanted).take(usize::try_from(limit).unwrap_or(0));
    Ok(Value::Array(found.map(|fill| written(side, symbol, fill)).collect()))
}

fn written(side: Side, symbol: &str, fill: &SimulatedFill) -> Value {
    let mut value = json!({
        "symbol": symbol, "id": fill.id, "orderId": fill.id * 7 + 1, "price": fill.price, "qty": fill.quantity,
        "commission": fill.commission, "commissionAsset": fill.commission_asset, "time": fill.at.timestamp_millis(),
    });
    let name = if fill.is_buyer { "BUY" } else { "SELL" };
    let more = match side {
        Side::Spot => {
            json!({ "orderListId": -1, "quoteQty": "0", "isBuyer": fill.is_buyer, "isMaker": false, "isBestMatch": true })
        }
        Side::UsdM => json!({
            "buyer": fill.is_buyer, "maker": false, "side": name, "positionSide": "BOTH", "marginAsset": "USDT", "quoteQty": "0",
            "realizedPnl": fill.realized.as_deref().unwrap_or("0"),
        }),
        Side::CoinM => json!({
            "buyer": fill.is_buyer, "maker": false, "side": name, "positionSide": "BOTH", "marginAsset": "BTC", "baseQty": "0.002",
            "pair": "BTCUSD", "realizedPnl": fill.realized.as_deref().unwrap_or("0"),
        }),
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

fn incomes(side: Side, said: &HashMap<String, String>, account: &BrokerAccount) -> Value {
    let (start, limit) = (number(said, "startTime").unwrap_or(0), number(said, "limit").unwrap_or(100));
    let of = |(name, fills): (&String, &Vec<SimulatedFill>)| {
        let symbol =
            name.strip_prefix(market(side)).filter(|symbol| !symbol.is_empty() && !symbol.contains(':'));
        let written = |symbol: &str| -> Vec<(i64, Value)> {
            fills.iter().map(|fill| {
                let time = fill.at.timestamp_millis();
                (time, json!({
                    "symbol": symbol, "incomeType": "COMMISSION", "income": format!("-{}", fill.commission), "asset": fill.commission_asset,
                    "time": time, "info": fill.id.to_string(), "tranId": fill.id + 9_000, "tradeId": fill.id.to_string(),
                }))
            }).collect()
        };
        symbol.map(written).unwrap_or_default()
    };
    let mut incomes: Vec<(i64, Value)> =
        account.fills.iter().flat_map(of).filter(|(time, _)| *time >= start).collect();
    incomes.sort_by_key(|(time, _)| *time);
    incomes.truncate(usize::try_from(limit).unwrap_or(0));
    Value::Array(incomes.into_iter().map(|(_, income)| income).collect())
}
