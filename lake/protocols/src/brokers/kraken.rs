//! Kraken: its exports of trades and of the ledger, by its public documentation. Times are UTC.

use std::collections::HashMap;

use cauce_model::{AccountTerms, MarketKind, Rule, SkippedAs};

use super::{
    About, Layout, Row, Said,
    file::{File, Record},
    number::Numbers,
    record::{Result, Told, Values, pair},
    swap::{Leg, swapped},
    table::{Order, Table, in_order, no_footer, places, skipped},
    time::Zone,
};

const TIMES: &[&str] = &["%Y-%m-%d %H:%M:%S%.f"];
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
        let at = row.time("time", TIMES, Zone::Utc)?;
        let (quantity, price) = (row.need_number("vol")?, row.need_number("price")?);
        let symbol = row.need("pair")?;
        let (base, quote) = match symbol.contains('/') {
            true => pair(&symbol, '/'),
            false => in_one_word(&symbol),
        };
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

/// Assets that prices on Kraken are in.
const QUOTES: [&str; 14] =
    ["PYUSD", "USDT", "USDC", "USD", "EUR", "GBP", "CAD", "JPY", "AUD", "CHF", "DAI", "XBT", "BTC", "ETH"];

/// Assets that have a letter before their name: others only begin so.
const OLDER: [&str; 17] = [
    "XXBT", "XETH", "XLTC", "XXRP", "XXLM", "XXMR", "XZEC", "XETC", "XREP", "XMLN", "XXDG", "ZUSD", "ZEUR",
    "ZGBP", "ZCAD", "ZJPY", "ZAUD",
];

/// A pair in one word: `ADAEUR`; of older names with a letter before each, X for what is no money and Z for money: `XXBTZUSD`,
/// `USDTZUSD`.
fn in_one_word(symbol: &str) -> (Option<String>, Option<String>) {
    let known = |name: &&str| symbol.len() > name.len() && symbol.ends_with(name);
    let Some(quote) = QUOTES.into_iter().filter(known).max_by_key(|quote| quote.len()) else {
        return (None, None);
    };
    let base = &symbol[..symbol.len() - quote.len()];
    // Of eight letters four are each's: `XTZUSD` has six.
    let is_older = symbol.len() == 8 && symbol.is_ascii() && base.len() == 5 && base.ends_with(['X', 'Z']);
    let base = if is_older { &base[..4] } else { base };
    let base = match is_older && OLDER.contains(&base) {
        true => &base[1..],
        false => base,
    };
    (Some(base.to_owned()), Some(quote.to_owned()))
}

/// The ledger tells each trade of the exchange again, as two of its rows: those trades are of [`TRADES`]. What was bought or sold
/// at once, by the app, is told here only: what was spent and what was received, under one reference.
#[derive(Debug)]
pub(super) struct Ledgers;

static LEDGERS: About = About {
    name: "kraken_ledgers",
    broker: BROKER,
    title: "Kraken, export of the ledger",
    header: &["txid", "refid", "time", "type", "subtype", "aclass", "asset", "amount", "fee", "balance"],
};

impl Layout for Ledgers {
    fn about(&self) -> &About {
        &LEDGERS
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.find_header(LEDGERS.header).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header)) = file.find_header(LEDGERS.header) else { return Vec::new() };
        let records = &file.records(delimiter)[header..];
        let Some((header, records)) = records.split_first() else { return Vec::new() };
        let places = places(header);
        let values = |record| (record, Values::of_row(&places, cells(record), Numbers::Point, terms));
        let records: Vec<(&Record, Values<'_>)> =
            records.iter().filter(|record| !record.is_blank()).map(values).collect();
        let spent: HashMap<String, Values<'_>> = records
            .iter()
            .filter(|(_, row)| row.text("type") == "spend")
            .map(|(_, row)| (row.text("refid").into_owned(), *row))
            .collect();
        let read = |(record, row): &(&Record, Values<'_>)| {
            let said = match row.text("type").as_ref() {
                "receive" => match spent.get(row.text("refid").as_ref()) {
                    Some(spent) => at_once(row, spent),
                    None => {
                        Err(row.broken(Rule::UnknownShape, "refid", "has no row that says what was spent"))
                    }
                },
                "spend" => skipped(SkippedAs::Repeated, "spend: what was paid for what was received"),
                kind @ ("trade" | "margin" | "rollover" | "settled") => skipped(
                    SkippedAs::Conversion,
                    format!("{kind}: one side of a trade; the export of trades has both"),
                ),
                kind @ ("staking" | "dividend" | "earn" | "reward" | "airdrop") => {
                    skipped(SkippedAs::Income, kind)
                }
                kind => skipped(SkippedAs::Transfer, kind),
            };
            Row { place: record.line, text: record.text(), said: said.unwrap_or_else(Said::Broken) }
        };
        in_order(records.iter().map(read).collect(), Order::OldestFirst)
    }
}

fn cells(record: &Record) -> &csv::StringRecord {
    &record.cells
}

/// What was received for what was spent. Each may have a fee, in its own asset.
fn at_once(received: &Values<'_>, spent: &Values<'_>) -> Result<Said> {
    let leg = |row: &Values<'_>| -> Result<Leg> {
        let asset = row.need("asset")?;
        let asset = if OLDER.contains(&asset.as_str()) { asset[1..].to_owned() } else { asset };
        Ok(Leg { name: "amount", amount: row.need_number("amount")?.abs(), asset })
    };
    let (got, gave) = (leg(received)?, leg(spent)?);
    let fees = [
        (received.number_or_zero("fee")?, got.asset.clone()),
        (spent.number_or_zero("fee")?, gave.asset.clone()),
    ];
    let at = received.time("time", TIMES, Zone::Utc)?;
    let mut fill = swapped(received, got, gave, at)?
        .on(MarketKind::Spot)
        .ids(received.some("txid"), received.some("refid"));
    for (fee, asset) in fees {
        fill = fill.fee(fee, Some(asset));
    }
    fill.said()
}
