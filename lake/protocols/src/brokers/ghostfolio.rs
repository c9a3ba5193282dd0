//! Ghostfolio: its export as JSON, and the table that people import into it, whose dates stand in several forms.

use cauce_model::{AccountTerms, MarketKind, Rule, SkippedAs};

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    number::Numbers,
    record::{Result, Told, Values},
    table::{Order, Table, in_order, no_footer, skipped},
    time::{Moment, Zone},
};
use crate::document::Node;

const BROKER: &str = "ghostfolio";
/// The day stands first where a year does not.
const DAYS: &[&str] = &["%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y%m%d"];
/// Where prices come from; what is typed in by hand is `MANUAL`.
const SOURCES: [&str; 9] = [
    "ALPHA_VANTAGE",
    "COINGECKO",
    "EOD_HISTORICAL_DATA",
    "FINANCIAL_MODELING_PREP",
    "GHOSTFOLIO",
    "GOOGLE_SHEETS",
    "MANUAL",
    "RAPID_API",
    "YAHOO",
];

pub(super) static ACTIVITIES_TABLE: Table = Table {
    about: About {
        name: "ghostfolio_table",
        broker: BROKER,
        title: "Ghostfolio, table of activities",
        header: &["Date", "Code", "Currency", "Price", "Quantity", "Action", "Fee"],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| of_table(row, ["Currency", "Quantity"]),
};

/// The same with shorter names.
pub(super) static ACTIVITIES_TABLE_SHORT: Table = Table {
    about: About {
        name: "ghostfolio_table_short",
        broker: BROKER,
        title: "Ghostfolio, table of activities, shorter names",
        header: &["Date", "Code", "CCY", "Price", "Qty", "Action", "Fee"],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| of_table(row, ["CCY", "Qty"]),
};

fn of_table(row: &Values<'_>, [currency, quantity]: [&str; 2]) -> Result<Said> {
    activity(row, ["Action", "Code", "Price", "Fee"], currency, quantity, |row| {
        row.time("Date", DAYS, Zone::Account)
    })
}

/// The export as JSON.
#[derive(Debug)]
pub(super) struct Activities;

static ACTIVITIES: About = About {
    name: "ghostfolio",
    broker: BROKER,
    title: "Ghostfolio, export of activities",
    header: &["meta", "activities"],
};

impl Layout for Activities {
    fn about(&self) -> &About {
        &ACTIVITIES
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.json().is_some_and(|json| matches!(json.get("activities"), Node::List(_)))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some(json) = file.json() else { return Vec::new() };
        let nodes = json.get("activities").items();
        let rows = nodes.iter().zip(1..).map(|(node, place)| {
            let row = Values::of_tree(node, terms);
            let said = of_export(&row, json.get("assetProfiles")).unwrap_or_else(Said::Broken);
            Row { place, text: node.shown(), said }
        });
        in_order(rows.collect(), Order::OldestFirst)
    }
}

fn of_export(row: &Values<'_>, profiles: &Node) -> Result<Said> {
    let source = row.text("dataSource");
    if !source.is_empty() && !SOURCES.contains(&source.as_ref()) {
        return Err(row.broken(
            Rule::UnknownShape,
            "dataSource",
            "is no source of prices that Ghostfolio has",
        ));
    }
    let symbol = row.text("symbol");
    let is_known = profiles.items().iter().any(|profile| profile.is("symbol", &symbol));
    if source == "MANUAL" && is_trade(&row.text("type")) && !is_known {
        return Err(row.broken(Rule::InvalidMarket, "symbol", "is of no profile of an asset in the file"));
    }
    let formats = ["%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%:z", "%Y-%m-%d"];
    let at = |row: &Values<'_>| row.time("date", &formats, Zone::Utc);
    let said = activity(row, ["type", "symbol", "unitPrice", "fee"], "currency", "quantity", at)?;
    Ok(match said {
        Said::Fills(mut fills) => {
            for fill in &mut fills {
                fill.external_id = row.some("id");
                fill.broker_account = row.some("accountId");
            }
            Said::Fills(fills)
        }
        said => said,
    })
}

fn is_trade(action: &str) -> bool {
    action.eq_ignore_ascii_case("buy") || action.eq_ignore_ascii_case("sell")
}

fn activity(
    row: &Values<'_>,
    [action, symbol, price, fee]: [&str; 4],
    currency: &str,
    quantity: &str,
    at: impl Fn(&Values<'_>) -> Result<Moment>,
) -> Result<Said> {
    let kind = row.text(action).to_uppercase();
    match kind.as_str() {
        "BUY" | "SELL" => {}
        "DIVIDEND" | "INTEREST" => return skipped(SkippedAs::Income, kind),
        "FEE" => return skipped(SkippedAs::Charge, kind),
        "ITEM" | "LIABILITY" | "VALUABLE" => return skipped(SkippedAs::State, kind),
        _ => {
            return Err(row.broken(
                Rule::UnknownSide,
                action,
                "is none of buy, sell, dividend, fee, interest, item, liability",
            ));
        }
    }
    let amount = row.need_number(quantity)?;
    // What has no quantity yet is planned.
    if amount.is_zero() {
        return skipped(SkippedAs::Order, "a draft without a quantity");
    }
    let at = at(row)?;
    let money = row.need(currency)?;
    if money.len() != 3 || !money.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err(Broken::new(Rule::InvalidCurrency, currency, &money, "is no currency"));
    }
    let fill = row.fill(
        row.need(symbol)?,
        row.side(action)?,
        (quantity, amount),
        (price, row.need_number(price)?),
        at,
    )?;
    let fill = fill.in_currency(money).on(MarketKind::Equity);
    fill.fee(row.number_or_zero(fee)?, None).said()
}
