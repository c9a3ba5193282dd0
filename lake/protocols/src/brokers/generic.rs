//! A table of somebody's own: the account says which column holds what.

use cauce_model::{AccountTerms, Rule};

use super::{
    About, Broken, Layout, Row, Said,
    file::{self, File},
    number::Numbers,
    record::{Result, Told, Values, pair},
    table::{Order, in_order, places},
    time::Zone,
};

/// The layout's name, by which an account asks for it.
pub(super) const NAME: &str = "generic";

/// The table.
#[derive(Debug)]
pub(super) struct Generic;

static ABOUT: About = About {
    name: NAME,
    broker: NAME,
    title: "A table whose columns the account names",
    header: &["time", "symbol", "side", "quantity", "price"],
};

/// Forms of times that need no saying.
const TIMES: &[&str] = &[
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d",
];

/// The columns that the account names and a file has to have.
fn header(terms: &AccountTerms) -> Option<Vec<&str>> {
    ABOUT.header.iter().map(|name| terms.columns.get(*name).map(String::as_str)).collect()
}

impl Layout for Generic {
    fn about(&self) -> &About {
        &ABOUT
    }

    /// Only who asks for it gets it.
    fn is_of(&self, _: &File<'_>) -> bool {
        false
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let whole = |broken: Broken| {
            vec![Row { place: 1, text: file.first_header().join(","), said: Said::Broken(broken) }]
        };
        let Some(columns) = header(terms) else {
            let why = "needs the columns time, symbol, side, quantity and price of the account";
            return whole(Broken::new(Rule::MissingField, "layout", NAME, why));
        };
        let Some((delimiter, place)) = file.find_header(&columns) else {
            let why = "are not all in the file's header";
            return whole(Broken::new(Rule::UnknownShape, "columns", &columns.join(", "), why));
        };
        let records = &file.records(delimiter)[place..];
        let Some((header, records)) = records.split_first() else { return Vec::new() };
        let places = places(header);
        let numbers = if terms.decimal_comma { Numbers::Comma } else { Numbers::Point };
        let read = |record: &file::Record| {
            let said = trade(&Values::of_row(&places, &record.cells, numbers, terms));
            Row { place: record.line, text: record.text(), said: said.unwrap_or_else(Said::Broken) }
        };
        in_order(records.iter().filter(|record| !record.is_blank()).map(read).collect(), Order::OldestFirst)
    }
}

fn trade(row: &Values<'_>) -> Result<Said> {
    let column = |name: &str| row.terms.columns.get(name).map(String::as_str).unwrap_or_default();
    let some = |name: &str| row.some(column(name));
    let own = row.terms.time_format.as_deref();
    let formats = own.as_ref().map_or(TIMES, std::slice::from_ref);
    let at = row.time(column("time"), formats, Zone::Account)?;
    let (quantity, price) = (row.need_number(column("quantity"))?, row.need_number(column("price"))?);
    let (symbol, side) = (row.need(column("symbol"))?, row.side(column("side"))?);
    let parted = ['/', '-', '_'].into_iter().map(|sign| pair(&symbol, sign)).find(|(base, _)| base.is_some());
    let (base, quote) = parted.unwrap_or_default();
    let quote = some("currency").or(quote).or_else(|| row.terms.currency.clone());
    let fill = row.fill(symbol, side, (column("quantity"), quantity), (column("price"), price), at)?;
    let fill = fill.of(base, quote).ids(some("id"), some("order_id"));
    fill.fee(row.number_or_zero(column("fee"))?, some("fee_asset")).said()
}
