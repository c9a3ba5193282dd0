//! KuCoin: its history of fills.

use cauce_model::{MarketKind, Rule};

use super::{
    About,
    number::Numbers,
    record::{Told, pair},
    table::{Order, Table, no_footer},
    time::Zone,
};

pub(super) static TRADES: Table = Table {
    about: About {
        name: "kucoin",
        broker: "kucoin",
        title: "KuCoin, fills",
        header: &["tradeCreatedAt", "symbol", "side", "price", "size", "funds", "fee", "feeCurrency"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("tradeCreatedAt", &["%Y-%m-%d %H:%M:%S"], Zone::Account)?;
        let (quantity, price) = (row.need_number("size")?, row.need_number("price")?);
        let symbol = row.need("symbol")?;
        let (base, quote) = pair(&symbol, '-');
        let fill = row.fill(symbol, row.side("side")?, ("size", quantity), ("price", price), at)?;
        let fill = fill.of(base, quote).on(MarketKind::Spot).ids(row.some("tradeId"), row.some("orderId"));
        fill.fee(row.number_or_zero("fee")?, row.some("feeCurrency")).said()
    },
};

pub(super) static TRADES_OLDER: Table = Table {
    about: About {
        name: "kucoin_older",
        broker: "kucoin",
        title: "KuCoin, fills of earlier years",
        header: &[
            "Time",
            "Pair",
            "Side",
            "FilledPrice",
            "Amount",
            "AmountCoin",
            "Volume",
            "VolumeCoin",
            "Fee",
            "FeeCoin",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("Time", &["%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"], Zone::Account)?;
        let (quantity, price) = (row.need_number("Amount")?, row.need_number("FilledPrice")?);
        let symbol = row.need("Pair")?;
        let (base, quote) = pair(&symbol, '/');
        let fill = row.fill(symbol, row.side("Side")?, ("Amount", quantity), ("FilledPrice", price), at)?;
        fill.of(base, quote).on(MarketKind::Spot).fee(row.number_or_zero("Fee")?, row.some("FeeCoin")).said()
    },
};

/// Fills as they are exported today: the zone of their times stands in the name of a column.
pub(super) static TRADES_NEWER: Table = Table {
    about: About {
        name: "kucoin_newer",
        broker: "kucoin",
        title: "KuCoin, fills, in a zone of one's own",
        header: &[
            "UID",
            "Order ID",
            "Symbol",
            "Side",
            "Avg. Filled Price",
            "Filled Amount",
            "Filled Volume",
            "Fee",
            "Fee Currency",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let named = |name: &str| {
            row.columns().find_map(|column| Some((column, column.strip_prefix(name)?.strip_suffix(')')?)))
        };
        let zoned = named("Filled Time(UTC").or_else(|| named("Order Time(UTC"));
        let missing =
            || row.broken(Rule::MissingField, "Filled Time", "is missing: no column has it with its zone");
        let (column, zone) = zoned.ok_or_else(missing)?;
        let zone = if zone.is_empty() { "+00:00" } else { zone };
        let text = format!("{}{zone}", row.text(column));
        let at = row.time_of(column, &text, &["%Y-%m-%d %H:%M:%S%:z"], Zone::Written)?;
        let (quantity, price) = (row.need_number("Filled Amount")?, row.need_number("Avg. Filled Price")?);
        let symbol = row.need("Symbol")?;
        let (base, quote) = pair(&symbol, '-');
        let fill = row.fill(
            symbol,
            row.side("Side")?,
            ("Filled Amount", quantity),
            ("Avg. Filled Price", price),
            at,
        )?;
        let fill = fill.of(base, quote).on(MarketKind::Spot).ids(None, row.some("Order ID"));
        fill.fee(row.number_or_zero("Fee")?, row.some("Fee Currency")).said()
    },
};
