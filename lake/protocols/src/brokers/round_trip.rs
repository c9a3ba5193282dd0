//! A position as one row: what opened it and what closed it. So the statements of MetaTrader say it, and what others make of
//! them.
//!
//! Times are the broker's, mostly without a zone; sizes are lots, and what a lot is the account has to say where it is not the
//! 100,000 units of a pair of currencies. Commission, taxes, swap and profit are in the account's currency.

use std::collections::HashMap;

use cauce_model::{AccountTerms, Effect, Fee, Fill, MarketKind, PositionSide, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Broken, Layout, Row, Said,
    file::{File, Record, name},
    number::Numbers,
    record::{Result, Told, Values, side_of},
    table::{Order, in_order, skipped},
    time::{Moment, Zone},
};

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

/// Units of one lot.
pub(super) fn lot(symbol: &str, market: MarketKind, terms: &AccountTerms) -> Decimal {
    let given = terms.contract_sizes.iter().find(|(name, _)| name.eq_ignore_ascii_case(symbol));
    let usual = if market == MarketKind::Forex { Decimal::from(100_000) } else { Decimal::ONE };
    given.map_or(usual, |(_, size)| *size)
}

/// One end of a position.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) at: Moment,
    pub(super) price: Decimal,
}

/// A position.
#[derive(Debug, Clone)]
pub(super) struct RoundTrip<'t> {
    /// The broker's id of it.
    pub(super) id: String,
    pub(super) symbol: String,
    /// Of what opened it.
    pub(super) side: Side,
    /// In lots.
    pub(super) size: Decimal,
    pub(super) opened: End,
    /// None while it is open.
    pub(super) closed: Option<End>,
    /// What it cost: more than zero is paid. None where it is not known in what.
    pub(super) commission: Decimal,
    pub(super) taxes: Option<Decimal>,
    pub(super) swap: Option<Decimal>,
    /// Without commission, taxes and swap.
    pub(super) profit: Option<Decimal>,
    /// The account's currency.
    pub(super) currency: Option<&'t str>,
}

impl RoundTrip<'_> {
    /// Its two fills, or the one of what is still open. `columns` are the names of size, price and commission.
    pub(super) fn said(self, row: &Values<'_>, columns: [&str; 3]) -> Result<Said> {
        let [size, price, commission] = columns;
        let (market, base, quote) = market_of(&self.symbol);
        let multiplier = lot(&self.symbol, market, row.terms);
        let quote = quote.or_else(|| self.currency.map(str::to_owned));
        let position_side =
            Some(if self.side == Side::Buy { PositionSide::Long } else { PositionSide::Short });
        let one = |side: Side, effect: Effect, end: End| -> Result<Fill> {
            let fill = row.fill(self.symbol.as_str(), side, (size, self.size), (price, end.price), end.at)?;
            let fill = fill.of(base.clone(), quote.clone()).on(market);
            let id = (!self.id.is_empty()).then(|| self.id.clone());
            Ok(Fill {
                effect,
                multiplier,
                position_side,
                external_id: id.as_ref().map(|id| format!("{id}/{effect}")),
                position_id: id,
                pnl_currency: self.currency.map(str::to_owned),
                ..fill
            })
        };
        let opened = one(self.side, Effect::Open, self.opened)?;
        let Some(closed) = self.closed else { return opened.said() };
        let closed = one(self.side.opposite(), Effect::Close, closed)?;
        let fees = match (self.commission.is_zero(), self.currency) {
            (false, Some(currency)) => vec![Fee { asset: currency.to_owned(), amount: self.commission }],
            (false, None) => {
                let why = "is in a currency that the file does not say; set currency of the account";
                let paid = (-self.commission).to_string();
                return Err(Broken::new(Rule::InvalidCurrency, commission, &paid, why));
            }
            (true, _) => Vec::new(),
        };
        let closed = Fill { fees, taxes: self.taxes, swap: self.swap, reported_pnl: self.profit, ..closed };
        Ok(Said::Fills(vec![opened, closed]))
    }
}

/// Takes the ids away of which there are several in a file: a position that was closed in parts has a row for each under one
/// ticket, and what its ends are called tells them apart no more.
pub(super) fn only_ids_of_one(rows: &mut [Row]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let fills = |row: &Row| match &row.said {
        Said::Fills(fills) => fills.iter().filter_map(|fill| fill.external_id.clone()).collect(),
        _ => Vec::new(),
    };
    for id in rows.iter().flat_map(fills) {
        *seen.entry(id).or_default() += 1;
    }
    for row in rows {
        if let Said::Fills(fills) = &mut row.said {
            for fill in fills {
                fill.external_id = fill.external_id.take().filter(|id| seen.get(id) == Some(&1));
            }
        }
    }
}

/// What the profit of a row has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profit {
    /// The difference of the prices only.
    Gross,
    /// Less commission and with swap.
    Net,
}

/// Columns of a table of positions. Each by the names that it has here or there; of two columns with one name the second is
/// `Name 2`.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) id: &'static [&'static str],
    pub(super) opened: &'static [&'static str],
    /// Buy or sell; where there is no other column for it, also that it is no position.
    pub(super) kind: &'static [&'static str],
    /// Closed, open, an order, a deposit.
    pub(super) state: &'static [&'static str],
    pub(super) size: &'static [&'static str],
    pub(super) symbol: &'static [&'static str],
    pub(super) open_price: &'static [&'static str],
    pub(super) closed: &'static [&'static str],
    pub(super) close_price: &'static [&'static str],
    pub(super) commission: &'static [&'static str],
    pub(super) taxes: &'static [&'static str],
    pub(super) swap: &'static [&'static str],
    pub(super) profit: &'static [&'static str],
}

