//! Bitvavo: its export of transactions, which names its own time zone.

use cauce_model::{AccountTerms, MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "bitvavo",
        broker: "bitvavo",
        title: "Bitvavo, export of transactions",
        header: &[
            "Timezone",
            "Date",
            "Time",
            "Type",
            "Currency",
            "Amount",
            "Quote Currency",
            "Quote Price",
            "Fee currency",
            "Fee amount",
            "Status",
            "Transaction ID",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Type").into_owned();
        match kind.as_str() {
            "buy" | "sell" => {}
            "deposit" | "withdrawal" => return skipped(SkippedAs::Transfer, kind),
            _ => return skipped(SkippedAs::Income, kind),
        }
        // The file's own zone, and not the account's.
        let own = AccountTerms { time_zone: row.some("Timezone"), ..AccountTerms::default() };
        let text = format!("{} {}", row.text("Date"), row.text("Time"));
        let at = row.under(&own).time_of("Time", &text, &["%Y-%m-%d %H:%M:%S%.f"], Zone::Account)?;
        let (base, quote) = (row.need("Currency")?, row.need("Quote Currency")?);
        let (quantity, price) = (row.need_number("Amount")?, row.need_number("Quote Price")?);
        let fill = row.fill(
            format!("{base}-{quote}"),
            row.side("Type")?,
            ("Amount", quantity),
            ("Quote Price", price),
            at,
        )?;
        let fill =
            fill.of(Some(base), Some(quote)).on(MarketKind::Spot).ids(row.some("Transaction ID"), None);
        fill.fee(row.number_or_zero("Fee amount")?, row.some("Fee currency")).said()
    },
};
