//! Nexo: its transactions. Of its kinds one is a trade.

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
        name: "nexo",
        broker: "nexo",
        title: "Nexo, transactions",
        header: &[
            "Transaction",
            "Type",
            "Input Currency",
            "Input Amount",
            "Output Currency",
            "Output Amount",
            "USD Equivalent",
            "Details",
            "Date / Time (UTC)",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Type").into_owned();
        if row.text("Details").starts_with("rejected") {
            return skipped(SkippedAs::Cancelled, kind);
        }
        let is_exchange = kind == "Exchange" && row.text("Input Currency") != row.text("Output Currency");
        match kind.as_str() {
            _ if is_exchange => {}
            kind if kind.contains("Interest")
                || kind.contains("Bonus")
                || kind.contains("Cashback")
                || kind.contains("Dividend") =>
            {
                return skipped(SkippedAs::Income, kind);
            }
            kind if kind.contains("epayment") || kind.contains("Card") || kind.contains("Liquidation") => {
                return skipped(SkippedAs::Charge, kind);
            }
            kind => return skipped(SkippedAs::Transfer, kind),
        }
        let at = row.time("Date / Time (UTC)", &["%Y-%m-%d %H:%M:%S"], Zone::Utc)?;
        let got = Leg::of(row, "Output Amount", "Output Currency")?;
        let gave = Leg::of(row, "Input Amount", "Input Currency")?;
        swapped(row, got, gave, at)?.on(MarketKind::Spot).ids(row.some("Transaction"), None).said()
    },
};
