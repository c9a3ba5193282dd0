//! Trades into positions: what a fill closes is set against what was opened before it.
//!
//! Everything that is open of one instrument goes one way. A fill the same way adds to it, one the other way closes, and what
//! it has beyond that opens the other way, but not where nothing can be owed: of `spot`, and where the broker says that the
//! fill closes, it is `uncovered`: its opening is not in the account's history, and no profit is made up for it. An
//! instrument is a symbol in one kind of market, and where the broker names positions, one of them.

use std::collections::{BTreeMap, VecDeque};

use cauce_model::{Effect, Fill, MarketKind, PositionSide, Side};
use rust_decimal::Decimal;

use crate::{
    Direction, Method, Position, Rates, TooLarge, Trade,
    lots::{Lot, Lots},
    numbers::{Result, minus, over, plus, plus_known, share_of, times},
    trades::plain,
};

/// What is matched by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Instrument {
    broker_account: Option<String>,
    symbol: String,
    class: Class,
    position_side: Option<PositionSide>,
    position_id: Option<String>,
}

/// Kinds of markets whose holdings are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Owned,
    Futures,
    Contract,
    Option,
}

impl Instrument {
    fn of(fill: &Fill) -> Self {
        let class = match fill.market {
            MarketKind::Futures => Class::Futures,
            MarketKind::Forex | MarketKind::Cfd => Class::Contract,
            MarketKind::Option | MarketKind::Warrant => Class::Option,
            _ => Class::Owned,
        };
        Self {
            broker_account: fill.broker_account.clone(),
            symbol: plain(&fill.symbol),
            class,
            position_side: fill.position_side,
            position_id: fill.position_id.clone(),
        }
    }
}

/// Whether one can owe what one sold without having it.
fn may_be_short(market: MarketKind) -> bool {
    !matches!(market, MarketKind::Spot | MarketKind::Fund)
}

/// The open side of an instrument.
#[derive(Debug)]
struct Book {
    direction: Option<Direction>,
    lots: Lots,
}

/// What trades became.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matched {
    /// What was closed, in closing order.
    pub positions: Vec<Position>,
    /// What is still open: symbol, direction, quantity and what it cost.
    pub open: Vec<Open>,
    /// What was sold or closed whose opening is not in the history: symbol and quantity.
    pub uncovered: BTreeMap<String, Decimal>,
    /// Symbols whose amounts don't fit.
    pub too_large: Vec<String>,
}

/// What is open of an instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// What was traded.
    pub symbol: String,
    /// Which way.
    pub direction: Direction,
    /// How much.
    pub quantity: Decimal,
    /// What it cost, without fees.
    pub cost: Decimal,
}

/// Matches the trades of one account.
#[derive(Debug)]
pub struct Matcher<'r> {
    /// What fees in other assets are valued by.
    pub rates: &'r Rates,
}

