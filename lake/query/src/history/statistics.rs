//! Sums, finished: exact until the last step, and the same for SQL's functions and for the report.

use arrow::datatypes::i256;

/// Mean of `count` prices in units of 10⁻⁸ from their sum: rounded half away from zero. None where nothing was
/// counted.
pub(crate) fn mean(sum: i256, count: i64) -> Option<i128> {
    let count = Some(count).filter(|count| *count > 0).map(i256::from)?;
    let twice = sum.checked_mul(i256::from(2))?.checked_add(count)?;
    twice.checked_div(count.checked_mul(i256::from(2))?)?.to_i128()
}

/// Standard deviation of the population in units of 10⁻⁸, from its prices' sum and sum of squares: exact up to the
/// division, so equal prices give zero. None where nothing was counted.
pub(crate) fn std_dev(sum: i256, sum_sq: i256, count: i64) -> Option<i128> {
    let count = Some(count).filter(|count| *count > 0)?;
    let scaled = sum_sq.checked_mul(i256::from(count))?;
    let spread = scaled.checked_sub(sum.checked_mul(sum)?)?;
    let units = (as_f64(spread).max(0.0)).sqrt() / count as f64;
    (units < 1e20).then_some(units.round() as i128)
}

/// A statistic leaves the integers here, at its last step: a standard deviation is no money.
fn as_f64(number: i256) -> f64 {
    let (low, high) = number.to_parts();
    high as f64 * 2_f64.powi(128) + low as f64
}
