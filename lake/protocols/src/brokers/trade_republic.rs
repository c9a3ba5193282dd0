//! Trade Republic: its transactions, whose times are the start of a day.

use cauce_model::{Fill, MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "trade_republic",
        broker: "trade_republic",
        title: "Trade Republic, transactions",
        header: &[
            "datetime",
            "date",
            "category",
            "type",
            "asset_class",
            "symbol",
            "shares",
            "price",
            "amount",
            "fee",
            "tax",
            "currency",
            "transaction_id",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let (category, kind) = (row.text("category").into_owned(), row.text("type").into_owned());
        match (category.as_str(), kind.as_str()) {
            ("TRADING", "BUY" | "SELL") => {}
            ("CORPORATE_ACTION", _) => return skipped(SkippedAs::CorporateAction, kind),
            (_, kind)
                if ["DIVIDEND", "DISTRIBUTION", "INTEREST", "EARNINGS", "GIFT", "SAVEBACK"]
                    .iter()
                    .any(|word| kind.contains(word)) =>
            {
                return skipped(SkippedAs::Income, kind);
            }
            (_, kind) if kind.contains("TAX") => return skipped(SkippedAs::Charge, kind),
            (_, kind) => return skipped(SkippedAs::Cash, kind),
        }
        // The hour is always that of the start of the day.
        let day = row.text("datetime").get(..10).unwrap_or_default().to_owned();
        let at = row.time_of("datetime", &day, &["%Y-%m-%d"], Zone::Utc)?;
        let (quantity, price) = (row.need_number("shares")?, row.need_number("price")?);
        let market = match row.text("asset_class").as_ref() {
            "STOCK" | "FUND" => MarketKind::Equity,
            "BOND" => MarketKind::Bond,
            "CRYPTO" => MarketKind::Spot,
            "DERIVATIVE" => MarketKind::Warrant,
            _ => MarketKind::Unknown,
        };
        let fill =
            row.fill(row.need("symbol")?, row.side("type")?, ("shares", quantity), ("price", price), at)?;
        let fill = fill.in_currency(row.need("currency")?).on(market).ids(row.some("transaction_id"), None);
        let taxes = row.number("tax")?.map(|tax| -tax).filter(|tax| !tax.is_zero());
        let pnl_currency = taxes.and(fill.quote.clone());
        let fill = Fill { taxes, pnl_currency, ..fill };
        fill.fee(-row.number_or_zero("fee")?, None).said()
    },
};
