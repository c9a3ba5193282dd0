//! Vanguard (United Kingdom): a report with two tables, of the cash and of what was invested; the second has the trades.

use cauce_model::{AccountTerms, MarketKind, SkippedAs};

use super::{
    About, Layout, Row, Said,
    file::{File, Record},
    number::Numbers,
    record::{Result, Told, Values},
    table::{Order, in_order, places, skipped},
    time::Zone,
};

/// The report.
#[derive(Debug)]
pub(super) struct Report;

static ABOUT: About = About {
    name: "vanguard",
    broker: "vanguard",
    title: "Vanguard, report of cash and investments",
    header: &["Date", "InvestmentName", "TransactionDetails", "Quantity", "Price", "Cost"],
};
const CASH: &[&str] = &["Date", "Details", "Amount", "Balance"];

/// Rows of a table until the one that sums it up.
fn rows<'f>(file: &'f File<'_>, header: &[&str]) -> Option<(&'f Record, Vec<&'f Record>)> {
    let delimiter = file.find_header(ABOUT.header).or_else(|| file.find_header(CASH))?.0;
    let records = file.records(delimiter);
    let has_all =
        |record: &Record| header.iter().all(|name| record.cells.iter().any(|cell| cell.trim() == *name));
    let place = records.iter().position(has_all)?;
    let is_row = |record: &&Record| {
        record.cells.get(0).is_some_and(|first| first.trim().starts_with(|c: char| c.is_ascii_digit()))
    };
    Some((&records[place], records[place + 1..].iter().take_while(is_row).collect()))
}

impl Layout for Report {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.is_table() && rows(file, ABOUT.header).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let mut all = Vec::new();
        for (table, read) in [(CASH, cash as fn(&Values<'_>) -> Result<Said>), (ABOUT.header, invested)] {
            let Some((header, records)) = rows(file, table) else { continue };
            let places = places(header);
            for record in records {
                let row = Values::of_row(&places, &record.cells, Numbers::Point, terms);
                let said = read(&row).unwrap_or_else(Said::Broken);
                all.push(Row { place: record.line, text: record.text(), said });
            }
        }
        in_order(all, Order::OldestFirst)
    }
}

fn cash(row: &Values<'_>) -> Result<Said> {
    let details = row.text("Details").into_owned();
    let says = |words: &[&str]| words.iter().any(|word| details.contains(word));
    let what = match () {
        () if details.starts_with("Bought") || details.starts_with("Sold") => SkippedAs::Repeated,
        () if says(&["DIV", "Interest"]) => SkippedAs::Income,
        () if says(&["Fee"]) => SkippedAs::Charge,
        () => SkippedAs::Cash,
    };
    skipped(what, details)
}

fn invested(row: &Values<'_>) -> Result<Said> {
    let at = row.time("Date", &["%d/%m/%Y"], Zone::Account)?;
    let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Price")?);
    // `Foo Fund (FOO)`: the symbol, where there is one.
    let name = row.need("InvestmentName")?;
    let symbol =
        name.rsplit_once('(').map_or(name.as_str(), |(_, symbol)| symbol.trim_end_matches(')')).to_owned();
    let fill =
        row.fill(symbol, row.side("TransactionDetails")?, ("Quantity", quantity), ("Price", price), at)?;
    fill.in_currency(row.terms.currency.clone().unwrap_or_else(|| "GBP".to_owned()))
        .on(MarketKind::Fund)
        .said()
}
