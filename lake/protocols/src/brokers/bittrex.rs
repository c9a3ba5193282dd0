//! Bittrex, which is closed: orders, deposits and withdrawals, as people keep them.

use cauce_model::{MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

const BROKER: &str = "bittrex";

/// Orders: one that was filled in part and closed has what was filled.
pub(super) static ORDERS: Table = Table {
    about: About {
        name: "bittrex_orders",
        broker: BROKER,
        title: "Bittrex, history of orders",
        header: &[
            "UUID",
            "QUOTE",
            "MARKET",
            "ORDERTYPE",
            "QUANTITY",
            "FILLED",
            "PROCEEDS",
            "COMISSIONPAID",
            "CLOSED",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let (filled, proceeds) = (row.number_or_zero("FILLED")?, row.number_or_zero("PROCEEDS")?);
        if filled.is_zero() {
            return skipped(SkippedAs::Cancelled, "order that was not filled");
        }
        let kind = row.text("ORDERTYPE");
        let side = match kind.rsplit('_').next() {
            Some("BUY") => cauce_model::Side::Buy,
            Some("SELL") => cauce_model::Side::Sell,
            _ => row.side("ORDERTYPE")?,
        };
        let at = row.time("CLOSED", &["%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S"], Zone::Account)?;
        let price = row.ratio(("PROCEEDS", proceeds), ("FILLED", filled))?;
        let (base, quote) = (row.need("MARKET")?, row.need("QUOTE")?);
        let fill = row.fill(format!("{base}/{quote}"), side, ("FILLED", filled), ("PROCEEDS", price), at)?;
        let fill =
            fill.of(Some(base), Some(quote)).on(MarketKind::Spot).ids(row.some("UUID"), row.some("UUID"));
        fill.fee(row.number_or_zero("COMISSIONPAID")?, None).said()
    },
};

pub(super) static TRANSFERS: Table = Table {
    about: About {
        name: "bittrex_deposits",
        broker: BROKER,
        title: "Bittrex, deposits",
        header: &["UUID", "AMOUNT", "CURRENCY", "TXID", "LASTUPDATED", "CONFIRMATIONS", "SOURCE", "STATE"],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |_| skipped(SkippedAs::Transfer, "deposit"),
};

pub(super) static DEPOSITS_OLDER: Table = Table {
    about: About {
        name: "bittrex_deposits_older",
        broker: BROKER,
        title: "Bittrex, deposits of earlier years",
        header: &["Id", "Amount", "Currency", "Confirmations", "LastUpdated", "TxId", "CryptoAddress"],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |_| skipped(SkippedAs::Transfer, "deposit"),
};

pub(super) static WITHDRAWALS_OLDER: Table = Table {
    about: About {
        name: "bittrex_withdrawals_older",
        broker: BROKER,
        title: "Bittrex, withdrawals of earlier years",
        header: &["UUID", "AMOUNT", "CURRENCY", "ADDRESS", "TXID", "OPENED", "CLOSED", "TXCOST", "STATE"],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |_| skipped(SkippedAs::Transfer, "withdrawal"),
};
