//! What closed positions add up to. Libraries disagree about these figures, so each has one definition here, and
//! [`DEFINITIONS`] is published beside them.

mod daily;
mod drawdown;
mod groups;
mod streaks;

use cauce_model::TradingDays;
use chrono::{DateTime, Utc};
pub use daily::{Ratios, ratios};
pub use drawdown::{Drawdown, Drawdowns, drawdowns};
pub use groups::{Period, PeriodStats, Scope, by_period};
use rust_decimal::Decimal;
pub use streaks::{Streaks, streaks};

use crate::{
    Position,
    numbers::{Result, over, plus, times},
};

/// The version of the definitions. Raised when one of them changes.
pub const DEFINITION_VERSION: i32 = 1;

/// The definitions, as they are published: name and words.
pub const DEFINITIONS: &[(&str, &str)] = &[
    (
        "net_profit",
        "gross + swap - commission - taxes - fees of every closed trade, in the currency that is named",
    ),
    (
        "trades",
        "closed trades whose net profit is known; those whose costs can't be valued are counted in unvalued",
    ),
    ("wins", "trades with a net profit above zero"),
    ("losses", "trades with a net profit below zero"),
    ("breakeven", "trades with a net profit of zero, counted apart"),
    ("win_rate", "wins / (wins + losses + breakeven)"),
    ("gross_profit", "the sum of the net profits of all wins"),
    ("gross_loss", "the sum of the net losses of all losses, without its sign"),
    ("profit_factor", "gross_profit / gross_loss; none when there is no loss"),
    ("expectancy", "the mean net profit"),
    ("expectancy_ratio", "((1 + average_win / average_loss) * win_rate) - 1; none without losses"),
    ("payoff_ratio", "average_win / average_loss; none without wins or without losses"),
    (
        "max_drawdown",
        "the largest fall of the cumulative net profit from its highest value before, in closing order, from the starting balance if \
         it is known, else from zero; its share of that highest value is none if the starting balance is not known",
    ),
    (
        "max_relative_drawdown",
        "the fall with the largest share of the highest value before; none if the starting balance is not known",
    ),
    (
        "sharpe",
        "mean / sample standard deviation (n - 1) of daily returns, times the square root of days_per_year; a day's return is its \
         net profit / the balance before it, or its net profit if the starting balance is not known; all days from the first to \
         the last close count, weekdays only where days_per_year is 252; none with fewer than two days",
    ),
    (
        "sortino",
        "the same with the square root of the mean over all days of min(return, 0) squared in place of the standard deviation",
    ),
    (
        "holding",
        "from the first opening of what was closed until the close; trades whose opening is not known are left out",
    ),
    ("streaks", "the longest run of wins, and of losses, in closing order; breakeven ends both"),
    (
        "metatrader_profit_trades",
        "as MetaTrader 4 counts: net profit of zero or more. MetaTrader 5 counts deals, so that commissions of opening are losses there",
    ),
    (
        "period_start",
        "the first moment of the day, the week (from Monday) or the month in UTC; of all, 1970-01-01",
    ),
];

/// Figures of closed positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Positions whose net profit is known.
    pub trades: u32,
    /// Positions whose net profit is not.
    pub unvalued: u32,
    /// Net profit above zero.
    pub wins: u32,
    /// Net profit below zero.
    pub losses: u32,
    /// Net profit of zero.
    pub breakeven: u32,
    /// Sum of all.
    pub net_profit: Decimal,
    /// Sum of the wins.
    pub gross_profit: Decimal,
    /// Sum of the losses, without its sign.
    pub gross_loss: Decimal,
    /// Sum of fees.
    pub fees: Decimal,
    /// Sum of swaps.
    pub swap: Decimal,
    /// Sum of taxes.
    pub taxes: Decimal,
    /// Wins as a share of all.
    pub win_rate: Option<Decimal>,
    /// What wins made for one that losses lost.
    pub profit_factor: Option<Decimal>,
    /// Mean net profit.
    pub expectancy: Option<Decimal>,
    /// What is expected for one that is risked.
    pub expectancy_ratio: Option<Decimal>,
    /// Mean of the wins.
    pub average_win: Option<Decimal>,
    /// Mean of the losses, without its sign.
    pub average_loss: Option<Decimal>,
    /// One as a multiple of the other.
    pub payoff_ratio: Option<Decimal>,
    /// The best.
    pub largest_win: Option<Decimal>,
    /// The worst, without its sign.
    pub largest_loss: Option<Decimal>,
    /// How far it fell.
    pub drawdowns: Drawdowns,
    /// Return for risk.
    pub ratios: Ratios,
    /// Days of a year that these take.
    pub days_per_year: u32,
    /// Mean seconds until the close.
    pub average_holding: Option<i64>,
    /// Median seconds until the close.
    pub median_holding: Option<i64>,
    /// Most seconds until a close.
    pub longest_holding: Option<i64>,
    /// Runs of wins and of losses.
    pub streaks: Streaks,
    /// As MetaTrader 4 counts profits.
    pub metatrader_profit_trades: u32,
    /// As MetaTrader 4 counts losses.
    pub metatrader_loss_trades: u32,
    /// The first close.
    pub first_closed_at: Option<DateTime<Utc>>,
    /// The last.
    pub last_closed_at: Option<DateTime<Utc>>,
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn sum(numbers: impl Iterator<Item = Decimal>) -> Result<Decimal> {
    let mut total = Decimal::ZERO;
    for number in numbers {
        total = plus(total, number)?;
    }
    Ok(total)
}

