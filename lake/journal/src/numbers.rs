//! Decimals whose overflow is an error and no panic.

use rust_decimal::Decimal;
use thiserror::Error;

/// An amount does not fit into 28 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an amount has more than 28 digits before the point")]
pub struct TooLarge;

/// What a calculation gives.
pub(crate) type Result<T> = std::result::Result<T, TooLarge>;

pub(crate) fn plus(left: Decimal, right: Decimal) -> Result<Decimal> {
    left.checked_add(right).ok_or(TooLarge)
}

pub(crate) fn minus(left: Decimal, right: Decimal) -> Result<Decimal> {
    left.checked_sub(right).ok_or(TooLarge)
}

pub(crate) fn times(left: Decimal, right: Decimal) -> Result<Decimal> {
    left.checked_mul(right).ok_or(TooLarge)
}

/// A quotient; the divisor is not zero.
pub(crate) fn over(left: Decimal, right: Decimal) -> Result<Decimal> {
    left.checked_div(right).ok_or(TooLarge)
}

/// The part of a whole that is to it as `part` to `of`; all of it where they are equal, so that nothing is left.
pub(crate) fn share(whole: Decimal, part: Decimal, of: Decimal) -> Result<Decimal> {
    if part == of {
        return Ok(whole);
    }
    // The product first: a quotient of three would have lost digits already.
    match whole.checked_mul(part) {
        Some(product) => over(product, of),
        None => times(whole, over(part, of)?),
    }
}

/// The same of what may not be known.
pub(crate) fn share_of(whole: Option<Decimal>, part: Decimal, of: Decimal) -> Result<Option<Decimal>> {
    whole.map(|whole| share(whole, part, of)).transpose()
}

/// A sum of what may not be known: not known if either is not.
pub(crate) fn plus_known(left: Option<Decimal>, right: Option<Decimal>) -> Result<Option<Decimal>> {
    left.zip(right).map(|(left, right)| plus(left, right)).transpose()
}
