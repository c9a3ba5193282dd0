//! Freetrade: its activity. Free shares are bought for nothing paid, at the price of the day.

use cauce_model::{MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "freetrade",
        broker: "freetrade",
        title: "Freetrade, activity",
        header: &[
            "Title",
            "Type",
            "Timestamp",
            "Account Currency",
            "Buy / Sell",
            "Ticker",
            "Stamp Duty",
            "Quantity",
            "Order ID",
            "Instrument Currency",
            "Price per Share",
            "FX Fee Amount",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Type").into_owned();
        match kind.as_str() {
            "ORDER" | "FREESHARE_ORDER" => {}
            "TOP_UP" | "WITHDRAWAL" => return skipped(SkippedAs::Cash, kind),
            "MONTHLY_STATEMENT" => return skipped(SkippedAs::State, kind),
            _ => return skipped(SkippedAs::Income, kind),
        }
        let at = row.time("Timestamp", &["%Y-%m-%dT%H:%M:%S%.fZ"], Zone::Utc)?;
        let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Price per Share")?);
        let fill = row.fill(
            row.need("Ticker")?,
            row.side("Buy / Sell")?,
            ("Quantity", quantity),
            ("Price per Share", price),
            at,
        )?;
        let fill = fill
            .in_currency(row.need("Instrument Currency")?)
            .on(MarketKind::Equity)
            .ids(row.some("Order ID"), None);
        let cost = row.number_or_zero("FX Fee Amount")? + row.number_or_zero("Stamp Duty")?;
        fill.fee(cost, row.some("Account Currency")).said()
    },
};
