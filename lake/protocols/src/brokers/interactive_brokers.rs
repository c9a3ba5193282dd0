//! Interactive Brokers: Flex queries as XML and as a table, and the history of transactions.
//!
//! Attributes as in the Flex queries seen and in the documentation of activity statements. A `Trade` is a fill where its level
//! of detail is `EXECUTION`; orders and summaries tell the same again. A `TradeCancel` undoes the trade with its order, symbol
//! and price and the opposite quantity; neither of them is left. Times have no zone.

use std::collections::HashSet;

use cauce_model::{AccountTerms, Effect, Fill, MarketKind, Rule, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Layout, Row, Said,
    file::File,
    number::Numbers,
    record::{Result, Told, Values},
    table::{Order, in_order, places, skipped},
    time::{Moment, Zone},
};
use crate::document::Node;

const BROKER: &str = "interactive_brokers";
const TIMES: &[&str] = &[
    "%Y-%m-%d;%H%M%S",
    "%m/%d/%Y;%H:%M:%S",
    "%m/%d/%Y;%H%M%S",
    "%Y%m%d;%H:%M:%S",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d;%H%M%S",
    "%Y-%m-%d;%H:%M:%S",
    "%Y-%m-%d, %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y%m%d",
    "%Y-%m-%d",
];

/// A Flex query as XML.
#[derive(Debug)]
pub(super) struct FlexXml;

static FLEX_XML: About = About {
    name: "ib_flex_xml",
    broker: BROKER,
    title: "Interactive Brokers, Flex query as XML",
    header: &["FlexQueryResponse", "FlexStatements", "FlexStatement"],
};

/// Sections with things that happened, beside the trades; others are reference and sums.
const SECTIONS: [(&str, &str, SkippedAs); 3] = [
    ("CashTransactions", "CashTransaction", SkippedAs::Cash),
    ("CorporateActions", "CorporateAction", SkippedAs::CorporateAction),
    ("FxTransactions", "FxTransaction", SkippedAs::Conversion),
];

impl Layout for FlexXml {
    fn about(&self) -> &About {
        &FLEX_XML
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.text().contains("<FlexQueryResponse")
            && file.xml().is_some_and(|xml| xml.has("FlexQueryResponse"))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some(xml) = file.xml() else { return Vec::new() };
        let mut rows = Vec::new();
        for statement in xml.at("FlexQueryResponse.FlexStatements.FlexStatement").items() {
            let account = statement.text_at("@accountId");
            let trades = statement.get("Trades");
            let trade = trades.get("Trade").items();
            let undone = undone(trade);
            for (index, node) in trade.iter().enumerate() {
                let said = if undone.contains(&index) {
                    skipped(SkippedAs::Cancelled, "a trade that was cancelled, or what cancels it")
                } else {
                    flex_trade(&Values::of_tree(node, terms), account.clone())
                };
                push(&mut rows, node, said);
            }
            let is_fill =
                |node: &Node| node.text_at("@levelOfDetail").is_none_or(|level| level == "EXECUTION");
            let confirmed = statement.get("TradeConfirms").get("TradeConfirm").items();
            // Of some queries nothing tells the fills but orders, or confirmations.
            let has_fills = trade.iter().any(is_fill);
            for (name, nodes) in
                trades.members().iter().filter(|(name, _)| name != "Trade" && !name.starts_with('@'))
            {
                for node in nodes.items() {
                    let is_told = has_fills || !confirmed.is_empty() || name != "Order";
                    let said = match is_told {
                        true => skipped(SkippedAs::Repeated, format!("{name}: trades told again")),
                        false => flex_fill(&Values::of_tree(node, terms), account.clone()),
                    };
                    push(&mut rows, node, said);
                }
            }
            for node in confirmed {
                let said = match has_fills || !is_fill(node) {
                    true => skipped(SkippedAs::Repeated, "TradeConfirm: trades told again"),
                    false => flex_fill(&Values::of_tree(node, terms), account.clone()),
                };
                push(&mut rows, node, said);
            }
            for (section, element, what) in SECTIONS {
                for node in statement.get(section).get(element).items() {
                    let kind = node.first_of(&["@type", "@activityDescription"]).unwrap_or_default();
                    push(&mut rows, node, skipped(what, format!("{element} {kind}")));
                }
            }
        }
        in_order(rows, Order::OldestFirst)
    }
}

