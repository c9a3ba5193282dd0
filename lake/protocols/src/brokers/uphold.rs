//! Uphold: its history. A row whose currencies differ is an exchange.

use cauce_model::{MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    swap::{Leg, swapped},
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "uphold",
        broker: "uphold",
        title: "Uphold, history",
        header: &[
            "Date",
            "Destination",
            "Destination Amount",
            "Destination Currency",
            "Id",
            "Origin",
            "Origin Amount",
            "Origin Currency",
            "Status",
            "Type",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        if row.text("Status") != "completed" {
            return skipped(SkippedAs::Cancelled, format!("status {}", row.text("Status")));
        }
        if row.text("Origin Currency") == row.text("Destination Currency") {
            return skipped(SkippedAs::Transfer, row.text("Type"));
        }
        let at = row.time("Date", &["%a %b %d %Y %H:%M:%S GMT%z"], Zone::Written)?;
        let got = Leg::of(row, "Destination Amount", "Destination Currency")?;
        let gave = Leg::of(row, "Origin Amount", "Origin Currency")?;
        let fill = swapped(row, got, gave, at)?.on(MarketKind::Spot).ids(row.some("Id"), None);
        fill.fee(row.number_or_zero("Fee Amount")?, row.some("Fee Currency")).said()
    },
};
