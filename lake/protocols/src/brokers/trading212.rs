//! Trading 212: its history, whose columns differ by year and country. Fees and taxes have columns and currencies of their own.

use cauce_model::{MarketKind, Side, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
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
    read: |row| {
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
        let at = row.time("Time", &["%Y-%m-%d %H:%M:%S%.f"], Zone::Account)?;
        let (quantity, price) = (row.need_number("No. of shares")?, row.need_number("Price / share")?);
        let currency = row.need("Currency (Price / share)")?;
        let symbol = row.first(&["Ticker", "ISIN"]).unwrap_or_default();
        let fill = row.fill(symbol, side, ("No. of shares", quantity), ("Price / share", price), at)?;
        let mut fill = fill.in_currency(currency).on(MarketKind::Equity).ids(row.some("ID"), None);
        for name in COSTS {
            let asset = row.some(&format!("Currency ({name})"));
            fill = fill.fee(row.number_or_zero(name)?.abs(), asset);
            // Older files have the currency in the column's name.
            fill = fill.fee(row.number_or_zero(&format!("{name} (GBP)"))?.abs(), Some("GBP".to_owned()));
            fill = fill.fee(row.number_or_zero(&format!("{name} (EUR)"))?.abs(), Some("EUR".to_owned()));
        }
        fill.said()
    },
};

/// What a trade may cost.
const COSTS: [&str; 6] = [
    "Currency conversion fee",
    "Stamp duty reserve tax",
    "Stamp duty",
    "French transaction tax",
    "Transaction fee",
    "Finra fee",
];
