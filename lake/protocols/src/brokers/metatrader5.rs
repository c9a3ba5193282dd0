//! MetaTrader 5: the report of an account's history, or of the strategy tester, as a page, a workbook, or a table, in sections.
//!
//! Deals are the fills, and a report may lack some of them: it is of a period, and a position may have begun before. A position
//! both ends of which are among the deals is told by them; of any other its row is read, as what opened it and what closed it.
//! Orders are never trades, though some of their rows look so.
//!
//! Reports are in the terminal's language, and only `buy`, `in` and the like are not: a section is known by the shape of its
//! header and of its rows. Some builds have a fee beside the commission; times are the server's, without a zone.

mod repeated;

use cauce_model::{AccountTerms, Effect, Fee, Fill, MarketKind, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    html,
    number::{Numbers, number},
    record::{Result, Told, Values, side_of},
    round_trip::{End, RoundTrip, lot, market_of, only_ids_of_one},
    table::{Order, in_order, skipped},
    time::Zone,
};
use crate::document::Node;
use repeated::Repeated;

const TIMES: &[&str] = &["%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M"];
const DIRECTIONS: [&str; 4] = ["in", "out", "in/out", "out by"];
/// Columns that a header of a section has at least.
const NARROWEST: usize = 9;
/// Cells that a row has something in: what was paid in has no symbol, volume and price.
const EMPTIEST: usize = 6;
static NOTHING: Node = Node::Null;

/// The report.
#[derive(Debug)]
pub(super) struct History;

static HISTORY: About = About {
    name: "mt5_history",
    broker: "metatrader5",
    title: "MetaTrader 5, report of an account's history or of the strategy tester",
    header: &["Time", "Position", "Symbol", "Type", "Volume", "Price", "Commission", "Swap", "Profit"],
};

/// Where it stands, which may be where others stand, too, and its cells.
#[derive(Debug)]
struct Line {
    place: u32,
    cells: Vec<String>,
}

impl Line {
    /// What tells it apart from all others of the report.
    fn id(&self) -> *const Self {
        std::ptr::from_ref(self)
    }
}

/// The report's lines, whichever form it has, and how numbers are written in it.
fn lines(file: &File<'_>) -> Option<(Numbers, Vec<Line>)> {
    if file.text().trim_start().starts_with('<') {
        let line = |(place, cells): html::HtmlRow| Line {
            place,
            cells: cells.into_iter().map(|cell| cell.text).collect(),
        };
        return Some((Numbers::Point, html::rows(file.text()).into_iter().map(line).collect()));
    }
    let is_row = |record: &super::file::Record| {
        let filled = record.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        filled >= EMPTIEST && record.cells.get(0).is_some_and(is_time)
    };
    // A section may stand far below.
    let (delimiter, _) = file.find_row(is_row)?;
    let numbers = if delimiter == b';' { Numbers::Either } else { Numbers::Point };
    let records = file.records(delimiter).iter();
    let line = |record: &super::file::Record| Line {
        place: record.line,
        cells: record.cells.iter().map(|cell| cell.trim().to_owned()).collect(),
    };
    Some((numbers, records.map(line).collect()))
}

/// A section's rows, and where its columns are.
#[derive(Debug)]
enum Section<'l> {
    Positions(PositionPlaces, Vec<&'l Line>),
    Deals(DealPlaces, Vec<&'l Line>),
    /// Orders, and positions that are open: their opening is a deal.
    Others(Vec<&'l Line>),
}

/// Time, position, symbol, type, volume, price, S/L, T/P, time, price, commission, swap, profit.
#[derive(Debug, Clone, Copy)]
struct PositionPlaces {
    opened: usize,
    closed: usize,
    commissions: (usize, usize),
    profit: usize,
}

/// Time, deal, symbol, type, direction, volume, price, order, commission, fee, swap, profit, balance, comment.
#[derive(Debug, Clone, Copy)]
struct DealPlaces {
    commission: usize,
    fee: Option<usize>,
}

/// Positions have the names of time and price twice, one beside the other.
fn positions(header: &[String]) -> Option<PositionPlaces> {
    let width = header.iter().rposition(|cell| !cell.is_empty())? + 1;
    let closed_at = (8..width).find(|place| header[*place] == header[0])?;
    let closed = closed_at + 1;
    let opened = header.iter().position(|cell| Some(cell) == header.get(closed))?;
    // Two at least between: what it cost, and what it brought.
    ((5..=6).contains(&opened) && closed + 3 < width).then_some(PositionPlaces {
        opened,
        closed,
        commissions: (closed + 1, width - 2),
        profit: width - 1,
    })
}

fn deals(header: &[String], rows: &[&Line]) -> Option<DealPlaces> {
    let has_direction =
        |line: &&Line| DIRECTIONS.contains(&at(&line.cells, 4)) && side_of(at(&line.cells, 3)).is_some();
    let width = header.iter().rposition(|cell| !cell.is_empty())? + 1;
    // A report may have nothing but what was paid in: of no symbol, and of a kind.
    let is_cash = |line: &&Line| {
        at(&line.cells, 2).is_empty() && at(&line.cells, 3).starts_with(|c: char| c.is_ascii_lowercase())
    };
    let is_of_cash = (13..=15).contains(&width) && !rows.is_empty() && rows.iter().all(is_cash);
    if !rows.iter().any(has_direction) && !is_of_cash {
        return None;
    }
    let commission = header.iter().position(|cell| cell == "Commission").unwrap_or(8);
    // Swap, profit, balance, comment.
    let fee = (width > commission + 5).then_some(commission + 1);
    Some(DealPlaces { commission, fee })
}

/// The tables of a report: each a header and rows that begin with a time.
fn sections(lines: &[Line]) -> Vec<Section<'_>> {
    let mut tables: Vec<(&Line, Vec<&Line>)> = Vec::new();
    for line in lines {
        let filled = line.cells.iter().filter(|cell| !cell.is_empty()).count();
        let first = at(&line.cells, 0);
        if is_time(first) {
            if let Some((_, rows)) = tables.last_mut() {
                rows.push(line);
            }
        } else if filled >= NARROWEST && !first.is_empty() {
            tables.push((line, Vec::new()));
        }
    }
    tables.into_iter().map(|(header, rows)| section(header, rows)).collect()
}

fn section<'l>(header: &Line, rows: Vec<&'l Line>) -> Section<'l> {
    match (positions(&header.cells), deals(&header.cells, &rows)) {
        (Some(places), _) => Section::Positions(places, rows),
        (None, Some(places)) => Section::Deals(places, rows),
        (None, None) => Section::Others(rows),
    }
}