impl Matcher<'_> {
    /// Matches trades, which are in their order, by a method.
    pub fn matched(&self, trades: &[Trade], method: Method) -> Matched {
        let mut instruments: BTreeMap<Instrument, Vec<(usize, &Fill)>> = BTreeMap::new();
        for (index, trade) in trades.iter().enumerate() {
            instruments.entry(Instrument::of(trade.fill())).or_default().push((index, trade.fill()));
        }
        let mut matched = Matched::default();
        for fills in instruments.into_values() {
            let Some((_, first)) = fills.first() else { continue };
            let symbol = first.symbol.clone();
            match self.instrument(&fills, method) {
                Ok(one) => {
                    matched.positions.extend(one.positions);
                    matched.open.extend(one.open);
                    for (symbol, quantity) in one.uncovered {
                        let known = matched.uncovered.entry(symbol).or_default();
                        *known = known.saturating_add(quantity);
                    }
                }
                Err(TooLarge) => matched.too_large.push(symbol),
            }
        }
        matched.positions.sort_by_key(|position| (position.closed_at, position.closing));
        matched
    }

    fn instrument(&self, fills: &[(usize, &Fill)], method: Method) -> Result<Matched> {
        let lots = match method {
            Method::Average => Lots::Average(None),
            Method::Fifo | Method::BrokerReported => Lots::Fifo(VecDeque::new()),
        };
        let mut book = Book { direction: None, lots };
        let mut matched = Matched::default();
        for (index, fill) in fills {
            self.apply(&mut book, (*index, fill), method, &mut matched)?;
        }
        let symbol = fills.first().map(|(_, fill)| fill.symbol.clone()).unwrap_or_default();
        if let Some(direction) = book.direction {
            let (mut quantity, mut cost) = (Decimal::ZERO, Decimal::ZERO);
            for lot in book.lots.iter() {
                quantity = plus(quantity, lot.quantity)?;
                cost = plus(cost, lot.cost)?;
            }
            if !quantity.is_zero() {
                matched.open.push(Open { symbol, direction, quantity, cost });
            }
        }
        Ok(matched)
    }

    fn apply(
        &self,
        book: &mut Book,
        (index, fill): (usize, &Fill),
        method: Method,
        matched: &mut Matched,
    ) -> Result<()> {
        let opens = Direction::opened_by(fill.side);
        let mut rest = self.lot(fill, method)?;
        let mut closed = None;
        if book.direction.is_some_and(|direction| direction != opens) {
            if let Some(opened) = book.lots.close(rest.quantity)? {
                let mut closing = rest.take(opened.quantity)?;
                // Nights and taxes are of what was held, not of what begins now.
                closing.swap = plus_known(closing.swap, rest.swap)?;
                closing.taxes = plus_known(closing.taxes, rest.taxes)?;
                (rest.swap, rest.taxes) = (Some(Decimal::ZERO), Some(Decimal::ZERO));
                closed = Some((opened, closing));
            }
            if book.lots.iter().next().is_none() {
                book.direction = None;
            }
        }
        let sells_only = fill.side == Side::Sell && !may_be_short(fill.market);
        let is_uncovered = !rest.quantity.is_zero() && (fill.effect == Effect::Close || sells_only);
        // What the broker reports is of all that is closed.
        let uncovered = if is_uncovered { rest.quantity } else { Decimal::ZERO };
        let of = plus(closed.map_or(Decimal::ZERO, |(opened, _)| opened.quantity), uncovered)?;
        if let Some((opened, closing)) = closed {
            matched.positions.extend(position(index, fill, Some(opened), closing, of, method)?);
        }
        if is_uncovered {
            let known = matched.uncovered.entry(fill.symbol.clone()).or_default();
            *known = plus(*known, rest.quantity)?;
            matched.positions.extend(position(index, fill, None, rest, of, method)?);
        } else if !rest.quantity.is_zero() {
            book.direction = Some(opens);
            book.lots.open(rest)?;
        }
        Ok(())
    }

    /// A fill with its costs in what profits are in.
    fn lot(&self, fill: &Fill, method: Method) -> Result<Lot> {
        let day = fill.executed_at.date_naive();
        let into = currency(fill, method);
        let mut fees = Some(Decimal::ZERO);
        for fee in &fill.fees {
            let value = match &into {
                Some(into) => self.fee(fill, fee.amount, &fee.asset, into)?,
                None => None,
            };
            fees = plus_known(fees, value.or(fee.amount.is_zero().then_some(Decimal::ZERO)))?;
        }
        let valued = |amount: Option<Decimal>| match (amount.unwrap_or_default(), &into, &fill.pnl_currency) {
            (amount, _, _) if amount.is_zero() => Some(Decimal::ZERO),
            (amount, Some(into), Some(of)) => self.rates.value(amount, of, into, day),
            // What they are in is not said: what prices are in.
            (amount, _, None) => Some(amount),
            (_, None, Some(_)) => None,
        };
        Ok(Lot {
            opened_at: fill.executed_at,
            quantity: fill.quantity,
            cost: worth(fill)?,
            fees,
            swap: valued(fill.swap),
            taxes: valued(fill.taxes),
            openings: 1,
        })
    }

    /// A fee in another asset: in the base it is worth what the fill says, else what the day's rates say.
    fn fee(&self, fill: &Fill, amount: Decimal, asset: &str, into: &str) -> Result<Option<Decimal>> {
        let is = |other: &Option<String>| other.as_deref() == Some(asset);
        if is(&fill.base) && is_quote(fill, into) && !fill.inverse {
            return times(amount, fill.price).map(Some);
        }
        if is(&fill.quote) && fill.inverse && !fill.price.is_zero() {
            return over(amount, fill.price).map(Some);
        }
        Ok(self.rates.value(amount, asset, into, fill.executed_at.date_naive()))
    }
}