fn quotient(left: Decimal, right: Decimal) -> Result<Option<Decimal>> {
    if right.is_zero() { Ok(None) } else { over(left, right).map(Some) }
}

impl Stats {
    /// Figures of positions in closing order. `balance` is what the account had before the first of them, where that is known.
    pub fn of(positions: &[&Position], balance: Option<Decimal>, days: TradingDays) -> Result<Self> {
        let known: Vec<(&Position, Decimal)> =
            positions.iter().filter_map(|position| Some((*position, position.net?))).collect();
        let nets = || known.iter().map(|(_, net)| *net);
        let wins: Vec<Decimal> = nets().filter(|net| *net > Decimal::ZERO).collect();
        let losses: Vec<Decimal> = nets().filter(|net| *net < Decimal::ZERO).map(|net| -net).collect();
        let trades = known.len();
        let of = |cost: fn(&Position) -> Option<Decimal>| {
            sum(known.iter().filter_map(|(position, _)| cost(position)))
        };
        let (gross_profit, gross_loss) = (sum(wins.iter().copied())?, sum(losses.iter().copied())?);
        let net_profit = sum(nets())?;
        let average_win = quotient(gross_profit, wins.len().into())?;
        let average_loss = quotient(gross_loss, losses.len().into())?;
        let win_rate = quotient(wins.len().into(), trades.into())?;
        let payoff_ratio = match average_win.zip(average_loss) {
            Some((win, loss)) => quotient(win, loss)?,
            None => None,
        };
        let expectancy_ratio = match win_rate.zip(average_loss) {
            Some((rate, loss)) => {
                let payoff = over(average_win.unwrap_or_default(), loss)?;
                Some(times(plus(Decimal::ONE, payoff)?, rate)? - Decimal::ONE)
            }
            None => None,
        };
        let mut holdings: Vec<i64> = known.iter().filter_map(|(position, _)| position.seconds()).collect();
        holdings.sort_unstable();
        let closes: Vec<(DateTime<Utc>, Decimal)> =
            known.iter().map(|(position, net)| (position.closed_at, *net)).collect();
        let breakeven = trades - wins.len() - losses.len();
        Ok(Self {
            trades: count(trades),
            unvalued: count(positions.len() - trades),
            wins: count(wins.len()),
            losses: count(losses.len()),
            breakeven: count(breakeven),
            net_profit,
            gross_profit,
            gross_loss,
            fees: of(|position| position.fees)?,
            swap: of(|position| position.swap)?,
            taxes: of(|position| position.taxes)?,
            win_rate,
            profit_factor: quotient(gross_profit, gross_loss)?,
            expectancy: quotient(net_profit, trades.into())?,
            expectancy_ratio,
            average_win,
            average_loss,
            payoff_ratio,
            largest_win: wins.iter().max().copied(),
            largest_loss: losses.iter().max().copied(),
            drawdowns: drawdowns(&closes, balance)?,
            ratios: ratios(&closes, balance, days)?,
            days_per_year: days.per_year(),
            average_holding: mean(&holdings),
            median_holding: median(&holdings),
            longest_holding: holdings.last().copied(),
            streaks: streaks(nets()),
            metatrader_profit_trades: count(trades - losses.len()),
            metatrader_loss_trades: count(losses.len()),
            first_closed_at: closes.first().map(|(at, _)| *at),
            last_closed_at: closes.last().map(|(at, _)| *at),
        })
    }
}

fn mean(sorted: &[i64]) -> Option<i64> {
    let total: i128 = sorted.iter().copied().map(i128::from).sum();
    i64::try_from(total.checked_div(i128::try_from(sorted.len()).ok()?)?).ok()
}

/// The middle one; of two in the middle their mean.
fn median(sorted: &[i64]) -> Option<i64> {
    let middle = sorted.len().checked_sub(1)?;
    let (low, high) = (sorted.get(middle / 2)?, sorted.get(sorted.len() / 2)?);
    Some(low + (high - low) / 2)
}