/// `123 (USD, Broker, demo, Hedge)`, before the first table.
fn currency(lines: &[Line]) -> Option<String> {
    let head = lines.iter().take_while(|line| !is_time(at(&line.cells, 0)));
    let in_brackets = |cell: &String| {
        let (number, rest) = cell.split_once(" (")?;
        let code = rest.split(',').next()?.trim();
        let is_account = number.trim().chars().all(|c| c.is_ascii_digit()) && rest.contains(',');
        (is_account && code.len() == 3 && code.chars().all(|c| c.is_ascii_uppercase()))
            .then(|| code.to_owned())
    };
    head.clone().flat_map(|line| &line.cells).find_map(in_brackets).or_else(|| {
        // The tester says it by itself.
        head.map(|line| &line.cells).find_map(|cells| {
            let name = cells.iter().position(|cell| cell == "Currency:")?;
            cells[name + 1..].iter().find(|cell| !cell.is_empty()).cloned()
        })
    })
}

impl Layout for History {
    fn about(&self) -> &About {
        &HISTORY
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        lines(file).is_some_and(|(_, lines)| {
            sections(&lines).iter().any(|section| match section {
                Section::Positions(_, rows) => !rows.is_empty(),
                Section::Deals(..) => true,
                Section::Others(_) => false,
            })
        })
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((numbers, lines)) = lines(file) else { return Vec::new() };
        let currency = currency(&lines).or_else(|| terms.currency.clone());
        let sections = sections(&lines);
        let report = Report { values: Values::of_tree(&NOTHING, terms), numbers, currency };
        let repeated = Repeated::among(&sections, numbers);
        let mut rows = Vec::new();
        for section in &sections {
            let read = |line: &&Line| -> Row {
                let Line { place, cells } = *line;
                let said = match section {
                    Section::Positions(..) if repeated.positions.contains(&line.id()) => {
                        skipped(SkippedAs::Repeated, "a position whose deals are below")
                    }
                    Section::Positions(places, _) => report.position(cells, *places),
                    Section::Deals(..) if repeated.deals.contains(&line.id()) => {
                        skipped(SkippedAs::Repeated, "a deal of a position above")
                    }
                    Section::Deals(places, _) => report.deal(cells, *places),
                    Section::Others(_) => {
                        skipped(SkippedAs::Order, format!("order {}", at(cells, 9)).trim().to_owned())
                    }
                };
                Row { place: *place, text: cells.join(" | "), said: said.unwrap_or_else(Said::Broken) }
            };
            let (Section::Positions(_, lines) | Section::Deals(_, lines) | Section::Others(lines)) = section;
            rows.extend(lines.iter().map(read));
        }
        only_ids_of_one(&mut rows);
        in_order(rows, Order::OldestFirst)
    }
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10 && bytes[4] == b'.' && bytes[7] == b'.' && bytes[..4].iter().all(u8::is_ascii_digit)
}

fn at(cells: &[String], place: usize) -> &str {
    cells.get(place).map(String::as_str).unwrap_or_default()
}

fn side(cells: &[String]) -> Result<Side> {
    let text = at(cells, 3);
    side_of(text).ok_or_else(|| Broken::new(Rule::UnknownSide, "Type", text, "is neither buy nor sell"))
}

