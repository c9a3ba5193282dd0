//! SQL's functions that finish sums.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array},
    datatypes::{DataType, Decimal256Type, Int64Type, i256},
};
use cauce_model::{AMOUNT_PRECISION, AMOUNT_SCALE};
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
