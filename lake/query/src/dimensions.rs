//! What the dimensions know before the first offer is seen, as small tables in memory.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int32Array, RecordBatch, StringViewArray},
    error::ArrowError,
};
use cauce_model::seed::{CRYPTOCURRENCIES, FIAT_CURRENCIES, PAYMENT_METHODS};

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

/// Symbols and names of assets.
pub(crate) fn cryptocurrencies() -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter([
        ("symbol", texts(CRYPTOCURRENCIES.iter().map(|(symbol, _)| *symbol))),
        ("name", texts(CRYPTOCURRENCIES.iter().map(|(_, name)| *name))),
    ])
}

/// Codes, names, countries and minor units of currencies.
pub(crate) fn fiat_currencies() -> Result<RecordBatch, ArrowError> {
    let minor_units: Int32Array = FIAT_CURRENCIES.iter().map(|currency| Some(currency.3)).collect();
    RecordBatch::try_from_iter([
        ("currency_code", texts(FIAT_CURRENCIES.iter().map(|currency| currency.0))),
        ("currency_name", texts(FIAT_CURRENCIES.iter().map(|currency| currency.1))),
        ("country_code", texts(FIAT_CURRENCIES.iter().map(|currency| currency.2))),
        ("minor_unit", Arc::new(minor_units) as ArrayRef),
    ])
}

/// Codes, names and categories of payment methods.
pub(crate) fn payment_methods() -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter([
        ("method_code", texts(PAYMENT_METHODS.iter().map(|method| method.0))),
        ("method_name", texts(PAYMENT_METHODS.iter().map(|method| method.1))),
        ("category", texts(PAYMENT_METHODS.iter().map(|method| method.2))),
    ])
}