/// What all rows of a report share.
struct Report<'t> {
    values: Values<'t>,
    numbers: Numbers,
    currency: Option<String>,
}

impl Report<'_> {
    fn figure(&self, cells: &[String], place: usize, name: &str) -> Result<Option<Decimal>> {
        let text = at(cells, place);
        number(text, self.numbers).map_err(|why| Broken::new(Rule::InvalidNumber, name, text, why))
    }

    fn need(&self, cells: &[String], place: usize, name: &str) -> Result<Decimal> {
        self.figure(cells, place, name)?
            .ok_or_else(|| Broken::new(Rule::MissingField, name, at(cells, place), "is missing"))
    }

    fn end(&self, cells: &[String], time: usize, price: usize) -> Result<End> {
        let at = self.values.time_of("Time", at(cells, time), TIMES, Zone::Account)?;
        Ok(End { at, price: self.need(cells, price, "Price")? })
    }

    fn position(&self, cells: &[String], places: PositionPlaces) -> Result<Said> {
        let (first, last) = places.commissions;
        let commissions = (first..last).map(|place| self.figure(cells, place, "Commission"));
        let commissions = commissions.collect::<Result<Vec<_>>>()?;
        let trip = RoundTrip {
            id: at(cells, 1).to_owned(),
            symbol: at(cells, 2).to_owned(),
            side: side(cells)?,
            size: self.need(cells, places.opened - 1, "Volume")?,
            opened: self.end(cells, 0, places.opened)?,
            closed: Some(self.end(cells, places.closed - 1, places.closed)?),
            commission: -commissions.into_iter().flatten().fold(Decimal::ZERO, Decimal::saturating_add),
            taxes: None,
            swap: self.figure(cells, last, "Swap")?,
            profit: self.figure(cells, places.profit, "Profit")?,
            currency: self.currency.as_deref(),
        };
        trip.said(&self.values, ["Volume", "Price", "Commission"])
    }

    fn deal(&self, cells: &[String], places: DealPlaces) -> Result<Said> {
        let kind = at(cells, 3);
        if at(cells, 4).is_empty() {
            // No position is changed by it: a deposit, a credit, a bonus, interest, a tax, a fee of the day.
            let skip = match kind {
                "dividend" | "interest" | "franked dividend" => SkippedAs::Income,
                "charge" | "commission" | "tax" => SkippedAs::Charge,
                kind if kind.ends_with("commission") => SkippedAs::Charge,
                _ if side_of(kind).is_none() => SkippedAs::Cash,
                _ => {
                    return Err(Broken::new(
                        Rule::MissingField,
                        "Direction",
                        "",
                        "is missing: neither in nor out",
                    ));
                }
            };
            return skipped(skip, kind);
        }
        if kind.ends_with("canceled") {
            return skipped(SkippedAs::Cancelled, kind);
        }
        let effect = match at(cells, 4) {
            "in" => Effect::Open,
            "out" | "out by" => Effect::Close,
            // A reversal closes and opens at once.
            _ => Effect::Unknown,
        };
        let symbol = at(cells, 2);
        let end = self.end(cells, 0, 6)?;
        let (market, base, quote) = market_of(symbol);
        let (volume, price) = (("Volume", self.need(cells, 5, "Volume")?), ("Price", end.price));
        let fill = self.values.fill(symbol, side(cells)?, volume, price, end.at)?;
        let quote = quote.or_else(|| self.currency.clone());
        let fill =
            fill.of(base, quote).on(if market == MarketKind::Forex { market } else { MarketKind::Cfd });
        let DealPlaces { commission, fee } = places;
        let swap = fee.unwrap_or(commission) + 1;
        let mut cost = self.figure(cells, commission, "Commission")?.unwrap_or_default();
        if let Some(fee) = fee {
            cost = cost.saturating_add(self.figure(cells, fee, "Fee")?.unwrap_or_default());
        }
        let profit = if effect == Effect::Open { None } else { self.figure(cells, swap + 1, "Profit")? };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Fill {
            effect,
            multiplier: lot(symbol, market, self.values.terms),
            external_id: some(at(cells, 1)),
            order_id: some(at(cells, 7)),
            fees: self.costs(cost, at(cells, commission))?,
            swap: self.figure(cells, swap, "Swap")?.filter(|swap| !swap.is_zero()),
            reported_pnl: profit,
            pnl_currency: self.currency.clone(),
            ..fill
        }
        .said()
    }

    /// A cost that is printed as less than zero.
    fn costs(&self, cost: Decimal, text: &str) -> Result<Vec<Fee>> {
        match (cost.is_zero(), &self.currency) {
            (true, _) => Ok(Vec::new()),
            (false, Some(currency)) => Ok(vec![Fee { asset: currency.clone(), amount: -cost }]),
            (false, None) => {
                let why = "is in a currency that the report does not say; set currency of the account";
                Err(Broken::new(Rule::InvalidCurrency, "Commission", text, why))
            }
        }
    }
}
