//! MetaTrader 4: the account's statement and the strategy tester's report, as pages.
//!
//! A row of a statement is a position: what opened it and what closed it. Magic number and comment stand in the title of the
//! ticket's cell. Times are the broker's, without a zone; sizes are lots, and what a lot is the account has to say where it is
//! not the 100,000 units of a pair of currencies. Commission, taxes, swap and profit are in the account's currency, as printed.

use cauce_model::{AccountTerms, Effect, Fee, Fill, MarketKind, PositionSide, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    html::{self, Cell},
    number::{Numbers, number},
    record::{Result, Told, Values, side_of},
    table::{Order, in_order, skipped},
    time::Zone,
};
use crate::document::Node;

const BROKER: &str = "metatrader4";
const TIMES: &[&str] = &["%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M"];
static NOTHING: Node = Node::Null;

/// The statement of an account.
#[derive(Debug)]
pub(super) struct Statement;

static STATEMENT: About = About {
    name: "mt4_statement",
    broker: BROKER,
    title: "MetaTrader 4, statement of an account",
    header: &[
        "Ticket",
        "Open Time",
        "Type",
        "Size",
        "Item",
        "Price",
        "S / L",
        "T / P",
        "Close Time",
        "Commission",
        "Taxes",
        "Swap",
        "Profit",
    ],
};

fn has_header(file: &File<'_>, header: &[&str]) -> bool {
    let text = file.text();
    text.trim_start().starts_with('<')
        && html::rows(text)
            .iter()
            .any(|(_, cells)| header.iter().all(|name| cells.iter().any(|cell| cell.text == *name)))
}

impl Layout for Statement {
    fn about(&self) -> &About {
        &STATEMENT
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        has_header(file, STATEMENT.header)
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let rows = html::rows(file.text());
        let currency =
            rows.iter().flat_map(|(_, cells)| cells).find_map(|cell| cell.text.strip_prefix("Currency: "));
        let currency = currency.map(|text| text.trim().to_owned()).or_else(|| terms.currency.clone());
        let numbers = Values::of_tree(&NOTHING, terms);
        let is_row = |cells: &[Cell]| {
            cells
                .first()
                .is_some_and(|cell| !cell.text.is_empty() && cell.text.chars().all(|c| c.is_ascii_digit()))
        };
        let read = |(line, cells): &(u32, Vec<Cell>)| {
            let text = cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(" | ");
            let said = position(&numbers, cells, currency.as_deref()).unwrap_or_else(Said::Broken);
            Row { place: *line, text, said }
        };
        in_order(rows.iter().filter(|(_, cells)| is_row(cells)).map(read).collect(), Order::OldestFirst)
    }
}

fn at(cells: &[Cell], place: usize) -> &str {
    cells.get(place).map(|cell| cell.text.as_str()).unwrap_or_default()
}

/// A number of a cell that has one.
fn figure(cells: &[Cell], place: usize, name: &str) -> Result<Decimal> {
    let text = at(cells, place);
    match number(text, Numbers::Point) {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err(Broken::new(Rule::MissingField, name, text, "is missing")),
        Err(why) => Err(Broken::new(Rule::InvalidNumber, name, text, why)),
    }
}

/// Pairs of currencies are six letters; all else is a contract for difference.
pub(super) fn market_of(symbol: &str) -> (MarketKind, Option<String>, Option<String>) {
    const METALS: [&str; 4] = ["XAU", "XAG", "XPT", "XPD"];
    let plain: String =
        symbol.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_uppercase();
    if plain.len() < 6 {
        return (MarketKind::Cfd, None, None);
    }
    let (base, quote) = (&plain[..3], &plain[3..6]);
    let is_money = |code: &str| code.parse::<cauce_model::Currency>().is_ok();
    let pair = (Some(base.to_owned()), Some(quote.to_owned()));
    match (is_money(base) && !METALS.contains(&base), is_money(quote)) {
        (true, true) => (MarketKind::Forex, pair.0, pair.1),
        (_, true) if METALS.contains(&base) => (MarketKind::Cfd, pair.0, pair.1),
        _ => (MarketKind::Cfd, None, None),
    }
}

pub(super) fn lot(symbol: &str, market: MarketKind, terms: &AccountTerms) -> Decimal {
    let given = terms.contract_sizes.iter().find(|(name, _)| name.eq_ignore_ascii_case(symbol));
    let usual = if market == MarketKind::Forex { Decimal::from(100_000) } else { Decimal::ONE };
    given.map_or(usual, |(_, size)| *size)
}

