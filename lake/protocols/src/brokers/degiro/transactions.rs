//! DEGIRO: its transactions, a row for each fill.
//!
//! Columns are told by their places, as their names are in the account's language and are cut off at different lengths. Amounts
//! have their currency in a column without a name: beside it until 2023, before it until 2020; since then what is in the
//! account's currency has it in the header. The sign of the quantity is the side. Days and hours are of the account, and so is
//! the language, but not always what is before a decimal.

use cauce_model::{AccountTerms, Fill, MarketKind, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::super::{
    About, Broken, Layout, Row, Said,
    file::{File, Record, name},
    number::{Numbers, number},
    record::{Result, Told, Values},
    table::{Order, in_order, places, skipped},
    time::Zone,
};

/// The transactions.
#[derive(Debug)]
pub(in super::super) struct Transactions;

static TRANSACTIONS: About = About {
    name: "degiro_transactions",
    broker: "degiro",
    title: "DEGIRO, transactions",
    header: &["Date", "Time", "Product", "ISIN", "Quantity", "Price", "Local value", "Order ID"],
};

/// What is said in seven languages, by how it begins.
const TIMES: [&str; 7] = ["Time", "Tijd", "Uhrzeit", "Heure", "Ora", "Hora", "Zeit"];
const QUANTITIES: [&str; 7] =
    ["Quantity", "Aantal", "Anzahl", "Quantité", "Quantità", "Número", "Quantidade"];
const FEES: [&str; 10] = [
    "Transaction",
    "Transactiekosten",
    "Transaktions",
    "Gebühr",
    "Frais de courtage",
    "Commissioni di",
    "Costi di",
    "Costes de",
    "Custos de",
    "Frais conversion",
];
const CONVERSIONS: [&str; 6] =
    ["AutoFX", "Frais conversion", "Commissione AutoFX", "Comisión AutoFX", "Taxa Autofx", "Taxa AutoFX"];
const TOTALS: [&str; 5] = ["Total", "Totaal", "Gesamt", "Montant négocié", "Totale"];
const ORDERS: [&str; 6] = ["Order ID", "Order-ID", "ID Ordre", "ID Ordine", "ID Orden", "ID da Ordem"];

/// Where columns are.
#[derive(Debug, Clone)]
struct Places {
    quantity: usize,
    price: (usize, usize),
    /// What was traded came to, in its own currency.
    local: usize,
    /// Each cost, and its currency: a place, or what the header says.
    costs: Vec<(usize, Currency)>,
    order: Option<usize>,
    venue: usize,
}

#[derive(Debug, Clone)]
enum Currency {
    At(usize),
    Named(String),
}

fn begins(cell: &str, with: &[&str]) -> bool {
    with.iter().any(|start| name(cell).starts_with(start))
}

fn find(header: &Record) -> Option<Places> {
    let cells: Vec<&str> = header.cells.iter().map(name).collect();
    let is_isin = cells.get(3).is_some_and(|cell| cell.ends_with("ISIN"));
    let is_timed = cells.get(1).is_some_and(|cell| TIMES.contains(cell));
    if !is_isin || !is_timed {
        return None;
    }
    let at = |with: &[&str]| cells.iter().position(|cell| begins(cell, with));
    let quantity = at(&QUANTITIES).filter(|place| (5..=7).contains(place))?;
    // A currency without a name stands before its amount, or behind it.
    let is_before = cells.get(quantity + 1)?.is_empty();
    let (price, local) = if is_before { (quantity + 2, quantity + 4) } else { (quantity + 1, quantity + 3) };
    let of_price = if is_before { price - 1 } else { price + 1 };
    let unnamed = |place: usize| cells.get(place).is_some_and(|cell| cell.is_empty());
    let currency = |place: usize| match cells[place].rsplit(' ').next() {
        Some(code) if code.len() == 3 && code.chars().all(|c| c.is_ascii_uppercase()) => {
            Some(Currency::Named(code.to_owned()))
        }
        _ if is_before && place > 0 && unnamed(place - 1) => Some(Currency::At(place - 1)),
        _ if !is_before && unnamed(place + 1) => Some(Currency::At(place + 1)),
        _ => None,
    };
    let total = cells.iter().rposition(|cell| begins(cell, &TOTALS))?;
    // Costs whose own header has no currency are in that of the total.
    let own = currency(total)?;
    let costs = (local + 1..total)
        .filter(|place| begins(cells[*place], &FEES) || begins(cells[*place], &CONVERSIONS));
    let costs = costs.map(|place| (place, currency(place).unwrap_or_else(|| own.clone()))).collect();
    Some(Places { quantity, price: (price, of_price), local, costs, order: at(&ORDERS), venue: quantity - 1 })
}

impl Layout for Transactions {
    fn about(&self) -> &About {
        &TRANSACTIONS
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.find_record(|record| find(record).is_some()).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header)) = file.find_record(|record| find(record).is_some()) else {
            return Vec::new();
        };
        let records = &file.records(delimiter)[header..];
        let Some((header, records)) = records.split_first() else { return Vec::new() };
        let Some(columns) = find(header) else { return Vec::new() };
        let names = places(header);
        let read = |record: &Record| {
            let row = Values::of_row(&names, &record.cells, Numbers::Either, terms);
            let said = transaction(&row, &columns).unwrap_or_else(Said::Broken);
            Row { place: record.line, text: record.text(), said }
        };
        in_order(records.iter().filter(|record| !record.is_blank()).map(read).collect(), Order::NewestFirst)
    }
}

