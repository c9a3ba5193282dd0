use std::collections::BTreeMap;

use cauce_model::TradingDays;
use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};
use rust_decimal::{Decimal, MathematicalOps};

use crate::numbers::{Result, minus, over, plus, times};

/// Return for risk, scaled to a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ratios {
    /// By the standard deviation.
    pub sharpe: Option<Decimal>,
    /// By the deviation below zero.
    pub sortino: Option<Decimal>,
}

/// Sharpe's and Sortino's ratios of daily returns; none with fewer than two days, or without any deviation.
pub fn ratios(
    closes: &[(DateTime<Utc>, Decimal)],
    balance: Option<Decimal>,
    days: TradingDays,
) -> Result<Ratios> {
    let Some(returns) = daily_returns(closes, balance, days)? else { return Ok(Ratios::default()) };
    if returns.len() < 2 {
        return Ok(Ratios::default());
    }
    let number = Decimal::from(returns.len());
    let mut total = Decimal::ZERO;
    for daily in &returns {
        total = plus(total, *daily)?;
    }
    let mean = over(total, number)?;
    let (mut squares, mut below) = (Decimal::ZERO, Decimal::ZERO);
    for daily in &returns {
        let deviation = minus(*daily, mean)?;
        squares = plus(squares, times(deviation, deviation)?)?;
        let loss = (*daily).min(Decimal::ZERO);
        below = plus(below, times(loss, loss)?)?;
    }
    let year = Decimal::from(days.per_year()).sqrt().unwrap_or_default();
    let ratio = |variance: Decimal| -> Result<Option<Decimal>> {
        let Some(deviation) = variance.sqrt().filter(|deviation| !deviation.is_zero()) else {
            return Ok(None);
        };
        times(over(mean, deviation)?, year).map(Some)
    };
    Ok(Ratios {
        sharpe: ratio(over(squares, number - Decimal::ONE)?)?,
        sortino: ratio(over(below, number)?)?,
    })
}

/// What each day from the first to the last made, of the balance before it where that is known; none once that is used up.
fn daily_returns(
    closes: &[(DateTime<Utc>, Decimal)],
    balance: Option<Decimal>,
    days: TradingDays,
) -> Result<Option<Vec<Decimal>>> {
    let mut nets: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
    for (at, net) in closes {
        let day = nets.entry(at.date_naive()).or_default();
        *day = plus(*day, *net)?;
    }
    let (Some(first), Some(last)) = (nets.keys().next().copied(), nets.keys().next_back().copied()) else {
        return Ok(None);
    };
    let mut value = balance;
    let mut returns = Vec::new();
    for day in first.iter_days().take_while(|day| *day <= last) {
        let is_weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        let net = nets.get(&day).copied();
        if days == TradingDays::Weekdays && is_weekend && net.is_none() {
            continue;
        }
        let net = net.unwrap_or_default();
        returns.push(match value {
            Some(value) if value <= Decimal::ZERO => return Ok(None),
            Some(value) => over(net, value)?,
            None => net,
        });
        value = value.map(|value| plus(value, net)).transpose()?;
    }
    Ok(Some(returns))
}
