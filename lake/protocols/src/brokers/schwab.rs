//! Charles Schwab: transactions of an account, awards, and awards as JSON. Amounts are in dollars; days have no hour.

use cauce_model::{AccountTerms, Effect, Fill, MarketKind, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Layout, Row, Said,
    file::File,
    number::Numbers,
    record::{Result, Told, Values, is_of_bond},
    table::{Order, Table, in_order, skipped},
    time::Zone,
};
use crate::document::Node;

const BROKER: &str = "schwab";
const DAY: &[&str] = &["%m/%d/%Y"];

/// `08/18/2023 as of 08/15/2023` is posted on the first day and of the second.
fn day<'v>(row: &Values<'v>) -> String {
    let text = row.text("Date");
    text.rsplit(" as of ").next().unwrap_or_default().to_owned()
}

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "schwab",
        broker: BROKER,
        title: "Charles Schwab, transactions of an account",
        header: &["Date", "Action", "Symbol", "Description", "Quantity", "Price", "Fees & Comm", "Amount"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: |record| record.cells.get(0).is_some_and(|first| first.trim() == "Transactions Total"),
    read: |row| {
        let action = row.text("Action").into_owned();
        let (side, effect) = match action.as_str() {
            "Buy" | "Reinvest Shares" => (Side::Buy, Effect::Unknown),
            "Sell" => (Side::Sell, Effect::Unknown),
            "Sell Short" | "Sell to Open" => (Side::Sell, Effect::Open),
            "Buy to Open" => (Side::Buy, Effect::Open),
            "Buy to Close" | "Buy to Cover" => (Side::Buy, Effect::Close),
            "Sell to Close" => (Side::Sell, Effect::Close),
            "Cancel Buy" | "Cancel Sell" => {
                let why = "takes a trade back, and does not say which";
                return Err(row.broken(Rule::UnknownShape, "Action", why));
            }
            action => return skipped(kind_of(action), action),
        };
        let at = row.time_of("Date", &day(row), DAY, Zone::Account)?;
        let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Price")?);
        let symbol = row.need("Symbol")?;
        // An option is a symbol, a date, a side and a price at which it is exercised; of a hundred shares.
        let is_option = symbol.split_whitespace().count() > 1;
        let fill = row.fill(symbol, side, ("Quantity", quantity), ("Price", price), at)?.in_currency("USD");
        // A bond goes by its CUSIP, and its price is for a hundred of its face value.
        let is_bond = is_of_bond(&fill.symbol);
        let (market, multiplier) = match () {
            () if is_option => (MarketKind::Option, Decimal::ONE_HUNDRED),
            () if is_bond => (MarketKind::Bond, Decimal::new(1, 2)),
            () => (MarketKind::Equity, Decimal::ONE),
        };
        let fill = fill.on(market);
        Fill { effect, multiplier, ..fill.fee(row.number_or_zero("Fees & Comm")?.abs(), None) }.said()
    },
};

/// What an action is that is no trade.
fn kind_of(action: &str) -> SkippedAs {
    let says = |words: &[&str]| words.iter().any(|word| action.contains(word));
    match () {
        () if says(&[
            "Split",
            "Merger",
            "Spin",
            "Name Change",
            "Conversion",
            "Cash In Lieu",
            "Stock Div",
        ]) =>
        {
            SkippedAs::CorporateAction
        }
        () if says(&["Tax", "Fee", "Withholding"]) => SkippedAs::Charge,
        () if says(&["Div", "Interest", "Gain"]) => SkippedAs::Income,
        () if says(&["Stock Plan", "Security", "Shares", "Internal"]) => SkippedAs::Transfer,
        () => SkippedAs::Cash,
    }
}

/// Awards, each of them on two lines. None of them is a trade.
pub(super) static AWARDS: Table = Table {
    about: About {
        name: "schwab_awards",
        broker: BROKER,
        title: "Charles Schwab, awards",
        header: &["Date", "Action", "Symbol", "Description", "Quantity", "AwardDate", "FairMarketValuePrice"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: |_| false,
    read: |row| match row.some("Action") {
        Some(action) => skipped(SkippedAs::Transfer, action),
        None => skipped(SkippedAs::Repeated, "details of the award above"),
    },
};

/// Awards as JSON: a sale has the lots that were sold among its details, all at one price.
#[derive(Debug)]
pub(super) struct EquityAwards;

static EQUITY: About = About {
    name: "schwab_equity_awards",
    broker: BROKER,
    title: "Charles Schwab, equity awards",
    header: &["FromDate", "ToDate", "Transactions"],
};

impl Layout for EquityAwards {
    fn about(&self) -> &About {
        &EQUITY
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.json().is_some_and(|json| EQUITY.header.iter().all(|name| json.has(name)))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let nodes = file.json().map(|json| json.get("Transactions").items()).unwrap_or_default();
        let rows = nodes.iter().zip(1..).map(|(node, place)| {
            let said = award(&Values::of_tree(node, terms), node).unwrap_or_else(Said::Broken);
            Row { place, text: node.shown(), said }
        });
        in_order(rows.collect(), Order::NewestFirst)
    }
}

fn award(row: &Values<'_>, node: &Node) -> Result<Said> {
    match row.text("Action").as_ref() {
        "Sale" => {}
        "Dividend" => return skipped(SkippedAs::Income, "Dividend"),
        "Tax Withholding" => return skipped(SkippedAs::Charge, "Tax Withholding"),
        action => return skipped(SkippedAs::Transfer, action),
    }
    let at = row.time_of("Date", &day(row), DAY, Zone::Account)?;
    let quantity = row.need_number("Quantity")?;
    let lots = node.get("TransactionDetails").items();
    let mut prices = lots.iter().map(|lot| Values::of_tree(lot, row.terms).number("Details.SalePrice"));
    let price = prices.next().transpose()?.flatten();
    let price = price.ok_or_else(|| {
        row.broken(Rule::MissingField, "TransactionDetails.0.Details.SalePrice", "is missing")
    })?;
    let fill = row.fill(row.need("Symbol")?, Side::Sell, ("Quantity", quantity), ("SalePrice", price), at)?;
    let fill = fill.in_currency("USD").on(MarketKind::Equity);
    fill.fee(row.number_or_zero("FeesAndCommissions")?.abs(), None).said()
}