/// Whether what a fill cost is in another asset than its profits, so that rates may be asked.
pub fn needs_rates(fill: &Fill) -> bool {
    let other = |asset: Option<&String>| asset.is_some() && asset != quoted(fill);
    fill.fees.iter().any(|fee| !fee.amount.is_zero() && other(Some(&fee.asset)))
        || other(fill.pnl_currency.as_ref())
}

fn is_quote(fill: &Fill, asset: &str) -> bool {
    fill.quote.as_deref() == Some(asset)
}

/// What a fill's price is in; of an inverse contract what it pays in.
fn quoted(fill: &Fill) -> Option<&String> {
    if fill.inverse { fill.base.as_ref() } else { fill.quote.as_ref() }
}

/// What profits are in: the broker's own are in what it says.
fn currency(fill: &Fill, method: Method) -> Option<String> {
    match method {
        Method::BrokerReported => fill.pnl_currency.as_ref().or(quoted(fill)).cloned(),
        Method::Fifo | Method::Average => quoted(fill).cloned(),
    }
}

/// What a fill is worth at its price; an inverse contract in the base, and the other way round, as it gains by a rising price.
fn worth(fill: &Fill) -> Result<Decimal> {
    let size = times(fill.quantity, fill.multiplier)?;
    match fill.inverse {
        false => times(size, fill.price),
        true if fill.price.is_zero() => Err(TooLarge),
        true => over(-size, fill.price),
    }
}

/// The row of what a fill closed.
fn position(
    index: usize,
    fill: &Fill,
    opened: Option<Lot>,
    closing: Lot,
    of: Decimal,
    method: Method,
) -> Result<Option<Position>> {
    let direction = Direction::closed_by(fill.side);
    let ours = match &opened {
        Some(opened) => Some(match direction {
            Direction::Long => minus(closing.cost, opened.cost)?,
            Direction::Short => minus(opened.cost, closing.cost)?,
        }),
        None => None,
    };
    let reported = share_of(fill.reported_pnl, closing.quantity, of)?;
    let gross = if method == Method::BrokerReported { reported } else { ours };
    let Some(gross) = gross else { return Ok(None) };
    let both = |of: fn(&Lot) -> Option<Decimal>| {
        plus_known(of(&closing), opened.as_ref().map_or(Some(Decimal::ZERO), of))
    };
    let (fees, swap, taxes) = (both(|lot| lot.fees)?, both(|lot| lot.swap)?, both(|lot| lot.taxes)?);
    let costs = plus_known(fees, taxes)?;
    let net = match (plus_known(Some(gross), swap)?, costs) {
        (Some(before), Some(costs)) => Some(minus(before, costs)?),
        _ => None,
    };
    let is_same = fill.pnl_currency.is_none() || fill.pnl_currency.as_ref() == quoted(fill);
    let difference = match (ours, reported) {
        (Some(ours), Some(reported)) if is_same => Some(minus(ours, reported)?),
        _ => None,
    };
    Ok(Some(Position {
        symbol: fill.symbol.clone(),
        market: fill.market,
        broker_account: fill.broker_account.clone(),
        position_id: fill.position_id.clone(),
        direction,
        opened_at: opened.as_ref().map(|lot| lot.opened_at),
        closed_at: fill.executed_at,
        closing: index,
        quantity: closing.quantity,
        entry_price: opened.as_ref().map(|lot| mean_price(fill, lot)).transpose()?,
        exit_price: fill.price,
        fees,
        swap,
        taxes,
        gross,
        net,
        method,
        currency: currency(fill, method),
        reported,
        difference,
        external_id: fill.external_id.clone(),
        lots: opened.as_ref().map_or(0, |lot| lot.openings),
    }))
}

/// The mean price of what was opened.
fn mean_price(fill: &Fill, lot: &Lot) -> Result<Decimal> {
    let size = times(lot.quantity, fill.multiplier)?;
    match fill.inverse {
        _ if size.is_zero() || lot.cost.is_zero() => Ok(Decimal::ZERO),
        false => over(lot.cost, size),
        true => over(-size, lot.cost),
    }
}
