//! Swissquote: its transactions. Several fills may be of one order.

use cauce_model::{MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "swissquote",
        broker: "swissquote",
        title: "Swissquote, transactions",
        header: &[
            "Date",
            "Order #",
            "Transaction",
            "Symbol",
            "ISIN",
            "Quantity",
            "Unit price",
            "Costs",
            "Net Amount",
            "Currency",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Transaction").into_owned();
        match kind.as_str() {
            "Buy" | "Sell" => {}
            "Forex credit" | "Forex debit" => return skipped(SkippedAs::Conversion, kind),
            "Credit" | "Debit" | "Payment" => return skipped(SkippedAs::Cash, kind),
            "Dividend" | "Interests" => return skipped(SkippedAs::Income, kind),
            _ => return skipped(SkippedAs::Charge, kind),
        }
        let at = row.time("Date", &["%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y"], Zone::Account)?;
        let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Unit price")?);
        let fill = row.fill(
            row.need("Symbol")?,
            row.side("Transaction")?,
            ("Quantity", quantity),
            ("Unit price", price),
            at,
        )?;
        let fill =
            fill.in_currency(row.need("Currency")?).on(MarketKind::Equity).ids(None, row.some("Order #"));
        fill.fee(row.number_or_zero("Costs")?.abs(), None).said()
    },
};
