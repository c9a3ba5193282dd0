//! MetaTrader 5: the report of an account's history, as a table or a page, in sections.
//!
//! Deals are the fills, and a report may lack some of them: where what its positions closed is not all among them, positions
//! are read instead, each as what opened it and what closed it. Orders are never trades, though some of their rows look so.

use cauce_model::{AccountTerms, Effect, Fee, Fill, MarketKind, PositionSide, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    html,
    metatrader4::{lot, market_of},
    number::{Numbers, number},
    record::{Result, Told, Values, side_of},
    table::{Order, in_order, skipped},
    time::Zone,
};
use crate::document::Node;

const TIMES: &[&str] = &["%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M"];
static NOTHING: Node = Node::Null;

/// The report.
#[derive(Debug)]
pub(super) struct History;

static HISTORY: About = About {
    name: "mt5_history",
    broker: "metatrader5",
    title: "MetaTrader 5, report of an account's history",
    header: &["Time", "Position", "Symbol", "Type", "Volume", "Price", "Commission", "Swap", "Profit"],
};

type Line = (u32, Vec<String>);

/// The report's lines, whichever form it has.
fn lines(file: &File<'_>) -> Vec<Line> {
    if file.text().trim_start().starts_with('<') {
        let rows = html::rows(file.text());
        return rows
            .into_iter()
            .map(|(line, cells)| (line, cells.into_iter().map(|cell| cell.text).collect()))
            .collect();
    }
    let delimiter = file.find_header(HISTORY.header).map_or(b',', |(delimiter, _)| delimiter);
    let records = file.records(delimiter).iter();
    records
        .map(|record| (record.line, record.cells.iter().map(|cell| cell.trim().to_owned()).collect()))
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Head,
    Positions,
    Orders,
    Deals,
    Results,
}

impl Layout for History {
    fn about(&self) -> &About {
        &HISTORY
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        let is_header =
            |cells: &[String]| HISTORY.header.iter().all(|name| cells.iter().any(|cell| cell == name));
        let looks_so = file.text().contains("Positions") && file.text().contains("Deals");
        looks_so && lines(file).iter().any(|(_, cells)| is_header(cells))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let lines = lines(file);
        let (mut section, mut currency) = (Section::Head, terms.currency.clone());
        let mut rows: Vec<(Section, &Line)> = Vec::new();
        for line in &lines {
            let first = line.1.first().map(String::as_str).unwrap_or_default();
            match first {
                "Positions" => section = Section::Positions,
                "Orders" => section = Section::Orders,
                "Deals" => section = Section::Deals,
                "Open Positions" | "Working Orders" => section = Section::Orders,
                "Results" | "Summary" => section = Section::Results,
                // `123 (USD, Broker, demo)`
                "Account:" => {
                    let about = line.1.iter().skip(1).find(|cell| !cell.is_empty());
                    let code =
                        about.and_then(|text| text.split('(').nth(1)).and_then(|text| text.split(',').next());
                    currency = code.map(|code| code.trim().to_owned()).or(currency);
                }
                time if section != Section::Head && section != Section::Results && is_time(time) => {
                    rows.push((section, line))
                }
                _ => {}
            }
        }
        let are_whole = deals_are_whole(&rows);
        let row = Values::of_tree(&NOTHING, terms);
        let read = |(section, (line, cells)): &(Section, &Line)| {
            let said = match section {
                Section::Positions if !are_whole => position(&row, cells, currency.as_deref()),
                Section::Positions => skipped(SkippedAs::Repeated, "a position whose deals are below"),
                Section::Deals if are_whole => deal(&row, cells, currency.as_deref()),
                Section::Deals => skipped(SkippedAs::Repeated, "a deal of a position above"),
                _ => skipped(
                    SkippedAs::Order,
                    format!("order {}", cells.get(9).map(String::as_str).unwrap_or_default()),
                ),
            };
            Row { place: *line, text: cells.join(" | "), said: said.unwrap_or_else(Said::Broken) }
        };
        in_order(rows.iter().map(read).collect(), Order::OldestFirst)
    }
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10 && bytes[4] == b'.' && bytes[7] == b'.' && bytes[..4].iter().all(u8::is_ascii_digit)
}

/// Whether every position has what opened and closed it among the deals.
fn deals_are_whole(rows: &[(Section, &Line)]) -> bool {
    let count = |wanted: Section, fits: &dyn Fn(&[String]) -> bool| {
        rows.iter().filter(|(section, (_, cells))| *section == wanted && fits(cells)).count()
    };
    let positions = count(Section::Positions, &|_| true);
    let of = |direction: &'static str| {
        move |cells: &[String]| cells.get(4).is_some_and(|found| found == direction || found == "in/out")
    };
    let (opened, closed) = (count(Section::Deals, &of("in")), count(Section::Deals, &of("out")));
    opened > 0 && opened >= positions && closed >= positions
}

