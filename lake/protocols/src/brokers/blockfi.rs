//! BlockFi, which is closed: its trades and its ledger, as people keep them.

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
        name: "blockfi_trades",
        broker: "blockfi",
        title: "BlockFi, trades",
        header: &[
            "Trade ID",
            "Date",
            "Buy Quantity",
            "Buy Currency",
            "Sold Quantity",
            "Sold Currency",
            "Rate Amount",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("Date", &["%Y-%m-%d %H:%M:%S", "%Y-%m-%d"], Zone::Account)?;
        let got = Leg::of(row, "Buy Quantity", "Buy Currency")?;
        let gave = Leg::of(row, "Sold Quantity", "Sold Currency")?;
        swapped(row, got, gave, at)?.on(MarketKind::Spot).ids(row.some("Trade ID"), None).said()
    },
};

/// The ledger tells a trade's two sides again, on other days: the trades are those of [`TRADES`].
pub(super) static LEDGER: Table = Table {
    about: About {
        name: "blockfi_ledger",
        broker: "blockfi",
        title: "BlockFi, ledger",
        header: &["Cryptocurrency", "Amount", "Transaction Type", "Confirmed At"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| match row.text("Transaction Type").as_ref() {
        "Trade" => skipped(SkippedAs::Conversion, "one side of a trade; the export of trades has both"),
        kind @ ("Deposit" | "Withdrawal" | "Crypto Transfer") => skipped(SkippedAs::Transfer, kind),
        kind => skipped(SkippedAs::Income, kind),
    },
};
