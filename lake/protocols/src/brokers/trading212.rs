//! Trading 212: its history, whose columns differ by year and country. Fees and taxes have columns and currencies of their own.

use cauce_model::{MarketKind, Side, SkippedAs};

use super::{
    About, Said,
    number::Numbers,
    record::{Result, Told, Values},
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static HISTORY: Table = Table {
    about: About {
        name: "trading212",
        broker: "trading212",
        title: "Trading 212, history",
        header: &[
            "Action",
            "Time",
            "ISIN",
            "Ticker",
            "No. of shares",
            "Price / share",
            "Currency (Price / share)",
            "Exchange rate",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| read(row, "Time"),
};

/// As it is since 2026: with its zone.
pub(super) static HISTORY_UTC: Table = Table {
    about: About {
        name: "trading212_utc",
        broker: "trading212",
        title: "Trading 212, history in UTC",
        header: &[
            "Action",
            "Time (UTC)",
            "ISIN",
            "Ticker",
            "No. of shares",
            "Price / share",
            "Currency (Price / share)",
            "Exchange rate",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| read(row, "Time (UTC)"),
};

fn read(row: &Values<'_>, time: &str) -> Result<Said> {
    let action = row.text("Action").into_owned();
    let side = match action.rsplit(' ').next() {
        Some("buy") => Side::Buy,
        Some("sell") => Side::Sell,
        _ if action.starts_with("Dividend") || action.starts_with("Interest") => {
            return skipped(SkippedAs::Income, action);
        }
        _ if action.starts_with("Stock ") => return skipped(SkippedAs::CorporateAction, action),
        _ if action.starts_with("Transfer") => return skipped(SkippedAs::Transfer, action),
        _ => return skipped(SkippedAs::Cash, action),
    };
    let zone = if time == "Time" { Zone::Account } else { Zone::Utc };
    let at = row.time(time, &["%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f"], zone)?;
    let (quantity, price) = (row.need_number("No. of shares")?, row.need_number("Price / share")?);
    let currency = row.need("Currency (Price / share)")?;
    let symbol = row.first(&["Ticker", "ISIN"]).unwrap_or_default();
    let fill = row.fill(symbol, side, ("No. of shares", quantity), ("Price / share", price), at)?;
    let mut fill = fill.in_currency(currency).on(MarketKind::Equity).ids(row.some("ID"), None);
    for name in COSTS {
        let asset = row.some(&format!("Currency ({name})"));
        fill = fill.fee(row.number_or_zero(name)?.abs(), asset);
    }
    // Older files have the currency in the column's name.
    for (column, currency) in row.columns().filter_map(cost_in) {
        fill = fill.fee(row.number_or_zero(column)?.abs(), Some(currency.to_owned()));
    }
    fill.said()
}

/// `Stamp duty (GBP)`: a column and its currency.
fn cost_in(column: &str) -> Option<(&str, &str)> {
    let (name, currency) = column.strip_suffix(')')?.rsplit_once(" (")?;
    let is_currency = currency.len() == 3 && currency.chars().all(|c| c.is_ascii_uppercase());
    (is_currency && COSTS.contains(&name)).then_some((column, currency))
}

/// What a trade may cost.
const COSTS: [&str; 7] = [
    "Currency conversion fee",
    "Stamp duty reserve tax",
    "Stamp duty",
    "French transaction tax",
    "Transaction fee",
    "Finra fee",
    "PTM levy",
];
