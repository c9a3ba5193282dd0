//! Interactive Brokers: Flex queries as XML and as a table, and the history of transactions.
//!
//! Attributes as in the Flex queries seen and in the documentation of activity statements. A `Trade` is a fill where its level
//! of detail is `EXECUTION`; orders and summaries tell the same again. A `TradeCancel` undoes the trade with its order, symbol
//! and price and the opposite quantity; neither of them is left. Times have no zone.

mod history;

use std::collections::{HashMap, HashSet};

use cauce_model::{AccountTerms, Effect, Fill, MarketKind, Rule, SkippedAs};
use rust_decimal::Decimal;

pub(super) use history::TransactionHistory;

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
            let told = trade
                .iter()
                .map(|node| (Values::of_tree(node, terms), node.is("@transactionType", "TradeCancel")));
            let undone = undone(told, ["@quantity", "@ibOrderID", "@symbol", "@tradePrice"]);
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
                    let is_told = has_fills || confirmed.iter().any(is_fill) || name != "Order";
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

/// Trades that were cancelled, and what cancels them: a trade of the same order, symbol and price with the opposite quantity.
fn undone<'v>(rows: impl Iterator<Item = (Values<'v>, bool)> + Clone, names: [&str; 4]) -> HashSet<usize> {
    let [quantity, same @ ..] = names;
    let key = |row: &Values<'v>| {
        let quantity = row.number(quantity).ok().flatten().unwrap_or_default();
        (same.map(|name| row.text(name).into_owned()), quantity)
    };
    let mut trades: HashMap<_, Vec<usize>> = HashMap::new();
    for (index, (row, _)) in rows.clone().enumerate().filter(|(_, (_, cancels))| !cancels) {
        trades.entry(key(&row)).or_default().push(index);
    }
    // The first of several first.
    trades.values_mut().for_each(|trades| trades.reverse());
    let mut undone = HashSet::new();
    for (index, (row, _)) in rows.enumerate().filter(|(_, (_, cancels))| *cancels) {
        let (same, quantity) = key(&row);
        undone.insert(index);
        undone.extend(trades.get_mut(&(same, -quantity)).and_then(Vec::pop));
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
        let cancels = |row: &Values<'_>| {
            row.text("Buy/Sell").contains("(Ca.)") || row.text("TransactionType") == "TradeCancel"
        };
        let told = rows.iter().map(|row| (*row, cancels(row)));
        let undone = undone(told, ["Quantity", "IBOrderID", "Symbol", "TradePrice"]);
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
