//! dali-rp2: tables of what was got and what was given, that people keep themselves.

use cauce_model::{MarketKind, Side, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

const TIMES: &[&str] =
    &["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%z"];

pub(super) static ACQUIRED: Table = Table {
    about: About {
        name: "dali_in",
        broker: "dali",
        title: "dali-rp2, what was acquired",
        header: &[
            "Unique ID",
            "Timestamp",
            "Asset",
            "Exchange",
            "Holder",
            "Transaction Type",
            "Spot Price",
            "Crypto In",
            "USD Fee",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        if !row.text("Transaction Type").eq_ignore_ascii_case("buy") {
            return skipped(SkippedAs::Income, row.text("Transaction Type"));
        }
        let at = row.time("Timestamp", TIMES, Zone::Utc)?;
        let (asset, quantity) = (row.need("Asset")?, row.need_number("Crypto In")?);
        let price = row.need_number("Spot Price")?;
        let symbol = format!("{asset}/USD");
        let fill = row.fill(symbol, Side::Buy, ("Crypto In", quantity), ("Spot Price", price), at)?;
        let fill = fill
            .of(Some(asset), Some("USD".to_owned()))
            .on(MarketKind::Spot)
            .ids(row.some("Unique ID"), None);
        fill.fee(row.number_or_zero("USD Fee")?, None).said()
    },
};

pub(super) static DISPOSED: Table = Table {
    about: About {
        name: "dali_out",
        broker: "dali",
        title: "dali-rp2, what was disposed of",
        header: &[
            "Unique ID",
            "Timestamp",
            "Asset",
            "Exchange",
            "Holder",
            "Transaction Type",
            "Spot Price",
            "Crypto Out No Fee",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        if !row.text("Transaction Type").eq_ignore_ascii_case("sell") {
            return skipped(SkippedAs::Charge, row.text("Transaction Type"));
        }
        let at = row.time("Timestamp", TIMES, Zone::Utc)?;
        let (asset, quantity) = (row.need("Asset")?, row.need_number("Crypto Out No Fee")?);
        let price = row.need_number("Spot Price")?;
        let symbol = format!("{asset}/USD");
        let fill =
            row.fill(symbol, Side::Sell, ("Crypto Out No Fee", quantity), ("Spot Price", price), at)?;
        let fill = fill.of(Some(asset.clone()), Some("USD".to_owned())).on(MarketKind::Spot);
        let fill = fill.ids(row.some("Unique ID"), None).fee(row.number_or_zero("Crypto Fee")?, Some(asset));
        fill.fee(row.number_or_zero("Fiat Fee")?, None).said()
    },
};