impl Columns {
    /// Those that a table of positions can't be without.
    fn needed(&self) -> [&'static [&'static str]; 8] {
        [
            self.opened,
            self.kind,
            self.size,
            self.symbol,
            self.open_price,
            self.closed,
            self.close_price,
            self.profit,
        ]
    }
}

/// A layout with a position a row.
#[derive(Debug)]
pub(super) struct Positions {
    pub(super) about: About,
    pub(super) columns: Columns,
    pub(super) times: &'static [&'static str],
    pub(super) zone: Zone,
    pub(super) order: Order,
    pub(super) profit: Profit,
}

/// Columns that a table of positions has at least, and at most.
const WIDTHS: std::ops::RangeInclusive<usize> = 10..=100;

/// Columns by name, those of a name that was there already with how many there were.
fn places(header: &Record) -> HashMap<String, usize> {
    let (mut places, mut counts): (HashMap<String, usize>, HashMap<&str, usize>) = Default::default();
    for (place, cell) in header.cells.iter().enumerate() {
        let (name, count) = (name(cell), counts.entry(name(cell)).or_default());
        *count += 1;
        places.insert(if *count == 1 { name.to_owned() } else { format!("{name} {count}") }, place);
    }
    places
}

impl Positions {
    fn header(&self, file: &File<'_>) -> Option<(u8, usize)> {
        file.find_record(|record| {
            if !WIDTHS.contains(&record.cells.len()) {
                return false;
            }
            let places = places(record);
            let has = |names: &[&str]| names.iter().any(|name| places.contains_key(*name));
            self.about.header.iter().all(|name| places.contains_key(*name))
                && self.columns.needed().iter().all(|names| has(names))
        })
    }

    fn row(&self, row: &Values<'_>) -> Result<Said> {
        let columns = &self.columns;
        let column = |names: &'static [&'static str]| {
            names.iter().copied().find(|name| row.has(name)).or(names.first().copied()).unwrap_or_default()
        };
        let kind = row.text(column(columns.kind)).to_lowercase();
        let kind = kind.trim();
        if columns.kind.iter().any(|name| name.eq_ignore_ascii_case(kind)) {
            return skipped(SkippedAs::State, "the header of a table");
        }
        let number = |names| row.number(column(names));
        let state = row.text(column(columns.state)).to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| kind.contains(word) || state.contains(word));
        let told = format!("{state} {kind}").trim().to_owned();
        let side = match side_of(kind) {
            _ if says(&["balance", "deposit", "withdraw", "credit", "transfer"]) => {
                let amount = number(columns.profit)?.unwrap_or_default();
                return skipped(SkippedAs::Cash, format!("{told} {amount}"));
            }
            _ if says(&["limit", "stop", "pending", "cancel"]) => return skipped(SkippedAs::Cancelled, told),
            Some(side) => side,
            None => {
                return Err(row.broken(Rule::UnknownSide, column(columns.kind), "is neither buy nor sell"));
            }
        };
        let end = |time: &'static [&'static str], price: &'static [&'static str]| -> Result<End> {
            let at = row.time(column(time), self.times, self.zone)?;
            Ok(End { at, price: row.need_number(column(price))? })
        };
        let closed = row.text(column(columns.closed));
        // Some write the beginning of time for what is still open.
        let is_open = closed.is_empty() || closed.starts_with("1970");
        let [commission, taxes, swap] = [columns.commission, columns.taxes, columns.swap]
            .map(number)
            .map(|found| found.map(Option::unwrap_or_default));
        let (commission, taxes, swap) = (commission?, taxes?, swap?);
        let profit = number(columns.profit)?.map(|profit| match self.profit {
            Profit::Gross => profit,
            Profit::Net => {
                [commission, swap, taxes].into_iter().fold(profit, |left, cost| left.saturating_sub(cost))
            }
        });
        let trip = RoundTrip {
            id: row.text(column(columns.id)).into_owned(),
            symbol: row.need(column(columns.symbol))?,
            side,
            size: row.need_number(column(columns.size))?,
            opened: end(columns.opened, columns.open_price)?,
            closed: if is_open { None } else { Some(end(columns.closed, columns.close_price)?) },
            commission: -commission,
            taxes: (!columns.taxes.is_empty()).then_some(-taxes),
            swap: Some(swap),
            profit,
            currency: row.terms.currency.as_deref(),
        };
        trip.said(row, [column(columns.size), column(columns.open_price), column(columns.commission)])
    }
}

impl Layout for Positions {
    fn about(&self) -> &About {
        &self.about
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        self.header(file).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header)) = self.header(file) else { return Vec::new() };
        let records = &file.records(delimiter)[header..];
        let Some((header, records)) = records.split_first() else { return Vec::new() };
        let places = places(header);
        // Where semicolons are between columns, commas may be in numbers.
        let numbers = if delimiter == b',' { Numbers::Point } else { Numbers::Either };
        let read = |record: &Record| {
            // Below the table may stand its sums, and other tables.
            let said = match record.cells.len() + 3 >= header.cells.len() {
                true => self.row(&Values::of_row(&places, &record.cells, numbers, terms)),
                false => skipped(SkippedAs::State, "no row of the table"),
            };
            Row { place: record.line, text: record.text(), said: said.unwrap_or_else(Said::Broken) }
        };
        let mut rows: Vec<Row> = records.iter().filter(|record| !record.is_blank()).map(read).collect();
        only_ids_of_one(&mut rows);
        in_order(rows, self.order)
    }
}
