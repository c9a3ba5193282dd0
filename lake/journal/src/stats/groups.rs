//! Figures by symbol, direction and period.

use std::collections::BTreeMap;

use cauce_model::TradingDays;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;

use super::Stats;
use crate::{
    Direction, Position,
    numbers::{Result, plus},
};

/// What is added up together; none is all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// What was traded.
    pub symbol: Option<String>,
    /// Which way.
    pub direction: Option<Direction>,
}

/// A length of time, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// All that there is.
    All,
    /// A month.
    Month,
    /// A week, from Monday.
    Week,
    /// A day.
    Day,
}

impl Period {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::All, Self::Month, Self::Week, Self::Day];

    /// Its name, as it stands in columns and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
        }
    }

    /// The first day of the one that a day is in; of all that there is, 1970-01-01.
    pub fn start_of(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::All => NaiveDate::default(),
            Self::Month => day.with_day(1).unwrap_or(day),
            Self::Week => {
                day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day)
            }
            Self::Day => day,
        }
    }
}

/// Figures of one scope and period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodStats {
    /// What is added up.
    pub scope: Scope,
    /// What kind of period.
    pub period: Period,
    /// Its first moment.
    pub start: DateTime<Utc>,
    /// The figures.
    pub stats: Stats,
}

/// Figures by scope and period of positions in closing order, all in one currency. A period begins with `balance` and what the
/// same scope made before it.
pub fn by_period(
    positions: &[Position],
    balance: Option<Decimal>,
    days: TradingDays,
) -> Result<Vec<PeriodStats>> {
    let mut scopes: BTreeMap<Scope, Vec<&Position>> = BTreeMap::new();
    for position in positions {
        for symbol in [None, Some(position.symbol.clone())] {
            for direction in [None, Some(position.direction)] {
                scopes.entry(Scope { symbol: symbol.clone(), direction }).or_default().push(position);
            }
        }
    }
    let mut rows = Vec::new();
    for (scope, positions) in scopes {
        for period in Period::ALL {
            let mut value = balance;
            let start_of = |position: &&Position| period.start_of(position.closed_at.date_naive());
            // In closing order, so each period is one run.
            for of_one in positions.chunk_by(|left, right| start_of(left) == start_of(right)) {
                let Some(first) = of_one.first() else { continue };
                let stats = Stats::of(of_one, value, days)?;
                value = value.map(|value| plus(value, stats.net_profit)).transpose()?;
                let start = start_of(first).and_time(NaiveTime::MIN).and_utc();
                rows.push(PeriodStats { scope: scope.clone(), period, start, stats });
            }
        }
    }
    Ok(rows)
}
