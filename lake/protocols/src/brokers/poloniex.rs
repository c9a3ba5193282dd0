//! Poloniex: answers of its API, of which only `GET /orders/{id}/trades` and `GET /trades` have fills of the account, and its
//! export of trades.

use cauce_model::{AccountTerms, MarketKind, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    number::Numbers,
    record::{Result, Told, Values, pair},
    table::{Order, Table, in_order, no_footer, skipped},
    time::Zone,
};
use crate::document::Node;

const BROKER: &str = "poloniex";

/// The export: the order's number is not that of a fill. Times are UTC.
pub(super) static TRADES: Table = Table {
    about: About {
        name: "poloniex_trades",
        broker: BROKER,
        title: "Poloniex, export of trades",
        header: &["Date", "Market", "Type", "Price", "Amount", "Total", "Fee", "Order Number"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("Date", &["%Y-%m-%d %H:%M:%S"], Zone::Utc)?;
        let (quantity, price) = (row.need_number("Amount")?, row.need_number("Price")?);
        let symbol = row.need("Market")?;
        let (base, quote) = pair(&symbol, '/');
        let fill = row.fill(symbol, row.side("Type")?, ("Amount", quantity), ("Price", price), at)?;
        let fill = fill.of(base, quote).on(MarketKind::Spot).ids(None, row.some("Order Number"));
        // Later files say what it cost. Others say what was left after it: who buys pays in what was bought.
        let (fee, asset) = match row.number("Fee Total")? {
            Some(fee) => (fee, row.some("Fee Currency")),
            None if fill.side == Side::Buy => {
                let left = row.number("Quote Total Less Fee")?;
                (left.map_or(Decimal::ZERO, |left| quantity.saturating_sub(left)), fill.base.clone())
            }
            None => match (row.number("Total")?, row.number("Base Total Less Fee")?) {
                (Some(total), Some(left)) => (total.saturating_sub(left), fill.quote.clone()),
                _ => (Decimal::ZERO, None),
            },
        };
        fill.fee(fee, asset).said()
    },
};

/// Answers of the API.
#[derive(Debug)]
pub(super) struct Answers;

static ANSWERS: About = About {
    name: "poloniex_api",
    broker: BROKER,
    title: "Poloniex, answers of its API",
    header: &[
        "id",
        "symbol",
        "orderId",
        "side",
        "createTime",
        "price",
        "quantity",
        "feeCurrency",
        "feeAmount",
    ],
};

/// Members by which an answer is known to be of Poloniex.
const KNOWN: [&[&str]; 9] = [
    &["id", "symbol", "feeCurrency", "feeAmount"],
    &["code", "data"],
    &["code", "msg"],
    &["code", "message"],
    &["id", "clientOrderId"],
    &["orderId", "clientOrderId"],
    &["startTime", "cancellationTime"],
    &["asks", "bids", "ts"],
    &["orderId", "state"],
];

impl Layout for Answers {
    fn about(&self) -> &About {
        &ANSWERS
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        let knows =
            |node: &Node| KNOWN.iter().any(|members| members.iter().all(|name| !node.get(name).is_null()));
        file.json().is_some_and(|json| json.items().first().is_some_and(knows))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some(json) = file.json() else { return Vec::new() };
        // The third version of the API puts its records under `data`.
        let is_fine = json.text_at("code").is_none_or(|code| code == "200");
        let nodes =
            if is_fine && !json.get("data").is_null() { json.get("data").items() } else { json.items() };
        let rows = nodes.iter().zip(1..).map(|(node, place)| {
            let said = answer(&Values::of_tree(node, terms), node).unwrap_or_else(Said::Broken);
            Row { place, text: node.shown(), said }
        });
        in_order(rows.collect(), Order::NewestFirst)
    }
}

fn answer(row: &Values<'_>, node: &Node) -> Result<Said> {
    if let Some(code) = row.some("code").filter(|code| code != "200") {
        let said = row.first(&["msg", "message"]).unwrap_or_default();
        let is_refused = !node.has("id") && !node.has("orderId");
        if is_refused {
            return Err(Broken::new(
                Rule::UnknownShape,
                "code",
                &code,
                format!("is an error of the API: {said}"),
            ));
        }
    }
    if !(node.has("feeCurrency") && node.has("quantity") && node.has("price")) {
        let what =
            if node.has("closeAvgPx") || node.has("asks") { SkippedAs::State } else { SkippedAs::Order };
        return skipped(what, row.first(&["state", "status"]).unwrap_or_else(|| "order".to_owned()));
    }
    let at = row.time("createTime", &["%Q"], Zone::Utc)?;
    let (quantity, price) = (row.need_number("quantity")?, row.need_number("price")?);
    let symbol = row.need("symbol")?;
    let (base, quote) = pair(&symbol, '_');
    let fill = row.fill(symbol, row.side("side")?, ("quantity", quantity), ("price", price), at)?;
    let fill = fill.of(base, quote).on(MarketKind::Spot).ids(row.some("id"), row.some("orderId"));
    fill.fee(row.number_or_zero("feeAmount")?, row.some("feeCurrency")).said()
}
