//! What currencies were worth on a day.

use chrono::NaiveDate;

use crate::{Currency, Price};

/// What one dollar of the United States cost on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DatedRate {
    /// The day.
    pub date: NaiveDate,
    /// The currency.
    pub currency: Currency,
    /// Units of the currency for one dollar.
    pub per_usd: Price,
}
