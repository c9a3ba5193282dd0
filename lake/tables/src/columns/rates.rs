use arrow::{
    array::{Date32Builder, RecordBatch},
    datatypes::Date32Type,
    error::ArrowError,
};
use cauce_model::DatedRate;

use super::{
    Lineage, Origin, batch, decimals, done,
    kinds::{Decimal, Text},
};
use crate::{Table, schema::DEC};

/// Rows of `fact_fx_rates`.
pub(crate) struct RateRows {
    date: Date32Builder,
    currency: Text,
    per_usd: Decimal,
    lineage: Lineage,
}

impl RateRows {
    pub(crate) fn new() -> Self {
        Self {
            date: Date32Builder::new(),
            currency: Text::new(),
            per_usd: decimals(DEC),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(&mut self, origin: Origin<'_>, raw_pos: i32, rate: &DatedRate) {
        self.date.append_value(Date32Type::from_naive_date(rate.date));
        self.currency.append_value(rate.currency.code());
        self.per_usd.append_value(rate.per_usd.units());
        self.lineage.push(origin, raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = vec![done(&mut self.date), done(&mut self.currency), done(&mut self.per_usd)];
        columns.extend(self.lineage.finish());
        batch(Table::FactFxRates, columns)
    }
}
