//! Gemini: answers of `POST /v1/mytrades`, which name no symbol: that was asked for.

use cauce_model::{AccountTerms, MarketKind, Rule};

use super::{
    About, Layout, Row, Said,
    file::File,
    record::{Result, Told, Values},
    table::{Order, in_order},
    time::Zone,
};
use crate::document::Node;

/// Answers of the API.
#[derive(Debug)]
pub(super) struct Answers;

static ABOUT: About = About {
    name: "gemini_api",
    broker: "gemini",
    title: "Gemini, answers of mytrades",
    header: &["price", "amount", "timestampms", "type", "fee_currency", "fee_amount", "tid", "order_id"],
};

impl Layout for Answers {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        let first = file.json().map(Node::items).and_then(<[Node]>::first);
        first.is_some_and(|first| ABOUT.header.iter().all(|name| first.has(name)))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let nodes = file.json().map(Node::items).unwrap_or_default();
        let rows = nodes.iter().zip(1..).map(|(node, place)| {
            let said = trade(&Values::of_tree(node, terms)).unwrap_or_else(Said::Broken);
            Row { place, text: node.shown(), said }
        });
        in_order(rows.collect(), Order::NewestFirst)
    }
}

fn trade(row: &Values<'_>) -> Result<Said> {
    let symbol = row.some("symbol").or_else(|| row.terms.symbol.clone());
    let symbol = symbol
        .ok_or_else(|| row.broken(Rule::MissingField, "symbol", "is missing; set symbol of the account"))?;
    let at = row.time("timestampms", &["%Q"], Zone::Utc)?;
    let (quantity, price) = (row.need_number("amount")?, row.need_number("price")?);
    let fill = row.fill(symbol, row.side("type")?, ("amount", quantity), ("price", price), at)?;
    let fill = fill.ids(row.some("tid"), row.some("order_id")).on(MarketKind::Spot);
    fill.fee(row.number_or_zero("fee_amount")?, row.some("fee_currency")).said()
}