fn push(rows: &mut Vec<Row>, node: &Node, said: Result<Said>) {
    let place = u32::try_from(rows.len() + 1).unwrap_or(u32::MAX);
    rows.push(Row { place, text: node.shown(), said: said.unwrap_or_else(Said::Broken) });
}

/// Trades that were cancelled, and what cancels them.
fn undone(trades: &[Node]) -> HashSet<usize> {
    let mut undone = HashSet::new();
    let same = |one: &Node, other: &Node| {
        let agree = |name: &str| one.text_at(name) == other.text_at(name);
        let quantity = |node: &Node| node.text_at("@quantity").and_then(|text| text.parse::<Decimal>().ok());
        let is_opposite = quantity(one).zip(quantity(other)).is_some_and(|(one, other)| one == -other);
        agree("@ibOrderID") && agree("@symbol") && agree("@tradePrice") && is_opposite
    };
    for (index, cancel) in
        trades.iter().enumerate().filter(|(_, node)| node.is("@transactionType", "TradeCancel"))
    {
        undone.insert(index);
        let cancelled = trades.iter().enumerate().find(|(other, node)| {
            !undone.contains(other) && !node.is("@transactionType", "TradeCancel") && same(cancel, node)
        });
        undone.extend(cancelled.map(|(other, _)| other));
    }
    undone
}

fn flex_trade(row: &Values<'_>, account: Option<String>) -> Result<Said> {
    if row.some("@levelOfDetail").is_some_and(|level| level != "EXECUTION") {
        return skipped(SkippedAs::Repeated, "trades told again");
    }
    flex_fill(row, account)
}

fn flex_fill(row: &Values<'_>, account: Option<String>) -> Result<Said> {
    // Confirmations have shorter names.
    let either = |long: &'static str, short: &'static str| if row.has(long) { long } else { short };
    let names = Names {
        side: "@buySell",
        quantity: "@quantity",
        price: either("@tradePrice", "@price"),
        symbol: "@symbol",
        currency: "@currency",
        category: "@assetCategory",
        commission: either("@ibCommission", "@commission"),
        commission_currency: either("@ibCommissionCurrency", "@commissionCurrency"),
        multiplier: "@multiplier",
        effect: either("@openCloseIndicator", "@code"),
        order: either("@ibOrderID", "@orderID"),
        ids: [either("@ibExecID", "@execID"), "@transactionID", "@tradeID"],
    };
    let at = match row.some("@dateTime") {
        Some(_) => row.time("@dateTime", TIMES, Zone::Account)?,
        None => {
            let text = match row.some("@tradeTime") {
                Some(time) => format!("{};{time}", row.text("@tradeDate")),
                None => row.text("@tradeDate").into_owned(),
            };
            row.time_of("@tradeDate", &text, TIMES, Zone::Account)?
        }
    };
    let mut fill = names.fill(row, at)?;
    let taxes = row.number("@taxes")?.map(|taxes| -taxes).filter(|taxes| !taxes.is_zero());
    (fill.pnl_currency, fill.taxes) = (taxes.and(fill.quote.clone()), taxes);
    fill.broker_account = account.or_else(|| row.some("@accountId"));
    fill.said()
}

