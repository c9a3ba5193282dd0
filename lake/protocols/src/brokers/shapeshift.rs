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
        let got = Leg {
            name: "outputAmount",
            amount: row.need_number("outputAmount")?,
            asset: row.need("outputCurrency")?,
        };
        let gave = Leg {
            name: "inputAmount",
            amount: row.need_number("inputAmount")?,
            asset: row.need("inputCurrency")?,
        };
        swapped(row, got, gave, at)?.on(MarketKind::Spot).ids(row.some("id"), None).said()
    },
};
