//! MetaTrader 4: the account's statement and the strategy tester's report, as pages; and the statement's table, as CSV.
//!
//! A row of a statement is a position: what opened it and what closed it. Magic number and comment stand in the title of the
//! ticket's cell. Times are the broker's, without a zone; sizes are lots, and what a lot is the account has to say where it is
//! not the 100,000 units of a pair of currencies. Commission, taxes, swap and profit are in the account's currency, as printed.

use cauce_model::{AccountTerms, Effect, Fill, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    html::{self, Cell},
    number::{Numbers, number},
    record::{Result, Told, Values, side_of},
    round_trip::{Columns, End, Positions, Profit, RoundTrip, lot, market_of},
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
    let end = |time: usize, price: usize, name: &str| -> Result<End> {
        let at = row.time_of(name, at(cells, time), TIMES, Zone::Account)?;
        Ok(End { at, price: figure(cells, price, "Price")? })
    };
    let is_open = at(cells, 8).is_empty();
    let cost =
        |place: usize, name: &str| if is_open { Ok(Decimal::ZERO) } else { figure(cells, place, name) };
    let trip = RoundTrip {
        id: at(cells, 0).to_owned(),
        symbol: at(cells, 4).to_owned(),
        side,
        size: figure(cells, 3, "Size")?,
        opened: end(1, 5, "Open Time")?,
        closed: if is_open { None } else { Some(end(8, 9, "Close Time")?) },
        commission: -cost(10, "Commission")?,
        taxes: Some(-cost(11, "Taxes")?),
        swap: Some(cost(12, "Swap")?),
        profit: Some(cost(13, "Profit")?),
        currency,
    };
    trip.said(row, ["Size", "Price", "Commission"])
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

/// The statement's table, as spreadsheets and scripts keep it: the terminal itself saves pages only.
pub(super) static TABLE: Positions = Positions {
    about: About {
        name: "mt4_table",
        broker: BROKER,
        title: "MetaTrader 4, table of a statement",
        header: &["Ticket", "Type", "Profit"],
    },
    columns: Columns {
        id: &["Ticket"],
        opened: &["Open Time", "OpenTime"],
        kind: &["Type"],
        state: &[],
        size: &["Size", "Lots", "Volume"],
        symbol: &["Item", "Symbol"],
        open_price: &["Open Price", "OpenPrice", "Price"],
        closed: &["Close Time", "CloseTime"],
        close_price: &["Close Price", "ClosePrice", "Price 2"],
        commission: &["Commission", "Commissions"],
        taxes: &["Taxes"],
        swap: &["Swap"],
        profit: &["Profit"],
    },
    times: &["%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"],
    zone: Zone::Account,
    order: Order::OldestFirst,
    profit: Profit::Gross,
};
