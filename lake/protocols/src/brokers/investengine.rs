//! InvestEngine: its trading statement, whose years have two digits.

use cauce_model::MarketKind;

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer},
    time::Zone,
};

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "investengine",
        broker: "investengine",
        title: "InvestEngine, trades",
        header: &[
            "Security / ISIN",
            "Transaction Type",
            "Quantity",
            "Share Price",
            "Total Trade Value",
            "Trade Date/Time",
            "Settlement Date",
            "Broker",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("Trade Date/Time", &["%d/%m/%y %H:%M:%S"], Zone::Account)?;
        let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Share Price")?);
        let security = row.need("Security / ISIN")?;
        let isin = security.rsplit("ISIN ").next().unwrap_or_default().trim().to_owned();
        let fill = row.fill(
            isin,
            row.side("Transaction Type")?,
            ("Quantity", quantity),
            ("Share Price", price),
            at,
        )?;
        fill.in_currency("GBP").on(MarketKind::Fund).said()
    },
};
