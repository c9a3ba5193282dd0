//! BittyTax: a table of records that people keep themselves; its times are local, by its documentation of the account's owner.

use cauce_model::{MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    swap::{Leg, swapped},
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static RECORDS: Table = Table {
    about: About {
        name: "bittytax",
        broker: "bittytax",
        title: "BittyTax, records of transactions",
        header: &[
            "Type",
            "Buy Quantity",
            "Buy Asset",
            "Sell Quantity",
            "Sell Asset",
            "Fee Quantity",
            "Fee Asset",
            "Wallet",
            "Timestamp",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Type").into_owned();
        match kind.as_str() {
            "Trade" => {}
            "Deposit" | "Withdrawal" => return skipped(SkippedAs::Transfer, kind),
            "Income" | "Mining" | "Staking" | "Interest" | "Dividend" | "Airdrop" | "Gift-Received" => {
                return skipped(SkippedAs::Income, kind);
            }
            _ => return skipped(SkippedAs::Charge, kind),
        }
        let at = row.time(
            "Timestamp",
            &["%Y-%m-%dT%H:%M:%S %z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"],
            Zone::Account,
        )?;
        let got = Leg::of(row, "Buy Quantity", "Buy Asset")?;
        let gave = Leg::of(row, "Sell Quantity", "Sell Asset")?;
        let mut fill = swapped(row, got, gave, at)?.on(MarketKind::Spot);
        fill.broker_account = row.some("Wallet");
        fill.fee(row.number_or_zero("Fee Quantity")?, row.some("Fee Asset")).said()
    },
};
