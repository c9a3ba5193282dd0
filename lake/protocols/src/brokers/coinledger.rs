//! CoinLedger: its universal export, where a trade is legs with one internal id: what was given, what was got, and the fee.

use std::collections::HashMap;

use cauce_model::{AccountTerms, MarketKind, Rule, SkippedAs};

use super::{
    About, Layout, Row, Said,
    file::File,
    number::Numbers,
    record::{Result, Told, Values},
    swap::{Leg, swapped},
    table::{Order, in_order, places, skipped},
    time::Zone,
};

/// The export.
#[derive(Debug)]
pub(super) struct Legs;

static ABOUT: About = About {
    name: "coinledger",
    broker: "coinledger",
    title: "CoinLedger, universal export",
    header: &["Timestamp (UTC)", "Type", "Internal Id", "Platform", "Record Type", "Asset", "Amount"],
};

impl Layout for Legs {
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
        let records: Vec<_> = records.iter().filter(|record| !record.is_blank()).collect();
        let values = |at: usize| Values::of_row(&places, &records[at].cells, Numbers::Point, terms);
        let mut legs: HashMap<String, Vec<usize>> = HashMap::new();
        for at in 0..records.len() {
            legs.entry(values(at).text("Internal Id").into_owned()).or_default().push(at);
        }
        let row = |(at, record): (usize, &&super::file::Record)| {
            let row = values(at);
            let others = legs.get(row.text("Internal Id").as_ref()).map(Vec::as_slice).unwrap_or_default();
            let others: Vec<Values<'_>> = others.iter().map(|other| values(*other)).collect();
            let said = leg(&row, &others).unwrap_or_else(Said::Broken);
            Row { place: record.line, text: record.text(), said }
        };
        in_order(records.iter().enumerate().map(row).collect(), Order::OldestFirst)
    }
}

/// A trade is told by the leg of what was given.
fn leg(row: &Values<'_>, legs: &[Values<'_>]) -> Result<Said> {
    let kind = row.text("Type").into_owned();
    match kind.as_str() {
        "Buy" | "Sell" | "Trade" => {}
        "Deposit" | "Withdrawal" | "Transfer" => return skipped(SkippedAs::Transfer, kind),
        "Network Fee" | "Merchant Payment" | "Gift Sent" | "Investment Loss" | "Theft Loss" => {
            return skipped(SkippedAs::Charge, kind);
        }
        "Margin Gain" | "Manual Position" => return skipped(SkippedAs::State, kind),
        _ => return skipped(SkippedAs::Income, kind),
    }
    let of = |what: &str| legs.iter().find(|leg| leg.text("Record Type") == what);
    let (Some(gave), Some(got)) = (of("Debit"), of("Credit")) else {
        return Err(row.broken(Rule::MissingField, "Internal Id", "has no leg to go with it in the file"));
    };
    if row.text("Record Type") != "Debit" {
        return skipped(SkippedAs::Repeated, "a leg of a trade; the row of what was given has all of it");
    }
    let leg = |of: &Values<'_>| -> Result<Leg> {
        Ok(Leg { name: "Amount", amount: of.need_number("Amount")?, asset: of.need("Asset")? })
    };
    let at = row.time(
        "Timestamp (UTC)",
        &["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ", "%m/%d/%Y %H:%M:%S"],
        Zone::Utc,
    )?;
    let fill =
        swapped(row, leg(got)?, leg(gave)?, at)?.on(MarketKind::Spot).ids(row.some("Internal Id"), None);
    match of("Platform Fee") {
        Some(fee) => fill.fee(fee.need_number("Amount")?.abs(), fee.some("Asset")).said(),
        None => fill.said(),
    }
}