fn at(cells: &[String], place: usize) -> &str {
    cells.get(place).map(String::as_str).unwrap_or_default()
}

fn figure(cells: &[String], place: usize, name: &str) -> Result<Option<Decimal>> {
    let text = at(cells, place);
    number(text, Numbers::Point).map_err(|why| Broken::new(Rule::InvalidNumber, name, text, why))
}

fn need(cells: &[String], place: usize, name: &str) -> Result<Decimal> {
    figure(cells, place, name)?
        .ok_or_else(|| Broken::new(Rule::MissingField, name, at(cells, place), "is missing"))
}

fn side(cells: &[String]) -> Result<Side> {
    let text = at(cells, 3);
    side_of(text).ok_or_else(|| Broken::new(Rule::UnknownSide, "Type", text, "is neither buy nor sell"))
}

/// A cost that is printed as less than zero.
fn costs(amount: Option<Decimal>, currency: Option<&str>) -> Vec<Fee> {
    let cost = amount.filter(|amount| !amount.is_zero()).zip(currency);
    cost.map(|(amount, currency)| Fee { asset: currency.to_owned(), amount: -amount }).into_iter().collect()
}

fn made(row: &Values<'_>, symbol: &str, side: Side, numbers: [Decimal; 2], time: &str) -> Result<Fill> {
    let moment = row.time_of("Time", time, TIMES, Zone::Account)?;
    let (market, base, quote) = market_of(symbol);
    let fill = row.fill(symbol, side, ("Volume", numbers[0]), ("Price", numbers[1]), moment)?;
    let multiplier = lot(symbol, market, row.terms);
    Ok(Fill {
        multiplier,
        ..fill.of(base, quote).on(if market == MarketKind::Forex { market } else { MarketKind::Cfd })
    })
}

/// Time, position, symbol, type, volume, price, S/L, T/P, time, price, commission, swap, profit.
fn position(row: &Values<'_>, cells: &[String], currency: Option<&str>) -> Result<Said> {
    let (side, id, symbol) = (side(cells)?, at(cells, 1).to_owned(), at(cells, 2));
    let volume = need(cells, 4, "Volume")?;
    let opened = made(row, symbol, side, [volume, need(cells, 5, "Price")?], at(cells, 0))?;
    let closed = made(row, symbol, side.opposite(), [volume, need(cells, 9, "Price")?], at(cells, 8))?;
    let position_side = Some(if side == Side::Buy { PositionSide::Long } else { PositionSide::Short });
    let of = |fill: Fill, effect: Effect| Fill {
        effect,
        position_side,
        position_id: Some(id.clone()),
        external_id: Some(format!("{id}/{effect}")),
        pnl_currency: currency.map(str::to_owned),
        ..fill
    };
    let closed = Fill {
        fees: costs(figure(cells, 10, "Commission")?, currency),
        swap: figure(cells, 11, "Swap")?,
        reported_pnl: figure(cells, 12, "Profit")?,
        ..of(closed, Effect::Close)
    };
    Ok(Said::Fills(vec![of(opened, Effect::Open), closed]))
}

/// Time, deal, symbol, type, direction, volume, price, order, commission, fee, swap, profit, balance, comment.
fn deal(row: &Values<'_>, cells: &[String], currency: Option<&str>) -> Result<Said> {
    let kind = at(cells, 3);
    if matches!(kind, "balance" | "credit" | "correction" | "bonus" | "charge" | "commission")
        || kind.is_empty()
    {
        return skipped(SkippedAs::Cash, kind);
    }
    let effect = match at(cells, 4) {
        "in" => Effect::Open,
        "out" | "out by" => Effect::Close,
        // A reversal closes and opens at once.
        _ => Effect::Unknown,
    };
    let numbers = [need(cells, 5, "Volume")?, need(cells, 6, "Price")?];
    let fill = made(row, at(cells, 2), side(cells)?, numbers, at(cells, 0))?;
    let commission =
        figure(cells, 8, "Commission")?.unwrap_or_default() + figure(cells, 9, "Fee")?.unwrap_or_default();
    let profit = if effect == Effect::Open { None } else { figure(cells, 11, "Profit")? };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Fill {
        effect,
        external_id: some(at(cells, 1)),
        order_id: some(at(cells, 7)),
        fees: costs(Some(commission), currency),
        swap: figure(cells, 10, "Swap")?.filter(|swap| !swap.is_zero()),
        reported_pnl: profit,
        pnl_currency: currency.map(str::to_owned),
        ..fill
    }
    .said()
}
