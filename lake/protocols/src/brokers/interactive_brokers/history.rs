//! Interactive Brokers: the history of transactions, sections in one table, each with a header of its own. Amounts are in the base
//! currency, prices in that of the security.

use cauce_model::{AccountTerms, MarketKind, SkippedAs};
use rust_decimal::Decimal;

use super::{
    super::{
        About, Layout, Row, Said,
        file::{File, Record},
        number::Numbers,
        record::{Result, Told, Values},
        table::{Order, in_order, places, skipped},
        time::Zone,
    },
    BROKER,
};

/// The history.
#[derive(Debug)]
pub(in super::super) struct TransactionHistory;

static TRANSACTION_HISTORY: About = About {
    name: "ib_transaction_history",
    broker: BROKER,
    title: "Interactive Brokers, history of transactions",
    header: &[
        "Transaction History",
        "Header",
        "Date",
        "Account",
        "Transaction Type",
        "Symbol",
        "Quantity",
        "Price",
        "Commission",
    ],
};

impl Layout for TransactionHistory {
    fn about(&self) -> &About {
        &TRANSACTION_HISTORY
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.find_header(TRANSACTION_HISTORY.header).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header)) = file.find_header(TRANSACTION_HISTORY.header) else {
            return Vec::new();
        };
        let records = file.records(delimiter);
        let is = |record: &Record, place: usize, text: &str| {
            record.cells.get(place).is_some_and(|cell| cell.trim() == text)
        };
        let base = records.iter().find(|record| is(record, 0, "Summary") && is(record, 2, "Base Currency"));
        let base = base.and_then(|record| record.cells.get(3)).map(|cell| cell.trim().to_owned());
        let places = places(&records[header]);
        let rows = records[header..]
            .iter()
            .filter(|record| is(record, 0, "Transaction History") && is(record, 1, "Data"));
        let read = |record: &Record| {
            let row = Values::of_row(&places, &record.cells, Numbers::Point, terms);
            let said = transaction(&row, base.as_deref()).unwrap_or_else(Said::Broken);
            Row { place: record.line, text: record.text(), said }
        };
        in_order(rows.map(read).collect(), Order::NewestFirst)
    }
}

fn transaction(row: &Values<'_>, base: Option<&str>) -> Result<Said> {
    let kind = row.text("Transaction Type").into_owned();
    match kind.as_str() {
        "Buy" | "Sell" => {}
        "Dividend" | "Payment in Lieu" | "Credit Interest" => return skipped(SkippedAs::Income, kind),
        "Deposit" | "Withdrawal" => return skipped(SkippedAs::Cash, kind),
        kind if kind.contains("Forex") => return skipped(SkippedAs::Conversion, kind),
        "Assignment" | "Exercise" | "Expiration" => return skipped(SkippedAs::CorporateAction, kind),
        kind if kind.contains("Adjustment") => return skipped(SkippedAs::State, kind),
        _ => return skipped(SkippedAs::Charge, kind),
    }
    let at = row.time("Date", &["%Y-%m-%d"], Zone::Account)?;
    let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Price")?);
    let fill = row.fill(
        row.need("Symbol")?,
        row.side("Transaction Type")?,
        ("Quantity", quantity),
        ("Price", price),
        at,
    )?;
    let base = base.map(str::to_owned).or_else(|| row.terms.currency.clone());
    let currency = row.some("Price Currency").or_else(|| base.clone()).unwrap_or_default();
    let is_option = is_option(&fill.symbol);
    let mut fill =
        fill.in_currency(currency).on(if is_option { MarketKind::Option } else { MarketKind::Equity });
    let usual = if is_option { Decimal::ONE_HUNDRED } else { Decimal::ONE };
    fill.multiplier = row.number("Multiplier")?.filter(|multiplier| !multiplier.is_zero()).unwrap_or(usual);
    fill.broker_account = row.some("Account");
    // What it cost is in the base currency.
    fill.fee(-row.number_or_zero("Commission")?, base).said()
}

/// `AAPL  250620C00200000`: what it is of, a day, a side, and a price in thousandths.
fn is_option(symbol: &str) -> bool {
    let Some((_, contract)) = symbol.split_once(' ') else { return false };
    let contract = contract.trim_start();
    let is_digit = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    contract.len() == 15
        && contract.is_ascii()
        && is_digit(&contract[..6])
        && matches!(&contract[6..7], "C" | "P")
        && is_digit(&contract[7..])
}