fn transaction(row: &Values<'_>, columns: &Places) -> Result<Said> {
    let at = |place: usize| row.cell(place);
    let refused =
        |name: &str, place: usize, why: &str| Broken::new(Rule::InvalidNumber, name, at(place), why);
    // Shares that a split or a merger took and gave: at midnight, at no venue, of no order.
    if at(columns.venue).is_empty() && at(1) == "00:00" {
        return skipped(SkippedAs::CorporateAction, format!("{} {}", at(columns.quantity), at(2)));
    }
    let ways = |place: usize| {
        let text = at(place).trim_start_matches('-');
        [Numbers::Comma, Numbers::Point].map(|numbers| number(text, numbers).ok().flatten())
    };
    let local = number(at(columns.local), Numbers::Either).ok().flatten();
    let (quantity, price) = super::agreed(ways(columns.quantity), ways(columns.price.0), local)
        .map_err(|why| refused("Quantity", columns.quantity, why))?;
    let side = if at(columns.quantity).starts_with('-') { Side::Sell } else { Side::Buy };
    let moment = format!("{} {}", at(0), at(1));
    let moment = row.time_of("Date", &moment, &["%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S"], Zone::Account)?;
    let isin = at(3);
    if isin.is_empty() {
        return Err(Broken::new(Rule::MissingField, "ISIN", isin, "is missing"));
    }
    let fill = row.fill(isin, side, ("Quantity", quantity), ("Price", price), moment)?;
    let mut fill = fill.in_currency(at(columns.price.1)).on(MarketKind::Equity);
    // Of an option a hundred: what it came to says how many.
    let paid = quantity.checked_mul(price).filter(|paid| !paid.is_zero());
    let times =
        local.zip(paid).and_then(|(local, paid)| local.abs().checked_div(paid)).map(|times| times.round());
    if let Some(times) = times.filter(|times| *times >= Decimal::TEN) {
        (fill.multiplier, fill.market) = (times, MarketKind::Option);
    }
    for (place, currency) in &columns.costs {
        let cost = number(at(*place), Numbers::Either).map_err(|why| refused("Fee", *place, why))?;
        let currency = match currency {
            Currency::At(place) => at(*place).to_owned(),
            Currency::Named(code) => code.clone(),
        };
        fill = fill.fee(-cost.unwrap_or_default(), Some(currency).filter(|currency| !currency.is_empty()));
    }
    // Some files have it a column further on than its name.
    let order =
        columns.order.into_iter().flat_map(|place| [place, place + 1]).map(at).find(|id| !id.is_empty());
    Fill { order_id: order.map(str::to_owned), ..fill }.said()
}
