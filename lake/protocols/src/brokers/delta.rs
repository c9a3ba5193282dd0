//! Delta: the export of its portfolio. What was paid is a total.

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
        name: "delta",
        broker: "delta",
        title: "Delta, export of transactions",
        header: &[
            "Date",
            "Way",
            "Base amount",
            "Base currency (name)",
            "Base type",
            "Quote amount",
            "Quote currency",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let way = row.text("Way").into_owned();
        match way.as_str() {
            "BUY" | "SELL" => {}
            "DIVIDEND" | "STAKING" | "AIRDROP" | "REWARD" => return skipped(SkippedAs::Income, way),
            _ => return skipped(SkippedAs::Transfer, way),
        }
        let at =
            row.time("Date", &["%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%:z", "%+"], Zone::Written)?;
        // `SOL (Solana)`: the symbol and its name.
        let symbol =
            |name: &str| row.some(name).map(|text| text.split(" (").next().unwrap_or_default().to_owned());
        let base = symbol("Base currency (name)").unwrap_or_default();
        let (quantity, paid) = (row.need_number("Base amount")?, row.need_number("Quote amount")?);
        let price = row.ratio(("Quote amount", paid), ("Base amount", quantity))?;
        let quote = row.need("Quote currency")?;
        let market = match row.text("Base type").as_ref() {
            "CRYPTO" => MarketKind::Spot,
            "STOCK" => MarketKind::Equity,
            "FUND" => MarketKind::Fund,
            "FIAT" => MarketKind::Forex,
            _ => MarketKind::Unknown,
        };
        let fill = row.fill(
            base.as_str(),
            row.side("Way")?,
            ("Base amount", quantity),
            ("Quote amount", price),
            at,
        )?;
        let fill = fill.of(Some(base), Some(quote)).on(market);
        fill.fee(row.number_or_zero("Fee amount")?, symbol("Fee currency (name)")).said()
    },
};
