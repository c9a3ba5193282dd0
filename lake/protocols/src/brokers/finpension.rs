//! finpension: its transactions. Prices are in francs, whatever a fund's own currency is.

use cauce_model::{MarketKind, Side, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "finpension",
        broker: "finpension",
        title: "finpension, transactions",
        header: &[
            "Date",
            "Category",
            "Asset Name",
            "ISIN",
            "Number of Shares",
            "Asset Currency",
            "Asset Price in CHF",
            "Cash Flow",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Category").into_owned();
        let quantity = match kind.as_str() {
            "Buy" | "Sell" | "Portfolio Transaction" => row.need_number("Number of Shares")?,
            "Deposit" => return skipped(SkippedAs::Cash, kind),
            kind if kind.contains("ransfer") => return skipped(SkippedAs::Cash, kind),
            kind if kind.contains("fee") => return skipped(SkippedAs::Charge, kind),
            _ => return skipped(SkippedAs::Income, kind),
        };
        // A transaction of the portfolio is what its sign says.
        let side = match kind.as_str() {
            "Sell" => Side::Sell,
            "Portfolio Transaction" if quantity.is_sign_negative() => Side::Sell,
            _ => Side::Buy,
        };
        let at = row.time("Date", &["%Y-%m-%d", "%d.%m.%Y"], Zone::Account)?;
        let price = row.need_number("Asset Price in CHF")?;
        let symbol = row.first(&["ISIN", "Asset Name"]).unwrap_or_default();
        let fill =
            row.fill(symbol, side, ("Number of Shares", quantity), ("Asset Price in CHF", price), at)?;
        fill.in_currency("CHF").on(MarketKind::Fund).said()
    },
};
