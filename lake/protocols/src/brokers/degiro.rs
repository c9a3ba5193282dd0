//! DEGIRO: the statement of the account, where a trade is a sentence in the account's language; and its transactions, a table
//! (`transactions`).
//!
//! A sentence begins with its verb: `Koop 10 @ 12,34 EUR`, `Kauf 250 zu je 9,923 EUR`. Whether a comma or a point is before
//! the decimals no header says: what the row changed the account by does. The same words after something else are corporate actions and the
//! cash fund. A row with nothing but the end of an order's id goes on the row before it. Costs are rows of their own with the
//! order's id: they go with the first row of the order.

mod transactions;

use std::collections::HashMap;

use cauce_model::{AccountTerms, Fee, Fill, MarketKind, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

pub(super) use transactions::Transactions;

use super::{
    About, Layout, Row, Said,
    file::{File, Record, name},
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
const HEADERS: [[&str; 3]; 10] = [
    ["Datum", "Tijd", "Omschrijving"],
    ["Date", "Time", "Description"],
    ["Fecha", "Hora", "Descripción"],
    ["Data", "Hora", "Descrição"],
    ["Datum", "Uhrze", "Beschreibung"],
    ["Datum", "Uhrzeit", "Beschreibung"],
    ["Date", "Heure", "Description"],
    ["Data", "Ora", "Descrizione"],
    ["Data", "Czas", "Opis"],
    ["Datum", "Zeit", "Beschreibung"],
];
/// What a security is known by, in those languages.
const ISIN: [&str; 2] = ["ISIN", "Code ISIN"];
/// Columns by their place: what it was of, the currency and the amount of what changed, and the order's id.
const SECURITY: usize = 4;
const CURRENCY: usize = 7;
const AMOUNT: usize = 8;
const ORDER_ID: usize = 11;

const BUYS: [&str; 7] = ["Koop", "Compra", "Achat", "Kauf", "Buy", "Acquisto", "Kupno"];
const SELLS: [&str; 8] = ["Verkoop", "Venda", "Venta", "Vente", "Verkauf", "Sell", "Vendita", "Sprzedaż"];
/// What stands between a quantity and its price.
const EACH: [&str; 2] = ["@", " zu je "];
/// What a trade costs, by words in the description.
const COSTS: [&str; 8] = [
    "DEGIRO Transactiekosten",
    "Comissões de transação DEGIRO",
    "Costes de transacción",
    "Frais DEGIRO de courtage",
    "DEGIRO Transaction",
    "DEGIRO Transaktionsgebühren",
    "Costi di transazione DEGIRO",
    "Transaktionsgebühr",
];

fn header(file: &File<'_>) -> Option<(u8, usize, [&'static str; 3])> {
    HEADERS.into_iter().find_map(|names| {
        // What says the rate goes by several names.
        let (delimiter, place) = file.find_record(|record| {
            let has = |wanted: &str| record.cells.iter().any(|cell| name(cell) == wanted);
            let is_security = record.cells.get(SECURITY).is_some_and(|cell| ISIN.contains(&name(cell)));
            record.cells.len() > ORDER_ID && is_security && names.iter().all(|name| has(name))
        })?;
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
    let unread = || row.broken(Rule::InvalidNumber, description, "has no quantity and price");
    let Some((before, after)) = EACH.into_iter().find_map(|each| text.split_once(each)) else {
        // What begins as a trade does is one, or should be.
        let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
        return match text.split_whitespace().nth(1).is_some_and(is_number) {
            true => Err(unread()),
            false => skipped(kind_of(&text), text),
        };
    };
    // `Koop 6 @ 1,2108 USD`, `Compra 6 NAME @49,785 EUR (ISIN)`.
    let (quantity, price) = (leading(before.trim_start_matches(verb)), leading(after));
    let changed = number(row.cell(AMOUNT), Numbers::Either).ok().flatten();
    let (quantity, price) =
        agreed(quantity, price, changed).map_err(|why| row.broken(Rule::InvalidNumber, description, why))?;
    let currency =
        after.split_whitespace().find(|word| word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase()));
    let currency =
        currency.ok_or_else(|| row.broken(Rule::InvalidCurrency, description, "names no currency"))?;
    let moment = format!("{} {}", row.text(date), row.text(time));
    let at = row.time_of(date, &moment, &["%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S"], Zone::Account)?;
    let security = row.cell(SECURITY).to_owned();
    let fill = row.fill(security, side, (description, quantity), (description, price), at)?;
    let order = row.cell(ORDER_ID).to_owned();
    let fees = if order.is_empty() { None } else { costs.remove(&order) };
    let mut fill = fill.in_currency(currency).on(MarketKind::Equity);
    for fee in fees.unwrap_or_default() {
        fill = fill.fee(fee.amount, Some(fee.asset));
    }
    Fill { order_id: Some(order).filter(|order| !order.is_empty()), ..fill }.said()
}

/// The number that a text begins with, with a comma before its decimals, or a point.
fn leading(text: &str) -> [Option<Decimal>; 2] {
    let text = text.trim_start();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '\u{202f}' | '\u{a0}');
    let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
    [Numbers::Comma, Numbers::Point].map(|numbers| number(&text[..end], numbers).ok().flatten())
}

/// Quantity and price as what changed agrees with; else as they can be read in one way only.
fn agreed(
    quantity: [Option<Decimal>; 2],
    price: [Option<Decimal>; 2],
    changed: Option<Decimal>,
) -> std::result::Result<(Decimal, Decimal), &'static str> {
    let mut ways: Vec<(Decimal, Decimal)> = Vec::new();
    for quantity in quantity.into_iter().flatten() {
        ways.extend(price.into_iter().flatten().map(|price| (quantity, price)));
    }
    ways.sort_unstable();
    ways.dedup();
    let changed = changed.unwrap_or_default().abs();
    let is_about = |paid: Decimal| {
        let most = (changed / Decimal::from(50)).saturating_add(Decimal::new(2, 2));
        !changed.is_zero() && paid.saturating_sub(changed).abs() <= most
    };
    // An option is of a hundred; pence, and the price of a bond, are hundredths.
    let times = [Decimal::ONE, Decimal::ONE_HUNDRED, Decimal::new(1, 2)];
    let agrees = |(quantity, price): &&(Decimal, Decimal), times: Decimal| {
        quantity.checked_mul(*price).and_then(|paid| paid.checked_mul(times)).is_some_and(is_about)
    };
    let agreed = times.into_iter().find_map(|times| ways.iter().find(|way| agrees(way, times)));
    match (ways.as_slice(), agreed) {
        ([], _) => Err("has no quantity and price"),
        (_, Some(agreed)) => Ok(*agreed),
        ([only], None) => Ok(*only),
        _ => Err("may be read in several ways, none of which is what the account was changed by"),
    }
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
