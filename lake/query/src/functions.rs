//! SQL's functions: what finishes sums, and what minor units are worth.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array},
    datatypes::{DataType, Decimal128Type, Decimal256Type, Int64Type, i256},
};
use cauce_model::{AMOUNT_PRECISION, AMOUNT_SCALE, Currency};
use datafusion::{
    common::{Result, cast::as_decimal256_array},
    logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf},
};

use crate::history::statistics;

/// A sum of prices, wide enough for BTC in COP over years.
pub(crate) const SUM: DataType = DataType::Decimal256(76, AMOUNT_SCALE as i8);
/// A sum of squares of prices.
pub(crate) const SUM_SQ: DataType = DataType::Decimal256(76, 2 * AMOUNT_SCALE as i8);
const PRICE: DataType = DataType::Decimal128(AMOUNT_PRECISION, AMOUNT_SCALE as i8);

/// `price_mean(sum, count)`: rounded to 8 digits, half away from zero. Null where nothing was counted.
pub(crate) fn price_mean() -> ScalarUDF {
    create_udf(
        "price_mean",
        vec![SUM, DataType::Int64],
        PRICE,
        Volatility::Immutable,
        Arc::new(|arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let (sums, counts) = (as_decimal256_array(&arrays[0])?, arrays[1].as_primitive::<Int64Type>());
            let mean = |row| statistics::mean(value(sums, row)?, value_of(counts, row)?);
            prices((0..sums.len()).map(mean))
        }),
    )
}

/// `price_std_dev(sum, sum_sq, count)`: of the population, from sums: exact up to the division, so equal prices give
/// zero. Null where nothing was counted or a sum is missing.
pub(crate) fn price_std_dev() -> ScalarUDF {
    let inputs = vec![SUM, SUM_SQ, DataType::Int64];
    create_udf(
        "price_std_dev",
        inputs,
        PRICE,
        Volatility::Immutable,
        Arc::new(|arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let (sums, squares) = (as_decimal256_array(&arrays[0])?, as_decimal256_array(&arrays[1])?);
            let counts = arrays[2].as_primitive::<Int64Type>();
            let deviation =
                |row| statistics::std_dev(value(sums, row)?, value(squares, row)?, value_of(counts, row)?);
            prices((0..sums.len()).map(deviation))
        }),
    )
}

/// `usd_value(amount_minor, currency, per_usd)`: dollars for an amount in minor units of ISO 4217, rounded half away from zero
/// to 8 digits. A dollar is worth a dollar without a rate; null where none is known.
pub(crate) fn usd_value() -> ScalarUDF {
    create_udf(
        "usd_value",
        vec![DataType::Int64, DataType::Utf8, PRICE],
        PRICE,
        Volatility::Immutable,
        Arc::new(|arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let minor = arrays[0].as_primitive::<Int64Type>();
            let currencies = arrays[1].as_string::<i32>();
            let rates = arrays[2].as_primitive::<Decimal128Type>();
            let dollars = |row: usize| {
                let minor = value_of(minor, row)?;
                let currency = currencies.is_valid(row).then(|| currencies.value(row))?;
                let rate = rates.is_valid(row).then(|| rates.value(row));
                in_dollars(minor, currency, rate)
            };
            prices((0..minor.len()).map(dollars))
        }),
    )
}

/// Units of 10^-8 dollars.
pub(crate) fn in_dollars(minor: i64, currency: &str, per_usd: Option<i128>) -> Option<i128> {
    const ONE: i128 = 10_i128.pow(AMOUNT_SCALE as u32);
    let units = currency.parse::<Currency>().ok()?.minor_unit()?;
    let per_usd = if currency == "USD" { ONE } else { per_usd.filter(|rate| *rate > 0)? };
    let scaled = i128::from(minor).checked_mul(ONE * ONE)?;
    let divisor = per_usd.checked_mul(10_i128.pow(units))?;
    let half = if scaled < 0 { -(divisor / 2) } else { divisor / 2 };
    Some((scaled.checked_add(half)?) / divisor)
}

/// Units of 10^-8 as a decimal.
pub(crate) fn decimal_text(units: i128) -> String {
    let scale = u32::from(AMOUNT_SCALE);
    rust_decimal::Decimal::try_from_i128_with_scale(units, scale)
        .map(|value| value.to_string())
        .unwrap_or_default()
}

fn value(array: &arrow::array::PrimitiveArray<Decimal256Type>, row: usize) -> Option<i256> {
    array.is_valid(row).then(|| array.value(row))
}

fn value_of(array: &Int64Array, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

fn prices(values: impl Iterator<Item = Option<i128>>) -> Result<ColumnarValue> {
    let array: Decimal128Array = values.collect();
    let array = array.with_precision_and_scale(AMOUNT_PRECISION, AMOUNT_SCALE as i8)?;
    Ok(ColumnarValue::Array(Arc::new(array) as ArrayRef))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_are_worth_dollars_by_the_rate_of_their_currency() {
        const ONE: i128 = 100_000_000;
        for (minor, currency, per_usd, dollars) in [
            (15_050, "USD", None, Some(15_050 * ONE / 100)),
            (54_300, "BRL", Some(543 * ONE / 100), Some(100 * ONE)),
            // Pesos of Chile have no cents, dinars of Kuwait three digits of them.
            (950, "CLP", Some(950 * ONE), Some(ONE)),
            (307, "KWD", Some(307 * ONE / 1_000), Some(ONE)),
            (-1, "EUR", Some(3 * ONE), Some(-333_333)),
            (2, "EUR", Some(3 * ONE), Some(666_667)),
            (100, "BRL", None, None),
            (100, "ZZZ", Some(ONE), None),
        ] {
            assert_eq!(in_dollars(minor, currency, per_usd), dollars, "{minor} {currency}");
        }
    }
}
