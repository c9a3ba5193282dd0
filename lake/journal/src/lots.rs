//! What is open of one instrument, by either method.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::numbers::{Result, minus, plus, plus_known, share, share_of};

/// What was opened, or a part of it. Of `fees`, `swap` and `taxes` none is what can't be valued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lot {
    pub(crate) opened_at: DateTime<Utc>,
    pub(crate) quantity: Decimal,
    /// What it is worth at its price; of an inverse contract in the base.
    pub(crate) cost: Decimal,
    pub(crate) fees: Option<Decimal>,
    pub(crate) swap: Option<Decimal>,
    pub(crate) taxes: Option<Decimal>,
    /// From how many openings it comes.
    pub(crate) openings: u32,
}

impl Lot {
    /// Takes `quantity` off, with its share of everything; the last part takes what is left.
    pub(crate) fn take(&mut self, quantity: Decimal) -> Result<Self> {
        let of = self.quantity;
        let part = Self {
            quantity,
            cost: share(self.cost, quantity, of)?,
            fees: share_of(self.fees, quantity, of)?,
            swap: share_of(self.swap, quantity, of)?,
            taxes: share_of(self.taxes, quantity, of)?,
            ..*self
        };
        let left = |whole: Option<Decimal>, part: Option<Decimal>| {
            whole.zip(part).map(|(whole, part)| minus(whole, part)).transpose()
        };
        self.quantity = minus(of, quantity)?;
        self.cost = minus(self.cost, part.cost)?;
        self.fees = left(self.fees, part.fees)?;
        self.swap = left(self.swap, part.swap)?;
        self.taxes = left(self.taxes, part.taxes)?;
        Ok(part)
    }

    /// Both as one, opened when the first was.
    pub(crate) fn with(self, other: Self) -> Result<Self> {
        Ok(Self {
            opened_at: self.opened_at.min(other.opened_at),
            quantity: plus(self.quantity, other.quantity)?,
            cost: plus(self.cost, other.cost)?,
            fees: plus_known(self.fees, other.fees)?,
            swap: plus_known(self.swap, other.swap)?,
            taxes: plus_known(self.taxes, other.taxes)?,
            openings: self.openings.saturating_add(other.openings),
        })
    }
}

/// What is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lots {
    /// Each opening by itself, the first first.
    Fifo(VecDeque<Lot>),
    /// All of them as one.
    Average(Option<Lot>),
}

impl Lots {
    pub(crate) fn open(&mut self, lot: Lot) -> Result<()> {
        match self {
            Self::Fifo(lots) => lots.push_back(lot),
            Self::Average(pool) => {
                *pool = Some(match pool.take() {
                    Some(open) => open.with(lot)?,
                    None => lot,
                });
            }
        }
        Ok(())
    }

    /// Takes up to `quantity` off; none if nothing is open.
    pub(crate) fn close(&mut self, quantity: Decimal) -> Result<Option<Lot>> {
        let mut closed: Option<Lot> = None;
        match self {
            Self::Fifo(lots) => {
                let mut wanted = quantity;
                while wanted > Decimal::ZERO {
                    let Some(first) = lots.front_mut() else { break };
                    let part = first.take(wanted.min(first.quantity))?;
                    if first.quantity.is_zero() {
                        lots.pop_front();
                    }
                    wanted = minus(wanted, part.quantity)?;
                    closed = Some(match closed {
                        Some(closed) => closed.with(part)?,
                        None => part,
                    });
                }
            }
            Self::Average(pool) => {
                if let Some(open) = pool {
                    closed = Some(open.take(quantity.min(open.quantity))?);
                    if open.quantity.is_zero() {
                        *pool = None;
                    }
                }
            }
        }
        Ok(closed)
    }

    /// What is still open, the first first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lot> {
        let (lots, pool) = match self {
            Self::Fifo(lots) => (Some(lots.iter()), None),
            Self::Average(pool) => (None, pool.as_ref()),
        };
        lots.into_iter().flatten().chain(pool)
    }
}
