//! Kraken: its exports of trades and of the ledger, by its public documentation. Times are UTC.

use cauce_model::{MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::{Told, pair},
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

const BROKER: &str = "kraken";

/// Fills. A pair of two assets of older names is `XXBTZUSD`, and is kept as it is.
pub(super) static TRADES: Table = Table {
    about: About {
        name: "kraken_trades",
        broker: BROKER,
        title: "Kraken, export of trades",
        header: &[
            "txid",
            "ordertxid",
            "pair",
            "time",
            "type",
            "ordertype",
            "price",
            "cost",
            "fee",
            "vol",
            "margin",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("time", &["%Y-%m-%d %H:%M:%S%.f"], Zone::Utc)?;
        let (quantity, price) = (row.need_number("vol")?, row.need_number("price")?);
        let symbol = row.need("pair")?;
        let (base, quote) = older(&symbol).unwrap_or_else(|| pair(&symbol, '/'));
        let market = match row.number("margin")? {
            Some(margin) if !margin.is_zero() => MarketKind::Margin,
            _ => MarketKind::Spot,
        };
        let fill = row.fill(symbol, row.side("type")?, ("vol", quantity), ("price", price), at)?;
        let fill = fill.of(base, quote).on(market).ids(row.some("txid"), row.some("ordertxid"));
        // What it costs is in the currency of the price.
        fill.fee(row.number_or_zero("fee")?, None).said()
    },
};

/// A pair of two names with a letter before each: X for what is no money, Z for money.
fn older(symbol: &str) -> Option<(Option<String>, Option<String>)> {
    let is_older = symbol.len() == 8
        && symbol.is_ascii()
        && symbol.starts_with('X')
        && matches!(&symbol[4..5], "X" | "Z");
    is_older.then(|| (Some(symbol[1..4].to_owned()), Some(symbol[5..].to_owned())))
}

/// The ledger tells each trade again, as two of its rows: the trades are those of [`TRADES`].
pub(super) static LEDGERS: Table = Table {
    about: About {
        name: "kraken_ledgers",
        broker: BROKER,
        title: "Kraken, export of the ledger",
        header: &["txid", "refid", "time", "type", "subtype", "aclass", "asset", "amount", "fee", "balance"],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| match row.text("type").as_ref() {
        kind @ ("trade" | "margin" | "rollover" | "settled" | "spend" | "receive") => skipped(
            SkippedAs::Conversion,
            format!("{kind}: one side of a trade; the export of trades has both"),
        ),
        kind @ ("staking" | "dividend" | "earn" | "reward" | "airdrop") => skipped(SkippedAs::Income, kind),
        kind => skipped(SkippedAs::Transfer, kind),
    },
};
