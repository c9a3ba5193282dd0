//! Money and rates as exact decimals. There is no way in or out through floating point.

use std::{
    cmp::Ordering,
    fmt::{self, Display},
    str::FromStr,
};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::BadValue;

/// Digits of `dec` in the data model: Decimal(20, 8).
pub const AMOUNT_PRECISION: u8 = 20;
/// Digits after the point of `dec`.
pub const AMOUNT_SCALE: u8 = 8;
/// Digits of `rate` in the data model: Decimal(10, 6).
pub const RATE_PRECISION: u8 = 10;
/// Digits after the point of `rate`.
pub const RATE_SCALE: u8 = 6;

/// 10^12: the first number with more digits before the point than Decimal(20, 8) holds.
const TOO_LARGE: i128 = 1_000_000_000_000;

/// Reads a decimal, plain or with an exponent (JSON allows `1e-8`), without losing a digit.
fn exact(field: &'static str, text: &str) -> Result<Decimal, BadValue> {
    let read = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text)
    } else {
        Decimal::from_str_exact(text)
    };
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    match read {
        Ok(value) if text.chars().all(plain) => Ok(value),
        Err(rust_decimal::Error::Underflow | rust_decimal::Error::ScaleExceedsMaximumPrecision(_)) => {
            Err(BadValue::new(field, text, "has more digits than the lake keeps"))
        }
        _ => Err(BadValue::new(field, text, "is not a decimal number")),
    }
}

/// The short way for what nearly every number looks like: digits, perhaps a point, and at most `scale` digits more.
/// None says nothing about the text but that it has to take the long way, by [`exact`].
fn plain(text: &str, scale: u8) -> Option<i128> {
    // So many digits fit 64 bits.
    const LONGEST: usize = 18;
    let bytes = text.as_bytes();
    let ends_in_digits = bytes.first()?.is_ascii_digit() && bytes.last()?.is_ascii_digit();
    if bytes.len() > LONGEST || !ends_in_digits {
        return None;
    }
    let (mut digits, mut missing, mut after_point) = (0_u64, u32::from(scale), false);
    for byte in bytes {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + u64::from(byte - b'0');
                missing = missing.checked_sub(u32::from(after_point))?;
            }
            b'.' if !after_point => after_point = true,
            _ => return None,
        }
    }
    Some(i128::from(digits) * i128::from(10_u64.pow(missing)))
}

/// Scales to an integer of `scale` digits after the point, if no digit is lost by it.
fn scaled(value: Decimal, scale: u8) -> Option<i128> {
    let value = value.normalize();
    let missing = u32::from(scale).checked_sub(value.scale())?;
    value.mantissa().checked_mul(10_i128.checked_pow(missing)?)
}

fn display(units: i128, scale: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match Decimal::try_from_i128_with_scale(units, u32::from(scale)) {
        Ok(value) => value.normalize().fmt(f),
        Err(_) => write!(f, "{units}e-{scale}"),
    }
}

/// An amount of an asset or a currency, zero or more, exact to eight digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Reads an amount of `field`. Refuses what is negative, not a number, or does not fit Decimal(20, 8).
    pub fn parse(field: &'static str, text: &str) -> Result<Self, BadValue> {
        let units = match plain(text, AMOUNT_SCALE) {
            Some(units) => Some(units),
            None => {
                let value = exact(field, text)?;
                if value.is_sign_negative() && !value.is_zero() {
                    return Err(BadValue::new(field, text, "is negative"));
                }
                scaled(value, AMOUNT_SCALE)
            }
        };
        match units {
            Some(units) if units < TOO_LARGE * 10_i128.pow(u32::from(AMOUNT_SCALE)) => Ok(Self(units)),
            Some(_) => {
                Err(BadValue::new(field, text, "is 10^12 or more, which Decimal(20, 8) does not hold"))
            }
            None => Err(BadValue::new(field, text, "has more than 8 digits after the point")),
        }
    }

    /// The amount as an integer of 10^-8: what the Parquet column holds.
    pub fn units(self) -> i128 {
        self.0
    }
}

impl FromStr for Amount {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        Self::parse("amount", text)
    }
}

impl TryFrom<String> for Amount {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        text.parse()
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self.0, AMOUNT_SCALE, f)
    }
}

/// The median of numbers in order, ascending or descending: of an even count the mean of the two in the middle, cut to
/// a whole unit, as DataFusion's `median` does with decimals. None of none.
pub fn median(sorted: &[i128]) -> Option<i128> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2),
    }
}

/// The sum of the squares of prices, in units of 10^-16; none where it exceeds what Decimal(38, 16) holds.
pub fn sum_of_squares(prices: &[i128]) -> Option<i128> {
    const DECIMAL_38: i128 = 10_i128.pow(38);
    let total =
        prices.iter().try_fold(0_i128, |total, price| total.checked_add(price.checked_mul(*price)?))?;
    (total < DECIMAL_38).then_some(total)
}

/// A price: currency for one unit of the asset, more than zero, exact to eight digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Price(Amount);