/// What a layout calls the same things.
struct Names {
    side: &'static str,
    quantity: &'static str,
    price: &'static str,
    symbol: &'static str,
    currency: &'static str,
    category: &'static str,
    commission: &'static str,
    commission_currency: &'static str,
    multiplier: &'static str,
    effect: &'static str,
    order: &'static str,
    /// The first that says something other than 0: not all are there, and `tradeID` is not of one fill.
    ids: [&'static str; 3],
}

impl Names {
    fn fill(&self, row: &Values<'_>, at: Moment) -> Result<Fill> {
        let market = match row.text(self.category).as_ref() {
            "STK" => MarketKind::Equity,
            "CASH" => MarketKind::Forex,
            "OPT" | "FOP" => MarketKind::Option,
            "FUT" => MarketKind::Futures,
            "WAR" | "IOPT" => MarketKind::Warrant,
            "BOND" | "BILL" => MarketKind::Bond,
            "FUND" => MarketKind::Fund,
            "CFD" => MarketKind::Cfd,
            "CRYPTO" => MarketKind::Spot,
            _ => MarketKind::Unknown,
        };
        let (symbol, currency) = (row.need(self.symbol)?, row.need(self.currency)?);
        let price = row.number(self.price)?;
        let price = price.ok_or_else(|| {
            row.broken(Rule::MissingField, self.price, "is missing: the query has no trade price")
        })?;
        let quantity = row.need_number(self.quantity)?;
        let base = match market {
            MarketKind::Forex => symbol.split('.').next().map(str::to_owned),
            _ => None,
        };
        let fill =
            row.fill(symbol, row.side(self.side)?, (self.quantity, quantity), (self.price, price), at)?;
        let id = self.ids.iter().find_map(|name| row.some(name).filter(|id| id != "0"));
        let fill = fill.of(base, Some(currency)).on(market).ids(id, row.some(self.order));
        let fill = fill.fee(-row.number_or_zero(self.commission)?, row.some(self.commission_currency));
        let effect = match row.text(self.effect).as_ref() {
            "O" => Effect::Open,
            "C" => Effect::Close,
            _ => Effect::Unknown,
        };
        let multiplier =
            row.number(self.multiplier)?.filter(|multiplier| !multiplier.is_zero()).unwrap_or(Decimal::ONE);
        Ok(Fill { effect, multiplier, ..fill })
    }
}

/// A Flex query as a table.
#[derive(Debug)]
pub(super) struct FlexTable;

static FLEX_TABLE: About = About {
    name: "ib_flex_table",
    broker: BROKER,
    title: "Interactive Brokers, Flex query as a table",
    header: &[
        "Symbol",
        "TradeDate",
        "Quantity",
        "TradePrice",
        "Buy/Sell",
        "IBCommission",
        "IBCommissionCurrency",
    ],
};

impl Layout for FlexTable {
    fn about(&self) -> &About {
        &FLEX_TABLE
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.find_header(FLEX_TABLE.header).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header)) = file.find_header(FLEX_TABLE.header) else { return Vec::new() };
        let records = &file.records(delimiter)[header..];
        let Some((header, records)) = records.split_first() else { return Vec::new() };
        let places = places(header);
        let records: Vec<&super::file::Record> = records.iter().filter(|record| !record.is_blank()).collect();
        let rows: Vec<Values<'_>> = records
            .iter()
            .map(|record| Values::of_row(&places, &record.cells, Numbers::Point, terms))
            .collect();
        let undone = undone_rows(&rows);
        let read = |((index, record), row): ((usize, &&super::file::Record), &Values<'_>)| {
            let said = match undone.contains(&index) {
                true => skipped(SkippedAs::Cancelled, "a trade that was cancelled, or what cancels it"),
                false => flex_row(row),
            };
            Row { place: record.line, text: record.text(), said: said.unwrap_or_else(Said::Broken) }
        };
        in_order(records.iter().enumerate().zip(&rows).map(read).collect(), Order::OldestFirst)
    }
}

/// The same of a table as [`undone`] of trees.
fn undone_rows(rows: &[Values<'_>]) -> HashSet<usize> {
    let cancels = |row: &Values<'_>| {
        row.text("Buy/Sell").contains("(Ca.)") || row.text("TransactionType") == "TradeCancel"
    };
    let same = |one: &Values<'_>, other: &Values<'_>| {
        let agree =
            ["IBOrderID", "Symbol", "TradePrice"].iter().all(|name| one.text(name) == other.text(name));
        let quantity = |row: &Values<'_>| row.number("Quantity").ok().flatten();
        agree && quantity(one).zip(quantity(other)).is_some_and(|(one, other)| one == -other)
    };
    let mut undone = HashSet::new();
    for (index, cancel) in rows.iter().enumerate().filter(|(_, row)| cancels(row)) {
        undone.insert(index);
        let mut others =
            rows.iter().enumerate().filter(|(other, row)| !undone.contains(other) && !cancels(row));
        let cancelled = others.find(|(_, row)| same(cancel, row)).map(|(other, _)| other);
        undone.extend(cancelled);
    }
    undone
}

fn flex_row(row: &Values<'_>) -> Result<Said> {
    if row.some("LevelOfDetail").is_some_and(|level| level != "EXECUTION") {
        return skipped(SkippedAs::Repeated, "trades told again");
    }
    let names = Names {
        side: "Buy/Sell",
        quantity: "Quantity",
        price: "TradePrice",
        symbol: "Symbol",
        currency: "CurrencyPrimary",
        category: "AssetClass",
        commission: "IBCommission",
        commission_currency: "IBCommissionCurrency",
        multiplier: "Multiplier",
        effect: "Open/CloseIndicator",
        order: "IBOrderID",
        ids: ["IBExecID", "TransactionID", "TradeID"],
    };
    let time = if row.some("DateTime").is_some() { "DateTime" } else { "TradeDate" };
    let mut fill = names.fill(row, row.time(time, TIMES, Zone::Account)?)?;
    fill.broker_account = row.some("ClientAccountID");
    let taxes = row.number("Taxes")?.map(|taxes| -taxes).filter(|taxes| !taxes.is_zero());
    (fill.pnl_currency, fill.taxes) = (taxes.and(fill.quote.clone()), taxes);
    fill.said()
}

