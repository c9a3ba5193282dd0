//! Investimental: the log of what happened to orders. A fill says what is left of its order afterwards, and the last one of an
//! order says once more what it filled.

use std::collections::HashMap;

use cauce_model::{AccountTerms, MarketKind, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Layout, Row, Said,
    file::File,
    number::Numbers,
    record::{Result, Told, Values},
    table::{Order, in_order, places, skipped},
    time::Zone,
};

/// The log.
#[derive(Debug)]
pub(super) struct OrderLog;

static ABOUT: About = About {
    name: "investimental",
    broker: "investimental",
    title: "Investimental, log of orders",
    header: &[
        "Order Number",
        "Side",
        "Symbol",
        "Price",
        "Volume",
        "Fee",
        "Account Name",
        "Last Trade Ticket",
        "Status",
        "Update Type",
        "Update Time",
    ],
};

impl Layout for OrderLog {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.find_header(ABOUT.header).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header)) = file.find_header(ABOUT.header) else { return Vec::new() };
        let records = &file.records(delimiter)[header..];
        let Some((header, records)) = records.split_first() else { return Vec::new() };
        let places = places(header);
        // What is left of each order, and what it has cost, as the event before said.
        let mut before: HashMap<String, (Decimal, Decimal)> = HashMap::new();
        let mut rows = Vec::new();
        for record in records.iter().filter(|record| !record.is_blank()) {
            let row = Values::of_row(&places, &record.cells, Numbers::Point, terms);
            let said = event(&row, &mut before).unwrap_or_else(Said::Broken);
            rows.push(Row { place: record.line, text: record.text(), said });
        }
        in_order(rows, Order::OldestFirst)
    }
}

fn event(row: &Values<'_>, before: &mut HashMap<String, (Decimal, Decimal)>) -> Result<Said> {
    let order = row.need("Order Number")?;
    let (volume, fee) = (row.number_or_zero("Volume")?, row.number_or_zero("Fee")?);
    let (left, paid) = before.insert(order.clone(), (volume, fee)).unwrap_or_default();
    let kind = row.text("Update Type").into_owned();
    if kind != "Fil" {
        return skipped(SkippedAs::Order, kind);
    }
    let filled = if row.text("Status") == "Inactive" { volume } else { left - volume };
    let at = row.time(
        "Update Time",
        &["%Y-%m-%d %H:%M:%S%.f", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"],
        Zone::Account,
    )?;
    let price = row.need_number("Price")?;
    let fill = row.fill(row.need("Symbol")?, row.side("Side")?, ("Volume", filled), ("Price", price), at)?;
    // `Name [RON]`
    let name = row.text("Account Name");
    let currency = name.rsplit_once('[').map(|(_, code)| code.trim_end_matches(']').to_owned());
    let currency = currency.or_else(|| row.terms.currency.clone()).unwrap_or_default();
    let fill =
        fill.in_currency(currency).on(MarketKind::Equity).ids(row.some("Last Trade Ticket"), Some(order));
    fill.fee((fee - paid).max(Decimal::ZERO), None).said()
}
