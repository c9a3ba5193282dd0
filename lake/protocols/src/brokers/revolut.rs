//! Revolut: its statement of investments. Fees are not in it.

use cauce_model::{MarketKind, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About,
    number::{Numbers, number},
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRADES: Table = Table {
    about: About {
        name: "revolut",
        broker: "revolut",
        title: "Revolut, investments",
        header: &[
            "Date",
            "Ticker",
            "Type",
            "Quantity",
            "Price per share",
            "Total Amount",
            "Currency",
            "FX Rate",
        ],
    },
    numbers: Numbers::Either,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Type").into_owned();
        let side = match kind.split(" - ").next() {
            Some("BUY") => Side::Buy,
            Some("SELL") => Side::Sell,
            Some("DIVIDEND" | "STAKING REWARD") => return skipped(SkippedAs::Income, kind),
            Some("CUSTODY FEE") => return skipped(SkippedAs::Charge, kind),
            Some("STOCK SPLIT" | "MERGER" | "SPINOFF") => return skipped(SkippedAs::CorporateAction, kind),
            Some(other) if other.starts_with("TRANSFER") => return skipped(SkippedAs::Transfer, kind),
            _ => return skipped(SkippedAs::Cash, kind),
        };
        let at = row.time("Date", &["%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%d %H:%M:%S"], Zone::Utc)?;
        let quantity = row.need_number("Quantity")?;
        let price = price(&row.need("Price per share")?)
            .map_err(|why| row.broken(Rule::InvalidNumber, "Price per share", why))?;
        let fill =
            row.fill(row.need("Ticker")?, side, ("Quantity", quantity), ("Price per share", price), at)?;
        fill.in_currency(row.need("Currency")?).on(MarketKind::Equity).said()
    },
};

/// `325.37`, `$2,000`, `USD 325.37`: with a sign or a name before it, it is written with a point.
fn price(text: &str) -> Result<Decimal, &'static str> {
    let plain = text.trim_start_matches(|c: char| c.is_ascii_uppercase() || c.is_whitespace());
    let is_named = plain.len() < text.len() || plain.starts_with(['$', '£']);
    let numbers = if is_named { Numbers::Point } else { Numbers::Either };
    number(plain, numbers)?.ok_or("is missing")
}
