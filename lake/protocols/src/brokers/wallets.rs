//! Tables of wallets and accounts that hold no trades: known, so that they are told apart from what can't be read.

use cauce_model::{MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

/// BitMEX: profits and transfers of a day, in satoshi. Fills are in another export.
pub(super) static BITMEX: Table = Table {
    about: About {
        name: "bitmex_wallet",
        broker: "bitmex",
        title: "BitMEX, history of the wallet",
        header: &[
            "transactTime",
            "transactType",
            "amount",
            "fee",
            "address",
            "transactStatus",
            "walletBalance",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| match row.text("transactType").as_ref() {
        "RealisedPNL" => skipped(SkippedAs::State, "profit of a day, without its fills"),
        kind => skipped(SkippedAs::Transfer, kind),
    },
};

/// Bitcoin.tax: what was spent and got.
pub(super) static BITCOIN_TAX: Table = Table {
    about: About {
        name: "bitcoin_tax",
        broker: "bitcoin_tax",
        title: "Bitcoin.tax, transactions",
        header: &["Date", "Action", "Symbol", "Account", "Volume", "Price", "Currency", "Fee", "FeeCurrency"],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        if !matches!(row.text("Action").as_ref(), "BUY" | "SELL") {
            return skipped(SkippedAs::Charge, row.text("Action"));
        }
        let at = row.time("Date", &["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%:z"], Zone::Written)?;
        let (quantity, price) = (row.need_number("Volume")?, row.need_number("Price")?);
        let (base, quote) = (row.need("Symbol")?, row.need("Currency")?);
        let symbol = format!("{base}/{quote}");
        let fill = row.fill(symbol, row.side("Action")?, ("Volume", quantity), ("Price", price), at)?;
        let mut fill = fill.of(Some(base), Some(quote)).on(MarketKind::Spot);
        fill.broker_account = row.some("Account");
        fill.fee(row.number_or_zero("Fee")?, row.some("FeeCurrency")).said()
    },
};

/// A table of transfers only.
macro_rules! transfers {
    ($name:ident, $layout:literal, $broker:literal, $title:literal, [$($column:literal),*]) => {
        #[doc = $title]
        pub(super) static $name: Table = Table {
            about: About { name: $layout, broker: $broker, title: $title, header: &[$($column),*] },
            numbers: Numbers::Point,
            order: Order::NewestFirst,
            is_footer: no_footer,
            read: |_| skipped(SkippedAs::Transfer, "what came or went"),
        };
    };
}

transfers!(
    PIONEX,
    "pionex_transfers",
    "pionex",
    "Pionex, transfers",
    ["date(UTC+0)", "tx_type", "amount", "coin", "network", "txid"]
);
transfers!(
    TREZOR,
    "trezor",
    "trezor",
    "Trezor, transactions of a wallet",
    ["Date & Time", "Type", "Transaction ID", "Addresses", "Fee", "Total"]
);
transfers!(
    BITBANK,
    "bitbank_deposits",
    "bitbank",
    "bitbank, transfers of coins",
    ["コイン", "日時", "数量", "ネットワーク", "ステータス"]
);
transfers!(
    BITBANK_FIAT,
    "bitbank_fiat",
    "bitbank",
    "bitbank, transfers of money",
    ["日時", "数量", "ステータス"]
);
