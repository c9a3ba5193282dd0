//! Bitstamp: its export, and answers of `user_transactions`, whose times are UTC by its documentation.

use cauce_model::{AccountTerms, MarketKind, Rule, Side, SkippedAs};

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    number::Numbers,
    record::{Result, Told, Values},
    table::{Order, Table, in_order, no_footer, skipped},
    time::Zone,
};
use crate::document::Node;

const BROKER: &str = "bitstamp";

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "bitstamp_transactions",
        broker: BROKER,
        title: "Bitstamp, export of transactions",
        header: &["Type", "Datetime", "Account", "Amount", "Value", "Rate", "Fee", "Sub Type"],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        match row.text("Type").as_ref() {
            "Market" => {}
            kind => return skipped(SkippedAs::Transfer, kind),
        }
        let at = row.time("Datetime", &["%b. %d, %Y, %I:%M %p"], Zone::Account)?;
        let ((quantity, base), (price, quote)) = (row.amount("Amount")?, row.amount("Rate")?);
        let symbol = format!("{base}/{quote}");
        let fill = row.fill(symbol, row.side("Sub Type")?, ("Amount", quantity), ("Rate", price), at)?;
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

/// The export of later years: assets stand in columns of their own, and times are UTC.
pub(super) static TRANSACTIONS_NEWER: Table = Table {
    about: About {
        name: "bitstamp_transactions_newer",
        broker: BROKER,
        title: "Bitstamp, export of transactions of later years",
        header: &[
            "Type",
            "Subtype",
            "Datetime",
            "Amount",
            "Amount currency",
            "Value",
            "Value currency",
            "Rate",
            "Rate currency",
            "Fee",
            "Fee currency",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        match row.text("Type").as_ref() {
            "Market" => {}
            kind => return skipped(SkippedAs::Transfer, kind),
        }
        let at = row.time("Datetime", &["%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%d %H:%M:%S"], Zone::Utc)?;
        let (base, quote) = (row.need("Amount currency")?, row.need("Rate currency")?);
        let (quantity, price) = (row.need_number("Amount")?, row.need_number("Rate")?);
        let symbol = format!("{base}/{quote}");
        let fill = row.fill(symbol, row.side("Subtype")?, ("Amount", quantity), ("Rate", price), at)?;
        let fill =
            fill.of(Some(base), Some(quote)).on(MarketKind::Spot).ids(row.some("ID"), row.some("Order ID"));
        fill.fee(row.number_or_zero("Fee")?, row.some("Fee currency")).said()
    },
};

/// Answers of the API.
#[derive(Debug)]
pub(super) struct Answers;

static ANSWERS: About = About {
    name: "bitstamp_api",
    broker: BROKER,
    title: "Bitstamp, answers of user_transactions",
    header: &["id", "datetime", "type", "fee"],
};

impl Layout for Answers {
    fn about(&self) -> &About {
        &ANSWERS
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        let first = file.json().map(Node::items).and_then(<[Node]>::first);
        let has = |names: &[&str]| first.is_some_and(|first| names.iter().all(|name| first.has(name)));
        has(ANSWERS.header) || has(&["tid", "date", "type", "price", "amount"])
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let nodes = file.json().map(Node::items).unwrap_or_default();
        let rows = nodes.iter().zip(1..).map(|(node, place)| {
            let said = transaction(node, terms).unwrap_or_else(Said::Broken);
            Row { place, text: node.shown(), said }
        });
        in_order(rows.collect(), Order::NewestFirst)
    }
}

/// A trade names its pair by the member that has its price: `btc_usd`.
fn transaction(node: &Node, terms: &AccountTerms) -> Result<Said> {
    let row = Values::of_tree(node, terms);
    if node.has("tid") {
        return skipped(SkippedAs::State, "trades of the market");
    }
    match row.text("type").as_ref() {
        "2" => {}
        "0" => return skipped(SkippedAs::Transfer, "deposit"),
        "1" => return skipped(SkippedAs::Transfer, "withdrawal"),
        kind => return skipped(SkippedAs::Transfer, format!("type {kind}")),
    }
    let priced = node.members().iter().map(|(name, _)| name).find(|name| {
        let is_pair = name.split_once('_').is_some_and(|(base, quote)| node.has(base) && node.has(quote));
        is_pair && row.number(name).is_ok_and(|price| price.is_some_and(|price| !price.is_zero()))
    });
    let name =
        priced.ok_or_else(|| Broken::new(Rule::MissingField, "price", "", "is missing: no pair has one"))?;
    let (base, quote) = name.split_once('_').unwrap_or((name, ""));
    let (quantity, price) = (row.need_number(base)?, row.need_number(name)?);
    let side = if quantity.is_sign_negative() { Side::Sell } else { Side::Buy };
    let at = row.time("datetime", &["%Y-%m-%d %H:%M:%S%.f"], Zone::Utc)?;
    let (base_name, quote) = (base.to_uppercase(), quote.to_uppercase());
    let fill = row.fill(format!("{base_name}/{quote}"), side, (base, quantity), (name, price), at)?;
    let fill = fill.ids(row.some("id"), row.some("order_id")).of(Some(base_name), Some(quote));
    fill.on(MarketKind::Spot).fee(row.number_or_zero("fee")?, None).said()
}
