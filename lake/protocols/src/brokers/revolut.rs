//! Revolut: its statement of investments. Fees are not in it.

use cauce_model::{MarketKind, Side, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRADES: Table = Table {
    about: About {
        name: "revolut",
        broker: "revolut",
        title: "Revolut, investments",
        header: &[
            "Date",
            "Ticker",
            "Type",
            "Quantity",
            "Price per share",
            "Total Amount",
            "Currency",
            "FX Rate",
        ],
    },
    numbers: Numbers::Either,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Type").into_owned();
        let side = match kind.split(" - ").next() {
            Some("BUY") => Side::Buy,
            Some("SELL") => Side::Sell,
            Some("DIVIDEND" | "STAKING REWARD") => return skipped(SkippedAs::Income, kind),
            Some("CUSTODY FEE") => return skipped(SkippedAs::Charge, kind),
            Some("STOCK SPLIT" | "MERGER" | "SPINOFF") => return skipped(SkippedAs::CorporateAction, kind),
            Some(other) if other.starts_with("TRANSFER") => return skipped(SkippedAs::Transfer, kind),
            _ => return skipped(SkippedAs::Cash, kind),
        };
        let at = row.time("Date", &["%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%d %H:%M:%S"], Zone::Utc)?;
        let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Price per share")?);
        let fill =
            row.fill(row.need("Ticker")?, side, ("Quantity", quantity), ("Price per share", price), at)?;
        fill.in_currency(row.need("Currency")?).on(MarketKind::Equity).said()
    },
};
