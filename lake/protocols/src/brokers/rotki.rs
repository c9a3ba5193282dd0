//! rotki: the tables of trades and events that it takes from anybody.

use cauce_model::{MarketKind, Rule, SkippedAs};

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
        name: "rotki_trades",
        broker: "rotki",
        title: "rotki, trades",
        header: &[
            "Location",
            "Spend Currency",
            "Receive Currency",
            "Receive Amount",
            "Spend Amount",
            "Fee",
            "Fee Currency",
            "Timestamp",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("Timestamp", &["%Q"], Zone::Utc)?;
        let got = Leg::of(row, "Receive Amount", "Receive Currency")?;
        let gave = Leg::of(row, "Spend Amount", "Spend Currency")?;
        let mut fill = swapped(row, got, gave, at)?.on(MarketKind::Spot);
        fill.broker_account = row.some("Location");
        fill.fee(row.number_or_zero("Fee")?, row.some("Fee Currency")).said()
    },
};

pub(super) static EVENTS: Table = Table {
    about: About {
        name: "rotki_events",
        broker: "rotki",
        title: "rotki, events",
        header: &[
            "Type",
            "Location",
            "Currency",
            "Amount",
            "Fee",
            "Fee Currency",
            "Description",
            "Timestamp",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| match row.text("Type").as_ref() {
        kind @ ("Deposit" | "Withdrawal") => skipped(SkippedAs::Transfer, kind),
        kind @ ("Income" | "Staking" | "Airdrop" | "Mining" | "Reward") => skipped(SkippedAs::Income, kind),
        kind @ ("Loss" | "Fee" | "Spend") => skipped(SkippedAs::Charge, kind),
        _ => Err(row.broken(Rule::UnknownShape, "Type", "is no kind of event that rotki has")),
    },
};
