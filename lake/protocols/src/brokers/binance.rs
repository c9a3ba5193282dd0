//! Binance: its exports, answers of its API, and how it is asked for them.
//!
//! Columns and members as in exports and answers seen; the API's from its public documentation of `GET /api/v3/myTrades`,
//! `GET /fapi/v1/userTrades` and `GET /dapi/v1/userTrades`. Commissions of futures are written as less than zero by older
//! answers and as more by newer ones: both are costs. Rebates of makers come as income, and not here.

mod cursor;
mod market;
mod refusal;
mod session;
mod signing;

use cauce_model::{AccountTerms, Effect, Fill, MarketKind, PositionSide, Rule, Side, SkippedAs};
pub(super) use market::{COIN_M, SPOT, USD_M};
use rust_decimal::Decimal;

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    number::Numbers,
    record::{Result, Told, Values},
    table::{Order, Table, in_order, no_footer, skipped},
    time::Zone,
};
use crate::document::Node;

const BROKER: &str = "binance";
const TIMES: &[&str] = &["%Y-%m-%d %H:%M:%S", "%y-%m-%d %H:%M:%S"];

/// Spot and margin: amounts with their assets glued on. The base is that of what was executed; assets may begin with a digit,
/// so the pair says where they part.
pub(super) static SPOT_EXPORT: Table = Table {
    about: About {
        name: "binance_spot_export",
        broker: BROKER,
        title: "Binance, export of spot trades",
        header: &["Date(UTC)", "Pair", "Side", "Price", "Executed", "Amount", "Fee"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let (pair, side) = (row.need("Pair")?, row.side("Side")?);
        let (quantity, base) = row.amount("Executed")?;
        let (_, quote) = row.amount("Amount")?;
        let (base, quote) = parted(&pair, base, quote);
        let price = row.need_number("Price")?;
        let at = row.time("Date(UTC)", TIMES, Zone::Utc)?;
        let fill = row.fill(pair, side, ("Executed", quantity), ("Price", price), at)?;
        let fill = fill.of(Some(base), Some(quote)).on(MarketKind::Spot);
        match row.some("Fee") {
            Some(_) => {
                let (fee, asset) = row.amount("Fee")?;
                fill.fee(fee, Some(asset)).said()
            }
            None => fill.said(),
        }
    },
};

/// Base and quote whose names together are the pair, where the number before one took a digit of it: `1INCH`.
fn parted(pair: &str, base: String, quote: String) -> (String, String) {
    match pair.strip_suffix(quote.as_str()) {
        Some(rest) if rest.ends_with(base.as_str()) && !rest.is_empty() => (rest.to_owned(), quote),
        _ => (base, quote),
    }
}

/// The export of earlier years.
pub(super) static SPOT_EXPORT_OLDER: Table = Table {
    about: About {
        name: "binance_spot_export_older",
        broker: BROKER,
        title: "Binance, export of spot trades of earlier years",
        header: &["Date(UTC)", "Market", "Type", "Price", "Amount", "Total", "Fee", "Fee Coin"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("Date(UTC)", TIMES, Zone::Utc)?;
        let (quantity, price) = (row.need_number("Amount")?, row.need_number("Price")?);
        let symbol = row.need("Market")?;
        let fill =
            row.fill(symbol.as_str(), row.side("Type")?, ("Amount", quantity), ("Price", price), at)?;
        let (base, quote) = by_known_quote(&symbol);
        fill.of(base, quote).on(MarketKind::Spot).fee(row.number_or_zero("Fee")?, row.some("Fee Coin")).said()
    },
};

/// USD-M futures.
pub(super) static FUTURES_EXPORT: Table = Table {
    about: About {
        name: "binance_futures_export",
        broker: BROKER,
        title: "Binance, export of futures trades",
        header: &["Date(UTC)", "Symbol", "Side", "Price", "Quantity", "Amount", "Fee", "Realized Profit"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("Date(UTC)", TIMES, Zone::Utc)?;
        let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Price")?);
        let symbol = row.need("Symbol")?;
        let fill =
            row.fill(symbol.as_str(), row.side("Side")?, ("Quantity", quantity), ("Price", price), at)?;
        let (base, quote) = by_known_quote(&symbol);
        let fee = row.first(&["Fee Coin", "Commission Asset"]).or_else(|| quote.clone());
        let fill =
            fill.of(base, quote.clone()).on(MarketKind::Futures).fee(row.number_or_zero("Fee")?.abs(), fee);
        let profit = row.number("Realized Profit")?.filter(|profit| !profit.is_zero());
        Fill { reported_pnl: profit, pnl_currency: quote, ..fill }.said()
    },
};

/// Assets that prices on Binance are in, the longer names first.
const QUOTES: [&str; 16] = [
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDP", "DAI", "BTC", "ETH", "BNB", "EUR", "BRL", "ARS", "COP",
    "TRY", "USD",
];

/// A pair that is written in one word.
fn by_known_quote(symbol: &str) -> (Option<String>, Option<String>) {
    let plain = symbol.split('_').next().unwrap_or(symbol);
    let quote = QUOTES.into_iter().find(|quote| plain.len() > quote.len() && plain.ends_with(quote));
    (quote.map(|quote| plain[..plain.len() - quote.len()].to_owned()), quote.map(str::to_owned))
}

/// Purchases by plan. Days and months are told apart by the account's terms only.
pub(super) static AUTO_INVEST: Table = Table {
    about: About {
        name: "binance_auto_invest",
        broker: BROKER,
        title: "Binance, purchases by plan",
        header: &[
            "Auto-Invest Date(UTC)",
            "Holding Coin",
            "Amount per period",
            "Trading Fee",
            "Units",
            "From",
            "Status",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        if row.text("Status") != "Success" {
            return skipped(SkippedAs::Cancelled, format!("status {}", row.text("Status")));
        }
        let at = row.dated("Auto-Invest Date(UTC)", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", Zone::Utc)?;
        let (spent, quote) = row.amount("Amount per period")?;
        let (base, (units, _)) = (row.need("Holding Coin")?, row.amount("Units")?);
        let price = row.ratio(("Amount per period", spent), ("Units", units))?;
        let symbol = format!("{base}{quote}");
        let fill = row.fill(symbol, Side::Buy, ("Units", units), ("Amount per period", price), at)?;
        let (fee, asset) = row.amount("Trading Fee")?;
        fill.of(Some(base), Some(quote)).on(MarketKind::Spot).fee(fee, Some(asset)).said()
    },
};

/// Answers of the API: fills of an account, and whatever else somebody kept.
#[derive(Debug)]
pub(super) struct Answers;

static ANSWERS: About = About {
    name: "binance_api",
    broker: BROKER,
    title: "Binance, answers of its API: myTrades, userTrades",
    header: &["symbol", "id", "orderId", "price", "qty", "commission", "commissionAsset", "time"],
};

/// Members by which an answer is known to be of Binance: its fills, its orders, its errors, its market and accounts.
const KNOWN: [&[&str]; 10] = [
    &["id", "orderId", "price", "qty", "commission", "commissionAsset"],
    &["orderId", "symbol", "clientOrderId"],
    &["orderId", "symbol", "origQty"],
    &["orderListId", "contingencyType"],
    &["code", "msg"],
    &["id", "price", "qty", "time", "isBuyerMaker"],
    &["symbol", "adlQuantile"],
    &["symbol", "positionAmt", "entryPrice"],
    &["makerCommission", "balances"],
    &["totalInitialMargin", "assets"],
];

impl Layout for Answers {
    fn about(&self) -> &About {
        &ANSWERS
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        // Others have members of the same names: their own say whose they are. Binance's errors are less than zero.
        let is_of_others = |node: &Node| {
            let is_error = node.text_at("code").is_some_and(|code| !code.starts_with('-'));
            is_error || ["data", "feeCurrency", "createTime"].iter().any(|name| node.has(name))
        };
        let has_all = |node: &Node, members: &[&str]| members.iter().all(|name| !node.get(name).is_null());
        let knows = |node: &Node| !is_of_others(node) && KNOWN.iter().any(|members| has_all(node, members));
        file.json().is_some_and(|json| json.items().first().is_some_and(knows))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let nodes = file.json().map(Node::items).unwrap_or_default();
        let rows = nodes.iter().zip(1..).flat_map(|(node, place)| {
            let text = node.shown();
            let fills = node.get("fills").items();
            let rows: Vec<Result<Said>> = match fills.is_empty() {
                true => vec![answer(node, terms)],
                false => fills.iter().map(|fill| of_order(node, fill, terms)).collect(),
            };
            rows.into_iter().map(move |said| Row {
                place,
                text: text.clone(),
                said: said.unwrap_or_else(Said::Broken),
            })
        });
        in_order(rows.collect(), Order::OldestFirst)
    }
}

fn answer(node: &Node, terms: &AccountTerms) -> Result<Said> {
    let row = Values::of_tree(node, terms);
    if node.has("code") && node.has("msg") {
        let said = format!("is an error of the API: {}", row.text("msg"));
        return Err(Broken::new(Rule::UnknownShape, "code", &row.text("code"), said));
    }
    if node.has("commission") && node.has("orderId") {
        return if node.has("isBuyer") { spot(&row) } else { futures(&row, node) };
    }
    if node.has("isBuyerMaker") {
        return skipped(SkippedAs::State, "trades of the market");
    }
    if node.has("orderId") || node.has("orderListId") {
        let status = row.first(&["status", "listOrderStatus"]).unwrap_or_default();
        return skipped(SkippedAs::Order, format!("order {status}"));
    }
    skipped(SkippedAs::State, "state of an account or a position")
}

fn spot(row: &Values<'_>) -> Result<Said> {
    let side = if row.text("isBuyer") == "true" { Side::Buy } else { Side::Sell };
    let fill = common(row, side)?;
    let (base, quote) = by_known_quote(&fill.symbol);
    fill.of(base, quote)
        .on(MarketKind::Spot)
        .fee(row.number_or_zero("commission")?, row.some("commissionAsset"))
        .said()
}

fn futures(row: &Values<'_>, node: &Node) -> Result<Said> {
    let side = row.side("side")?;
    let fill = common(row, side)?;
    let is_inverse = node.has("baseQty");
    let (base, quote) = by_known_quote(&fill.symbol);
    let multiplier = match is_inverse {
        // A contract is worth so much of the quote: what it is in the base, at its price.
        true => {
            let worth = row.need_number("baseQty")? * fill.price;
            row.ratio(("baseQty", worth), ("qty", fill.quantity))?.round()
        }
        false => Decimal::ONE,
    };
    let position_side = match row.text("positionSide").as_ref() {
        "LONG" => Some(PositionSide::Long),
        "SHORT" => Some(PositionSide::Short),
        _ => None,
    };
    let effect = match (position_side, side) {
        (Some(PositionSide::Long), Side::Buy) | (Some(PositionSide::Short), Side::Sell) => Effect::Open,
        (Some(_), _) => Effect::Close,
        (None, _) => Effect::Unknown,
    };
    let settled = row.some("marginAsset").or_else(|| if is_inverse { base.clone() } else { quote.clone() });
    let profit = row.number("realizedPnl")?.filter(|profit| !profit.is_zero());
    let fee = row.number_or_zero("commission")?.abs();
    let fill = fill.of(base, quote).on(MarketKind::Futures).fee(fee, row.some("commissionAsset"));
    Fill {
        multiplier,
        inverse: is_inverse,
        position_side,
        effect,
        reported_pnl: profit,
        pnl_currency: settled,
        ..fill
    }
    .said()
}

fn common(row: &Values<'_>, side: Side) -> Result<Fill> {
    let at = row.time("time", &["%Q"], Zone::Utc)?;
    let (quantity, price) = (row.need_number("qty")?, row.need_number("price")?);
    let symbol = row.some("symbol").or_else(|| row.terms.symbol.clone());
    let symbol = symbol
        .ok_or_else(|| row.broken(Rule::MissingField, "symbol", "is missing; set symbol of the account"))?;
    let fill = row.fill(symbol, side, ("qty", quantity), ("price", price), at)?;
    Ok(fill.ids(row.some("id"), row.some("orderId")))
}

/// A fill inside the answer to an order, which has its symbol, side and time.
fn of_order(order: &Node, fill: &Node, terms: &AccountTerms) -> Result<Said> {
    let (outer, row) = (Values::of_tree(order, terms), Values::of_tree(fill, terms));
    let at = outer.time("transactTime", &["%Q"], Zone::Utc)?;
    let (quantity, price) = (row.need_number("qty")?, row.need_number("price")?);
    let made =
        row.fill(outer.need("symbol")?, outer.side("side")?, ("qty", quantity), ("price", price), at)?;
    let (base, quote) = by_known_quote(&made.symbol);
    let made = made.ids(row.some("tradeId"), outer.some("orderId")).of(base, quote).on(MarketKind::Spot);
    made.fee(row.number_or_zero("commission")?, row.some("commissionAsset")).said()
}