impl Price {
    /// Reads a price of `field`. Refuses zero, and whatever [`Amount::parse`] refuses.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, BadValue> {
        let amount = Amount::parse(field, text)?;
        match amount.cmp(&Amount::ZERO) {
            Ordering::Greater => Ok(Self(amount)),
            _ => Err(BadValue::new(field, text, "is not more than zero")),
        }
    }

    /// The price as an integer of 10^-8: what the Parquet column holds.
    pub fn units(self) -> i128 {
        self.0.units()
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A share between 0 and 1, to six digits after the point: completion rates, positive ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rate(i64);

impl Rate {
    const ONE: i64 = 1_000_000;

    /// Reads a share of `field`. Venues answer with floating point (`0.9859999999`), so digits beyond the
    /// sixth are rounded half to even; it is a rating, not money. Refuses what is outside 0 to 1.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, BadValue> {
        let units = match plain(text, RATE_SCALE) {
            Some(units) => Some(units),
            None => Self::rounded(field, text)?,
        };
        match units.and_then(|units| i64::try_from(units).ok()) {
            Some(units @ 0..=Self::ONE) => Ok(Self(units)),
            _ => Err(BadValue::new(field, text, "is not between 0 and 1")),
        }
    }

    fn rounded(field: &'static str, text: &str) -> Result<Option<i128>, BadValue> {
        let value = match exact(field, text) {
            Ok(value) => value,
            // More digits than 28: rounding to six is what is wanted anyway.
            Err(_) => {
                Decimal::from_str(text).map_err(|_| BadValue::new(field, text, "is not a decimal number"))?
            }
        };
        let strategy = RoundingStrategy::MidpointNearestEven;
        Ok(scaled(value.round_dp_with_strategy(u32::from(RATE_SCALE), strategy), RATE_SCALE))
    }

    /// So many hundredths; a hundred at most.
    pub fn percent(hundredths: u32) -> Self {
        Self(i64::from(hundredths.min(100)) * (Self::ONE / 100))
    }

    /// The rate as an integer of 10^-6: what the Parquet column holds.
    pub fn units(self) -> i128 {
        i128::from(self.0)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self.units(), RATE_SCALE, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn number_formats_of_several_years_mean_the_same() {
        let amounts = ["1400000", "1400000.00", "1400000.00000000", "1.4e6", "1.4E+6", "01400000"];
        for text in amounts {
            assert_eq!(Amount::parse("max", text).unwrap().units(), 140_000_000_000_000, "{text}");
        }
    }

    #[test]
    fn what_is_not_money_is_refused() {
        for text in
            ["", " 1", "1,5", "1_000", "NaN", "inf", "-1", "1.123456789", "1000000000000", "0x10", "1e400"]
        {
            assert!(Amount::parse("amount", text).is_err(), "{text}");
        }
        assert!(Price::parse("price", "0.00000000").is_err());
        assert_eq!(Amount::parse("amount", "-0").unwrap(), Amount::ZERO);
        let shown = Price::parse("price", "0").unwrap_err().to_string();
        assert_eq!(shown, "price: '0' is not more than zero");
    }

    #[test]
    fn rates_are_rounded_to_six_digits_and_stay_between_zero_and_one() {
        assert_eq!(Rate::parse("rate", "0.98599999999999999").unwrap().to_string(), "0.986");
        assert_eq!(Rate::parse("rate", "1").unwrap().to_string(), "1");
        assert_eq!(Rate::parse("rate", "0.1234565").unwrap().to_string(), "0.123456", "half to even");
        for text in ["1.1", "-0.1", "99.31%", "n/a"] {
            assert!(Rate::parse("rate", text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_comes_back_as_it_went_in(whole in 0u64..1_000_000_000_000, part in 0u32..100_000_000) {
            let text = format!("{whole}.{part:08}");
            let amount = Amount::parse("amount", &text).unwrap();
            prop_assert_eq!(amount.units(), i128::from(whole) * 100_000_000 + i128::from(part));
            prop_assert_eq!(amount.to_string().parse::<Amount>().unwrap(), amount);
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".*") {
            let _ = Amount::parse("amount", &text);
            let _ = Price::parse("price", &text);
            let _ = Rate::parse("rate", &text);
        }

        #[test]
        fn the_short_way_says_what_the_long_way_says(text in "[0-9.e-]{0,20}|[0-9]{1,12}\\.[0-9]{1,9}") {
            for scale in [RATE_SCALE, AMOUNT_SCALE] {
                if let Some(units) = plain(&text, scale) {
                    prop_assert_eq!(exact("x", &text).ok().and_then(|value| scaled(value, scale)), Some(units));
                }
            }
        }

        #[test]
        fn a_parsed_amount_fits_the_column(text in "[0-9]{1,30}(\\.[0-9]{0,20})?(e-?[0-9]{1,2})?") {
            if let Ok(amount) = Amount::parse("amount", &text) {
                prop_assert!((0..10_i128.pow(20)).contains(&amount.units()));
            }
        }
    }
}
