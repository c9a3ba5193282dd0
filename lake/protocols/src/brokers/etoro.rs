//! eToro: its account's activity. Amounts are in the account's currency, which the file does not name: USD, unless the account
//! says another. Whether a contract for difference was bought or sold is not in the file, so such a row is broken.

use cauce_model::{Effect, Fill, MarketKind, Rule, Side, SkippedAs};

use super::{
    About, Said,
    number::Numbers,
    record::{Result, Told, Values},
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static ACTIVITY: Table = Table {
    about: About {
        name: "etoro",
        broker: "etoro",
        title: "eToro, account activity",
        header: &[
            "Date",
            "Type",
            "Details",
            "Amount",
            "Units",
            "Realized Equity Change",
            "Position ID",
            "Asset type",
        ],
    },
    numbers: Numbers::Either,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| read(row, "Units"),
};

/// As it is since 2023.
pub(super) static ACTIVITY_NEWER: Table = Table {
    about: About {
        name: "etoro_newer",
        broker: "etoro",
        title: "eToro, account activity of later years",
        header: &[
            "Date",
            "Type",
            "Details",
            "Amount",
            "Units / Contracts",
            "Realized Equity Change",
            "Position ID",
            "Asset type",
        ],
    },
    numbers: Numbers::Either,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| read(row, "Units / Contracts"),
};

fn read(row: &Values<'_>, units: &'static str) -> Result<Said> {
    let kind = row.text("Type").into_owned();
    let effect = match kind.as_str() {
        "Open Position" => Effect::Open,
        "Position closed" => Effect::Close,
        "Dividend" | "Interest Payment" => return skipped(SkippedAs::Income, kind),
        "Deposit" | "Withdraw Request" => return skipped(SkippedAs::Cash, kind),
        _ => return skipped(SkippedAs::Charge, kind),
    };
    if row.text("Asset type") == "CFD" {
        let why = "does not say whether it was bought or sold short";
        return Err(row.broken(Rule::UnknownSide, "Asset type", why));
    }
    let side = if effect == Effect::Open { Side::Buy } else { Side::Sell };
    let at = row.time("Date", &["%d/%m/%Y %H:%M:%S"], Zone::Account)?;
    let (quantity, paid) = (row.need_number(units)?, row.need_number("Amount")?);
    let price = row.ratio(("Amount", paid), (units, quantity))?;
    let symbol = row.need("Details")?.split('/').next().unwrap_or_default().to_owned();
    let currency = row.terms.currency.clone().unwrap_or_else(|| "USD".to_owned());
    let position = row.need("Position ID")?;
    let market = if row.text("Asset type") == "Crypto" { MarketKind::Spot } else { MarketKind::Equity };
    let fill = row
        .fill(symbol, side, (units, quantity), ("Amount", price), at)?
        .on(market)
        .in_currency(currency.clone());
    let reported = if effect == Effect::Close { row.number("Realized Equity Change")? } else { None };
    let fill = fill.ids(Some(format!("{position}/{effect}")), None);
    let pnl_currency = reported.map(|_| currency);
    Fill { position_id: Some(position), effect, reported_pnl: reported, pnl_currency, ..fill }.said()
}
