//! XTB: cash operations. What was traded stands in the comment: `OPEN BUY 3/5 @ 12.34`, of which the number before the slash was filled.

use cauce_model::{Effect, Fill, MarketKind, Rule, SkippedAs};

use super::{
    About, Said,
    number::{Numbers, number},
    record::{Result, Told, Values, side_of},
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static OPERATIONS: Table = Table {
    about: About {
        name: "xtb",
        broker: "xtb",
        title: "XTB, cash operations",
        header: &["ID", "Type", "Time", "Symbol", "Comment", "Amount"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| read(row, "Symbol"),
};

/// As it is since 2025.
pub(super) static OPERATIONS_NEWER: Table = Table {
    about: About {
        name: "xtb_newer",
        broker: "xtb",
        title: "XTB, cash operations of later years",
        header: &["Type", "Ticker", "Instrument", "Time", "Amount", "ID", "Comment"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| read(row, "Ticker"),
};

const TIMES: &[&str] = &["%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S"];

fn read(row: &Values<'_>, symbol: &str) -> Result<Said> {
    let (kind, comment) = (row.text("Type").into_owned(), row.text("Comment").into_owned());
    let words: Vec<&str> = comment.split_whitespace().collect();
    let (effect, side, quantity, price) = match words.as_slice() {
        ["OPEN", side, quantity, "@", price, ..] => (Effect::Open, *side, *quantity, *price),
        ["CLOSE", side, quantity, "@", price, ..] => (Effect::Close, *side, *quantity, *price),
        _ if kind.contains("ividend") || kind.contains("interest") => {
            return skipped(SkippedAs::Income, kind);
        }
        _ if kind.contains("tax") || kind.contains("Swap") || kind.contains("fee") => {
            return skipped(SkippedAs::Charge, kind);
        }
        _ if kind.contains("Profit/Loss") => {
            return skipped(SkippedAs::State, format!("{kind}: {comment}"));
        }
        _ if kind.contains("Spin off") => return skipped(SkippedAs::CorporateAction, kind),
        _ => return skipped(SkippedAs::Cash, kind),
    };
    // What closes a purchase is a sale.
    let opened =
        side_of(side).ok_or_else(|| row.broken(Rule::UnknownSide, "Comment", "is neither BUY nor SELL"))?;
    let side = if effect == Effect::Open { opened } else { opened.opposite() };
    let part = |text: &str| number(text, Numbers::Point).ok().flatten();
    let unread = || row.broken(Rule::InvalidNumber, "Comment", "has no quantity and price");
    let quantity = part(quantity.split('/').next().unwrap_or_default()).ok_or_else(unread)?;
    let price = part(price).ok_or_else(unread)?;
    let at = row.time("Time", TIMES, Zone::Account)?;
    let fill = row.fill(row.need(symbol)?, side, ("Comment", quantity), ("Comment", price), at)?;
    let fill = fill.on(MarketKind::Equity).ids(row.some("ID"), None);
    Fill { effect, ..fill }.said()
}
