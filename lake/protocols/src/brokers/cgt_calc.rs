//! The plain table of trackers: one row a trade, by names that everybody understands.

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
        name: "plain_table",
        broker: "cgt_calc",
        title: "A plain table: date, action, symbol, quantity, price, fees, currency",
        header: &["date", "action", "symbol", "quantity", "price", "fees", "currency"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        match row.text("action").to_uppercase().as_str() {
            "BUY" | "SELL" => {}
            "DIVIDEND" | "INTEREST" => return skipped(SkippedAs::Income, row.text("action")),
            "STOCK_SPLIT" => return skipped(SkippedAs::CorporateAction, "STOCK_SPLIT"),
            _ => return skipped(SkippedAs::Transfer, row.text("action")),
        }
        let at = row.time("date", &["%Y-%m-%d"], Zone::Account)?;
        let (quantity, price) = (row.need_number("quantity")?, row.need_number("price")?);
        let fill =
            row.fill(row.need("symbol")?, row.side("action")?, ("quantity", quantity), ("price", price), at)?;
        fill.in_currency(row.need("currency")?)
            .on(MarketKind::Equity)
            .fee(row.number_or_zero("fees")?, None)
            .said()
    },
};
