//! ShapeShift, as it was: its history of trades.

use cauce_model::{MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    swap::{Leg, swapped},
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRADES: Table = Table {
    about: About {
        name: "shapeshift",
        broker: "shapeshift",
        title: "ShapeShift, history of trades",
        header: &[
            "id",
            "status",
            "timestamp",
            "rate",
            "minerFee",
            "inputAmount",
            "inputCurrency",
            "outputAmount",
            "outputCurrency",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        if row.text("status") != "complete" {
            return skipped(SkippedAs::Cancelled, format!("status {}", row.text("status")));
        }
        let at = row.time("timestamp", &["%Y-%m-%dT%H:%M:%S%.fZ"], Zone::Utc)?;
        let got = Leg::of(row, "outputAmount", "outputCurrency")?;
        let gave = Leg::of(row, "inputAmount", "inputCurrency")?;
        swapped(row, got, gave, at)?.on(MarketKind::Spot).ids(row.some("id"), None).said()
    },
};
