//! Morgan Stanley, plans of shares: withdrawals, wires and releases. A sale of the plan `Cash` is money that goes.

use cauce_model::{MarketKind, Side, SkippedAs};

use super::{
    About, Said,
    file::Record,
    number::Numbers,
    record::{Result, Told, Values},
    table::{Order, Table, skipped},
    time::Zone,
};

const BROKER: &str = "morgan_stanley";

/// A sentence stands under the table.
fn is_sentence(record: &Record) -> bool {
    record.cells.get(0).is_none_or(|first| !first.trim().starts_with(|c: char| c.is_ascii_digit()))
}

fn sale(row: &Values<'_>) -> Result<Said> {
    match (row.text("Type").as_ref(), row.text("Plan").as_ref()) {
        ("Sale", "Cash") => return skipped(SkippedAs::Cash, "sale of the plan Cash"),
        ("Sale", _) => {}
        ("Wire", _) => return skipped(SkippedAs::Cash, "Wire"),
        (kind, _) => return skipped(SkippedAs::Transfer, kind),
    }
    let name = if row.some("Execution Date").is_some() { "Execution Date" } else { "Date" };
    let at = row.time(name, &["%d-%b-%Y"], Zone::Account)?;
    let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Price")?);
    let symbol = row.first(&["Symbol", "Plan"]).unwrap_or_default();
    let fill = row.fill(symbol, Side::Sell, ("Quantity", quantity), ("Price", price), at)?;
    // One order may be written as several sales, and its number is not a sale's.
    fill.in_currency("USD").on(MarketKind::Equity).ids(None, row.some("Order Number")).said()
}

pub(super) static WITHDRAWALS: Table = Table {
    about: About {
        name: "morgan_stanley_withdrawals",
        broker: BROKER,
        title: "Morgan Stanley, withdrawals",
        header: &[
            "Execution Date",
            "Order Number",
            "Plan",
            "Type",
            "Order Status",
            "Price",
            "Quantity",
            "Net Amount",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: is_sentence,
    read: sale,
};

pub(super) static WIRES: Table = Table {
    about: About {
        name: "morgan_stanley_wires",
        broker: BROKER,
        title: "Morgan Stanley, wires",
        header: &[
            "Date",
            "Order Number",
            "Symbol",
            "Type",
            "Order Status",
            "Price",
            "Quantity",
            "Net Cash Proceeds",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: is_sentence,
    read: sale,
};

pub(super) static RELEASES: Table = Table {
    about: About {
        name: "morgan_stanley_releases",
        broker: BROKER,
        title: "Morgan Stanley, releases",
        header: &[
            "Date",
            "Order Number",
            "Plan",
            "Type",
            "Order Status",
            "Price",
            "Quantity",
            "Net Share Proceeds",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: is_sentence,
    read: sale,
};
