//! Wealthfolio: its table of activities, and a table of settled trades that people give it.

use cauce_model::{MarketKind, Side, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static ACTIVITIES: Table = Table {
    about: About {
        name: "wealthfolio",
        broker: "wealthfolio",
        title: "Wealthfolio, activities",
        header: &[
            "date",
            "symbol",
            "instrumentType",
            "quantity",
            "activityType",
            "unitPrice",
            "currency",
            "fee",
            "amount",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("activityType").into_owned();
        match kind.as_str() {
            "BUY" | "SELL" => {}
            "DIVIDEND" | "INTEREST" => return skipped(SkippedAs::Income, kind),
            "FEE" | "TAX" => return skipped(SkippedAs::Charge, kind),
            "SPLIT" => return skipped(SkippedAs::CorporateAction, kind),
            "DEPOSIT" | "WITHDRAWAL" => return skipped(SkippedAs::Cash, kind),
            _ => return skipped(SkippedAs::Transfer, kind),
        }
        let at = row.time("date", &["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.fZ"], Zone::Account)?;
        let (quantity, price) = (row.need_number("quantity")?, row.need_number("unitPrice")?);
        let fill = row.fill(
            row.need("symbol")?,
            row.side("activityType")?,
            ("quantity", quantity),
            ("unitPrice", price),
            at,
        )?;
        fill.in_currency(row.need("currency")?)
            .on(MarketKind::Equity)
            .fee(row.number_or_zero("fee")?, None)
            .said()
    },
};

/// Trades with the day on which they were settled, under a few lines about the account, and a total under them.
pub(super) static SETTLED: Table = Table {
    about: About {
        name: "settled_trades",
        broker: "wealthfolio",
        title: "A table of trades with trade and settlement dates",
        header: &[
            "Trade Date",
            "Settlement Date",
            "Side",
            "Symbol",
            "Quantity",
            "Per Share Cost",
            "Settle Amount Net",
            "Fee",
            "Currency",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: |record| {
        let first = record.cells.get(0).unwrap_or_default().trim();
        ["Total", "Disclaimer", "Note", "Generated", "End of", "***"]
            .iter()
            .any(|word| first.starts_with(word))
    },
    read: |row| {
        let kind = row.text("Side").to_lowercase();
        match kind.as_str() {
            "bought" | "buy" | "sell" | "sold" | "" => {}
            // A dividend that is reinvested has what was bought.
            "drip" if row.number("Quantity")?.is_some_and(|quantity| !quantity.is_zero()) => {}
            "div" | "drip" | "dividend" => return skipped(SkippedAs::Income, kind),
            kind if kind.contains("interest") => return skipped(SkippedAs::Income, kind),
            kind if kind.contains("split") => return skipped(SkippedAs::CorporateAction, kind),
            kind if kind.contains("forex") => return skipped(SkippedAs::Conversion, kind),
            kind if kind.contains("deposit") || kind.contains("withdrawal") => {
                return skipped(SkippedAs::Cash, kind);
            }
            _ => {}
        }
        let side = if kind == "drip" { Side::Buy } else { row.side("Side")? };
        let at = row.time("Trade Date", &["%Y-%m-%d", "%m/%d/%Y"], Zone::Account)?;
        let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Per Share Cost")?);
        let fill =
            row.fill(row.need("Symbol")?, side, ("Quantity", quantity), ("Per Share Cost", price), at)?;
        fill.in_currency(row.need("Currency")?)
            .on(MarketKind::Equity)
            .fee(row.number_or_zero("Fee")?, None)
            .said()
    },
};
