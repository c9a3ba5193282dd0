//! DEGIRO: the statement of the account, where a trade is a sentence in the account's language.
//!
//! A sentence begins with its verb: `Koop 10 @ 12,34 EUR`. The same words after something else are corporate actions and the
//! cash fund. A row with nothing but the end of an order's id goes on the row before it. Costs are rows of their own with the
//! order's id: they go with the first row of the order.

use std::collections::HashMap;

use cauce_model::{AccountTerms, Fee, Fill, MarketKind, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Layout, Row, Said,
    file::{File, Record},
    number::{Numbers, number},
    record::{Result, Told, Values},
    table::{Order, in_order, places, skipped},
    time::Zone,
};

/// The statement of the account.
#[derive(Debug)]
pub(super) struct Account;

static ACCOUNT: About = About {
    name: "degiro_account",
    broker: "degiro",
    title: "DEGIRO, statement of the account",
    header: &["Datum", "Tijd", "Product", "ISIN", "Omschrijving", "FX"],
};

/// The header in the languages that it is written in: date, time, description.
const HEADERS: [[&str; 3]; 7] = [
    ["Datum", "Tijd", "Omschrijving"],
    ["Date", "Time", "Description"],
    ["Fecha", "Hora", "Descripción"],
    ["Data", "Hora", "Descrição"],
    ["Datum", "Uhrze", "Beschreibung"],
    ["Date", "Heure", "Description"],
    ["Data", "Ora", "Descrizione"],
];
/// Columns by their place: the currency and the amount of what changed, and the order's id.
const CURRENCY: usize = 7;
const AMOUNT: usize = 8;
const ORDER_ID: usize = 11;

const BUYS: [&str; 6] = ["Koop", "Compra", "Achat", "Kauf", "Buy", "Acquisto"];
const SELLS: [&str; 7] = ["Verkoop", "Venda", "Venta", "Vente", "Verkauf", "Sell", "Vendita"];
/// What a trade costs, by words in the description.
const COSTS: [&str; 7] = [
    "DEGIRO Transactiekosten",
    "Comissões de transação DEGIRO",
    "Costes de transacción",
    "Frais DEGIRO de courtage",
    "DEGIRO Transaction",
    "DEGIRO Transaktionsgebühren",
    "Costi di transazione DEGIRO",
];

fn header(file: &File<'_>) -> Option<(u8, usize, [&'static str; 3])> {
    HEADERS.into_iter().find_map(|names| {
        let columns = [names[0], names[1], names[2], "ISIN", "FX"];
        let (delimiter, place) = file.find_header(&columns)?;
        Some((delimiter, place, names))
    })
}

impl Layout for Account {
    fn about(&self) -> &About {
        &ACCOUNT
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        header(file).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header, names)) = header(file) else { return Vec::new() };
        let records = &file.records(delimiter)[header..];
        let Some((header, records)) = records.split_first() else { return Vec::new() };
        let places = places(header);
        // The rest of an id that did not fit its line has no day.
        let is_row = |record: &&Record| record.cells.get(0).is_some_and(|day| !day.trim().is_empty());
        let records: Vec<&Record> = records.iter().filter(is_row).collect();
        let mut costs: HashMap<String, Vec<Fee>> = HashMap::new();
        for record in &records {
            let row = Values::of_row(&places, &record.cells, Numbers::Either, terms);
            let text = row.text(names[2]);
            let amount = number(row.cell(AMOUNT), Numbers::Either);
            if let (true, Ok(Some(amount))) = (COSTS.iter().any(|words| text.starts_with(words)), amount) {
                let fee = Fee { asset: row.cell(CURRENCY).to_owned(), amount: -amount };
                costs.entry(row.cell(ORDER_ID).to_owned()).or_default().push(fee);
            }
        }
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let row = Values::of_row(&places, &record.cells, Numbers::Either, terms);
            let said = sentence(&row, names, &mut costs).unwrap_or_else(Said::Broken);
            rows.push(Row { place: record.line, text: record.text(), said });
        }
        in_order(rows, Order::NewestFirst)
    }
}

fn sentence(row: &Values<'_>, names: [&str; 3], costs: &mut HashMap<String, Vec<Fee>>) -> Result<Said> {
    let [date, time, description] = names;
    let text = row.text(description).into_owned();
    let verb = text.split(' ').next().unwrap_or_default();
    let side = match verb {
        verb if BUYS.contains(&verb) => Side::Buy,
        verb if SELLS.contains(&verb) => Side::Sell,
        _ => return skipped(kind_of(&text), text),
    };
    let Some((before, after)) = text.split_once('@') else { return skipped(kind_of(&text), text) };
    let unread = || row.broken(Rule::InvalidNumber, description, "has no quantity and price");
    // `Koop 6 @ 1,2108 USD`, `Compra 6 NAME @49,785 EUR (ISIN)`: decimals of sentences have commas.
    let quantity = leading(before.trim_start_matches(verb)).ok_or_else(unread)?;
    let price = leading(after).ok_or_else(unread)?;
    let currency =
        after.split_whitespace().find(|word| word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase()));
    let currency =
        currency.ok_or_else(|| row.broken(Rule::InvalidCurrency, description, "names no currency"))?;
    let moment = format!("{} {}", row.text(date), row.text(time));
    let at = row.time_of(date, &moment, &["%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S"], Zone::Account)?;
    let fill = row.fill(row.need("ISIN")?, side, (description, quantity), (description, price), at)?;
    let order = row.cell(ORDER_ID).to_owned();
    let fees = if order.is_empty() { None } else { costs.remove(&order) };
    let mut fill = fill.in_currency(currency).on(MarketKind::Equity);
    for fee in fees.unwrap_or_default() {
        fill = fill.fee(fee.amount, Some(fee.asset));
    }
    Fill { order_id: Some(order).filter(|order| !order.is_empty()), ..fill }.said()
}

/// The number that a text begins with.
fn leading(text: &str) -> Option<Decimal> {
    let text = text.trim_start();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '\u{202f}' | '\u{a0}');
    let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
    number(&text[..end], Numbers::Comma).ok().flatten()
}

/// What a row is that is no trade, by words of several languages.
fn kind_of(text: &str) -> SkippedAs {
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    match () {
        () if says(&[
            "produktwijziging",
            "productwijziging",
            "stock dividend",
            "split",
            "corporate action",
            "fusion",
        ]) =>
        {
            SkippedAs::CorporateAction
        }
        () if says(&["valuta", "divisa", "fx ", "change de devise"]) => SkippedAs::Conversion,
        () if says(&["kosten", "fee", "comiss", "frais", "gebühr", "belasting", "impôt", "tax"]) => {
            SkippedAs::Charge
        }
        () if says(&["dividend", "rente", "interest"]) => SkippedAs::Income,
        () => SkippedAs::Cash,
    }
}