fn position(row: &Values<'_>, cells: &[Cell], currency: Option<&str>) -> Result<Said> {
    let kind = at(cells, 2).to_lowercase();
    let side = match kind.as_str() {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        "balance" | "credit" => {
            return skipped(SkippedAs::Cash, format!("{kind} {}", at(cells, cells.len() - 1)));
        }
        kind if kind.ends_with("limit") || kind.ends_with("stop") => {
            return skipped(SkippedAs::Cancelled, kind);
        }
        _ => {
            return Err(Broken::new(
                Rule::UnknownSide,
                "Type",
                at(cells, 2),
                "is none of buy, sell, balance, credit, or an order",
            ));
        }
    };
    if cells.len() < 14 {
        return Err(Broken::new(Rule::UnknownShape, "Ticket", at(cells, 0), "has fewer than 14 columns"));
    }
    let ticket = at(cells, 0).to_owned();
    let size = figure(cells, 3, "Size")?;
    let symbol = at(cells, 4).to_owned();
    let (market, base, quote) = market_of(&symbol);
    let multiplier = lot(&symbol, market, row.terms);
    let quote = quote.or_else(|| currency.map(str::to_owned));
    let position_side = Some(if side == Side::Buy { PositionSide::Long } else { PositionSide::Short });
    let one = |side: Side, effect: Effect, time: usize, price: usize, name: &str| -> Result<Fill> {
        let moment = row.time_of(name, at(cells, time), TIMES, Zone::Account)?;
        let price = ("Price", figure(cells, price, "Price")?);
        let fill = row.fill(symbol.as_str(), side, ("Size", size), price, moment)?;
        let fill =
            fill.of(base.clone(), quote.clone()).on(market).ids(Some(format!("{ticket}/{effect}")), None);
        let pnl_currency = currency.map(str::to_owned);
        Ok(Fill {
            effect,
            multiplier,
            position_side,
            pnl_currency,
            position_id: Some(ticket.clone()),
            ..fill
        })
    };
    let opened = one(side, Effect::Open, 1, 5, "Open Time")?;
    if at(cells, 8).is_empty() {
        return opened.said();
    }
    let closed = one(side.opposite(), Effect::Close, 8, 9, "Close Time")?;
    let [commission, taxes, swap, profit] = [(10, "Commission"), (11, "Taxes"), (12, "Swap"), (13, "Profit")]
        .map(|(place, name)| figure(cells, place, name));
    let commission = -commission?;
    let fees = match (commission.is_zero(), currency) {
        (false, Some(currency)) => vec![Fee { asset: currency.to_owned(), amount: commission }],
        (false, None) => {
            return Err(Broken::new(
                Rule::InvalidCurrency,
                "Commission",
                at(cells, 10),
                "is in a currency that the \
            statement does not say; set currency of the account",
            ));
        }
        (true, _) => Vec::new(),
    };
    let closed =
        Fill { fees, taxes: Some(-taxes?), swap: Some(swap?), reported_pnl: Some(profit?), ..closed };
    Ok(Said::Fills(vec![opened, closed]))
}

/// The report of the strategy tester: nobody traded it, and it is read as if somebody had.
#[derive(Debug)]
pub(super) struct StrategyTester;

static TESTER: About = About {
    name: "mt4_strategy_tester",
    broker: BROKER,
    title: "MetaTrader 4, report of the strategy tester",
    header: &["#", "Time", "Type", "Order", "Size", "Price", "S / L", "T / P", "Profit", "Balance"],
};

impl Layout for StrategyTester {
    fn about(&self) -> &About {
        &TESTER
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        has_header(file, TESTER.header)
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let rows = html::rows(file.text());
        let symbol = rows.iter().find_map(|(_, cells)| {
            let label = cells.iter().position(|cell| cell.text == "Symbol")?;
            let value = cells.get(label + 1)?.text.split(" (").next()?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        });
        let symbol = symbol.or_else(|| terms.symbol.clone()).unwrap_or_default();
        let row = Values::of_tree(&NOTHING, terms);
        let mut sides = std::collections::HashMap::new();
        let mut read = Vec::new();
        for (line, cells) in &rows {
            let is_row = cells.len() >= 9
                && at(cells, 0).parse::<u32>().is_ok()
                && at(cells, 3).parse::<u32>().is_ok();
            if !is_row {
                continue;
            }
            let text = cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(" | ");
            let said = tested(&row, cells, &symbol, &mut sides).unwrap_or_else(Said::Broken);
            read.push(Row { place: *line, text, said });
        }
        in_order(read, Order::OldestFirst)
    }
}

fn tested(
    row: &Values<'_>,
    cells: &[Cell],
    symbol: &str,
    sides: &mut std::collections::HashMap<String, Side>,
) -> Result<Said> {
    let (kind, order) = (at(cells, 2), at(cells, 3).to_owned());
    let (side, effect) = match kind {
        "buy" | "sell" => {
            let side = side_of(kind).unwrap_or(Side::Buy);
            sides.insert(order.clone(), side);
            (side, Effect::Open)
        }
        "t/p" | "s/l" | "close" | "close at stop" => {
            let opened = sides.get(&order).copied();
            let opened = opened.ok_or_else(|| {
                Broken::new(Rule::UnknownSide, "Order", &order, "was not opened in this report")
            })?;
            (opened.opposite(), Effect::Close)
        }
        "modify" => return skipped(SkippedAs::Order, "modify"),
        kind if kind.starts_with("delete") || kind.contains("limit") || kind.contains("stop") => {
            return skipped(SkippedAs::Order, kind);
        }
        _ => return Err(Broken::new(Rule::UnknownSide, "Type", kind, "is no type that the tester has")),
    };
    let moment = row.time_of("Time", at(cells, 1), TIMES, Zone::Account)?;
    let (size, price) = (("Size", figure(cells, 4, "Size")?), ("Price", figure(cells, 5, "Price")?));
    let (market, base, quote) = market_of(symbol);
    let fill = row.fill(symbol, side, size, price, moment)?.of(base, quote).on(market);
    let fill = fill.ids(Some(format!("{order}/{effect}")), Some(order.clone()));
    let reported_pnl = if effect == Effect::Close { Some(figure(cells, 8, "Profit")?) } else { None };
    let multiplier = lot(symbol, market, row.terms);
    let pnl_currency = row.terms.currency.clone();
    Fill { effect, multiplier, reported_pnl, pnl_currency, position_id: Some(order), ..fill }.said()
}
