//! Crypto.com: the export of its app. A conversion of dust or of interest stands in several rows that nothing links.

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
        name: "cryptocom_app",
        broker: "cryptocom",
        title: "Crypto.com, export of its app",
        header: &[
            "Timestamp (UTC)",
            "Transaction Description",
            "Currency",
            "Amount",
            "To Currency",
            "To Amount",
            "Native Currency",
            "Native Amount",
            "Transaction Kind",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Transaction Kind").into_owned();
        let is_bought_with_money = kind == "crypto_purchase";
        match kind.as_str() {
            "crypto_exchange"
            | "viban_purchase"
            | "crypto_viban_exchange"
            | "crypto_purchase"
            | "trading.limit_order.cash_account.purchase_commit"
            | "trading.limit_order.cash_account.sell_commit" => {}
            kind if kind.contains("swap") || kind.contains("dust_conversion") => {
                return skipped(SkippedAs::Conversion, kind);
            }
            // What is set aside for an order is told again when the order is filled.
            kind if kind.contains("limit_order") => return skipped(SkippedAs::Order, kind),
            kind if kind.contains("transfer") || kind.contains("deposit") || kind.contains("withdraw") => {
                return skipped(SkippedAs::Transfer, kind);
            }
            kind if kind.contains("payment") || kind.contains("card_top_up") || kind.contains("reverted") => {
                return skipped(SkippedAs::Charge, kind);
            }
            kind => return skipped(SkippedAs::Income, kind),
        }
        let at = row.time("Timestamp (UTC)", &["%Y-%m-%d %H:%M:%S"], Zone::Utc)?;
        let (amount, currency) = (row.need_number("Amount")?, row.need("Currency")?);
        let (got, gave) = if is_bought_with_money {
            let paid = Leg::of(row, "Native Amount", "Native Currency")?;
            (Leg { name: "Amount", amount, asset: currency }, paid)
        } else {
            let got = Leg::of(row, "To Amount", "To Currency")?;
            (got, Leg { name: "Amount", amount, asset: currency })
        };
        swapped(row, got, gave, at)?.on(MarketKind::Spot).said()
    },
};