/// The history of transactions: sections in one table, each with a header of its own. Amounts are in the base currency.
#[derive(Debug)]
pub(super) struct TransactionHistory;

static TRANSACTION_HISTORY: About = About {
    name: "ib_transaction_history",
    broker: BROKER,
    title: "Interactive Brokers, history of transactions",
    header: &[
        "Transaction History",
        "Header",
        "Date",
        "Account",
        "Transaction Type",
        "Symbol",
        "Quantity",
        "Price",
        "Commission",
    ],
};

impl Layout for TransactionHistory {
    fn about(&self) -> &About {
        &TRANSACTION_HISTORY
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.find_header(TRANSACTION_HISTORY.header).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header)) = file.find_header(TRANSACTION_HISTORY.header) else {
            return Vec::new();
        };
        let records = file.records(delimiter);
        let is = |record: &super::file::Record, place: usize, text: &str| {
            record.cells.get(place).is_some_and(|cell| cell.trim() == text)
        };
        let base = records.iter().find(|record| is(record, 0, "Summary") && is(record, 2, "Base Currency"));
        let base = base.and_then(|record| record.cells.get(3)).map(|cell| cell.trim().to_owned());
        let places = places(&records[header]);
        let rows = records[header..]
            .iter()
            .filter(|record| is(record, 0, "Transaction History") && is(record, 1, "Data"));
        let read = |record: &super::file::Record| {
            let row = Values::of_row(&places, &record.cells, Numbers::Point, terms);
            let said = transaction(&row, base.as_deref()).unwrap_or_else(Said::Broken);
            Row { place: record.line, text: record.text(), said }
        };
        in_order(rows.map(read).collect(), Order::NewestFirst)
    }
}

fn transaction(row: &Values<'_>, base: Option<&str>) -> Result<Said> {
    let kind = row.text("Transaction Type").into_owned();
    match kind.as_str() {
        "Buy" | "Sell" => {}
        "Dividend" | "Payment in Lieu" | "Credit Interest" => return skipped(SkippedAs::Income, kind),
        "Deposit" | "Withdrawal" => return skipped(SkippedAs::Cash, kind),
        kind if kind.contains("Forex") => return skipped(SkippedAs::Conversion, kind),
        "Assignment" | "Exercise" | "Expiration" => return skipped(SkippedAs::CorporateAction, kind),
        kind if kind.contains("Adjustment") => return skipped(SkippedAs::State, kind),
        _ => return skipped(SkippedAs::Charge, kind),
    }
    let at = row.time("Date", &["%Y-%m-%d"], Zone::Account)?;
    let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Price")?);
    let fill = row.fill(
        row.need("Symbol")?,
        row.side("Transaction Type")?,
        ("Quantity", quantity),
        ("Price", price),
        at,
    )?;
    let base = base.map(str::to_owned).or_else(|| row.terms.currency.clone());
    let currency = row.some("Price Currency").or_else(|| base.clone()).unwrap_or_default();
    let is_option = is_option(&fill.symbol);
    let mut fill =
        fill.in_currency(currency).on(if is_option { MarketKind::Option } else { MarketKind::Equity });
    let usual = if is_option { Decimal::ONE_HUNDRED } else { Decimal::ONE };
    fill.multiplier = row.number("Multiplier")?.filter(|multiplier| !multiplier.is_zero()).unwrap_or(usual);
    fill.broker_account = row.some("Account");
    // What it cost is in the base currency.
    fill.fee(-row.number_or_zero("Commission")?, base).said()
}

/// `AAPL  250620C00200000`: what it is of, a day, a side, and a price in thousandths.
fn is_option(symbol: &str) -> bool {
    let Some((_, contract)) = symbol.split_once(' ') else { return false };
    let contract = contract.trim_start();
    let is_digit = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    contract.len() == 15
        && contract.is_ascii()
        && is_digit(&contract[..6])
        && matches!(&contract[6..7], "C" | "P")
        && is_digit(&contract[7..])
}
