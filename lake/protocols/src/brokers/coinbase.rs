//! Coinbase: its export of transactions, and that of fills of its exchange.

use cauce_model::{MarketKind, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Said,
    number::{Numbers, with_unit},
    record::{Result, Told, Values},
    swap::{Leg, swapped},
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

const BROKER: &str = "coinbase";
const TIMES: &[&str] = &["%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%.fZ"];

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "coinbase",
        broker: BROKER,
        title: "Coinbase, export of transactions",
        header: &[
            "Timestamp",
            "Transaction Type",
            "Asset",
            "Quantity Transacted",
            "Subtotal",
            "Fees and/or Spread",
            "Notes",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read,
};

/// The export until 2023.
pub(super) static TRANSACTIONS_OLDER: Table = Table {
    about: About {
        name: "coinbase_older",
        broker: BROKER,
        title: "Coinbase, export of transactions until 2023",
        header: &[
            "Timestamp",
            "Transaction Type",
            "Asset",
            "Quantity Transacted",
            "Spot Price at Transaction",
            "Subtotal",
            "Fees",
            "Notes",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read,
};

fn read(row: &Values<'_>) -> Result<Said> {
    let kind = row.text("Transaction Type").into_owned();
    match kind.as_str() {
        "Buy"
        | "Sell"
        | "Advanced Trade Buy"
        | "Advanced Trade Sell"
        | "Advance Trade Buy"
        | "Advance Trade Sell" => {}
        "Convert" => return converted(row),
        "Send" | "Receive" | "Deposit" | "Withdrawal" | "Exchange Deposit" | "Exchange Withdrawal" => {
            return skipped(SkippedAs::Transfer, kind);
        }
        _ => return skipped(SkippedAs::Income, kind),
    }
    let side = if kind.ends_with("Buy") { Side::Buy } else { Side::Sell };
    let at = row.time("Timestamp", TIMES, Zone::Utc)?;
    let (base, quote) = (row.need("Asset")?, row.first(&["Price Currency", "Spot Price Currency"]));
    let quote = quote.ok_or_else(|| row.broken(Rule::MissingField, "Price Currency", "is missing"))?;
    let quantity = row.need_number("Quantity Transacted")?;
    // Its price is a quotation; what was paid before fees, by quantity, is the trade's.
    let price = match row.number("Subtotal")? {
        Some(subtotal) => row.ratio(("Subtotal", subtotal), ("Quantity Transacted", quantity))?,
        None => row.need_number(if row.has("Price at Transaction") {
            "Price at Transaction"
        } else {
            "Spot Price at Transaction"
        })?,
    };
    let symbol = format!("{base}-{quote}");
    let fill = row.fill(symbol, side, ("Quantity Transacted", quantity), ("Subtotal", price), at)?;
    let fill = fill.of(Some(base), Some(quote)).on(MarketKind::Spot).ids(row.some("ID"), None);
    fill.fee(cost(row)?.unwrap_or_default(), None).said()
}

/// What it cost, by its name of today or of before.
fn cost(row: &Values<'_>) -> Result<Option<Decimal>> {
    let name = if row.has("Fees and/or Spread") { "Fees and/or Spread" } else { "Fees" };
    Ok(row.number(name)?.map(|cost| cost.abs()))
}

/// A conversion says what came of it in words: `Converted 0.5 BTC to 1000 XRP`.
fn converted(row: &Values<'_>) -> Result<Said> {
    let notes = row.text("Notes").into_owned();
    let unread = || row.broken(Rule::UnknownShape, "Notes", "does not say what was converted to what");
    let (gave, got) =
        notes.strip_prefix("Converted ").and_then(|rest| rest.split_once(" to ")).ok_or_else(unread)?;
    // In whose writing: that in which what was given is the quantity of the row.
    let quantity = row.number("Quantity Transacted")?.map(|quantity| quantity.abs());
    let amount_of =
        |text: &str, numbers: Numbers| with_unit(text, numbers).ok().flatten().map(|(amount, _)| amount);
    let is_of = |numbers: &Numbers| quantity.is_some() && amount_of(gave, *numbers) == quantity;
    let numbers = [Numbers::Point, Numbers::Comma].into_iter().find(is_of).unwrap_or(Numbers::Either);
    let leg = |text: &str| -> Result<Leg> {
        let (amount, asset) =
            with_unit(text.trim_end_matches('.'), numbers).ok().flatten().ok_or_else(unread)?;
        Ok(Leg { name: "Notes", amount, asset: asset.to_owned() })
    };
    let at = row.time("Timestamp", TIMES, Zone::Utc)?;
    let fill = swapped(row, leg(got)?, leg(gave)?, at)?.on(MarketKind::Spot).ids(row.some("ID"), None);
    // Its cost is between what it was worth and what came of it, in money.
    let fee = match cost(row)? {
        Some(fee) => fee,
        None => match (row.number("Subtotal")?, row.number("Total (inclusive of fees and/or spread)")?) {
            (Some(subtotal), Some(total)) => total.abs() - subtotal.abs(),
            _ => Default::default(),
        },
    };
    fill.fee(fee, row.first(&["Price Currency", "Spot Price Currency"])).said()
}

/// Fills of the exchange, that was Coinbase Pro.
pub(super) static FILLS: Table = Table {
    about: About {
        name: "coinbase_fills",
        broker: BROKER,
        title: "Coinbase Exchange, fills",
        header: &[
            "trade id",
            "product",
            "side",
            "created at",
            "size",
            "size unit",
            "price",
            "fee",
            "price/fee/total unit",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("created at", TIMES, Zone::Utc)?;
        let (quantity, price) = (row.need_number("size")?, row.need_number("price")?);
        let fill =
            row.fill(row.need("product")?, row.side("side")?, ("size", quantity), ("price", price), at)?;
        let fill = fill.of(row.some("size unit"), row.some("price/fee/total unit")).on(MarketKind::Spot);
        fill.ids(row.some("trade id"), None).fee(row.number_or_zero("fee")?, None).said()
    },
};
