//! Trades of an account at a broker: fills, as each import gave them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::{BadValue, names::names};

/// Digits of quantities, prices and amounts of trades: Decimal(38, 18). Brokers write up to 20 digits after the point, and
/// those beyond the 18th are of derived prices.
pub const QUANTITY_PRECISION: u8 = 38;
/// Digits after the point.
pub const QUANTITY_SCALE: u8 = 18;

/// Who trades: small letters, digits, `_` and `-`, up to 64.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

impl AccountId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if text.is_empty() || text.len() > 64 || !text.chars().all(plain) || text.starts_with(['_', '-']) {
            let reason =
                "is no account: small letters, digits, '_' and '-', up to 64, the first a letter or digit";
            return Err(BadValue::new("account_id", text, reason));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for AccountId {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

names! {
    /// What the account's owner did.
    Side("side") {
        /// Bought.
        Buy = "buy",
        /// Sold.
        Sell = "sell",
    }
}

impl Side {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

names! {
    /// Whether a fill opens a position or closes one, where its source says so.
    Effect("effect") {
        /// It opens, or adds.
        Open = "open",
        /// It closes, in whole or in part.
        Close = "close",
        /// The source does not say.
        Unknown = "unknown",
    }
}

names! {
    /// What kind of market a fill was made in.
    MarketKind("market") {
        /// One asset for another, at once; crypto.
        Spot = "spot",
        /// The same, with borrowed money.
        Margin = "margin",
        /// Futures and perpetual swaps.
        Futures = "futures",
        /// Pairs of currencies.
        Forex = "forex",
        /// Contracts for difference.
        Cfd = "cfd",
        /// Shares, and funds that are traded like them.
        Equity = "equity",
        /// Funds.
        Fund = "fund",
        /// Bonds.
        Bond = "bond",
        /// Options.
        Option = "option",
        /// Warrants, certificates and other structured products.
        Warrant = "warrant",
        /// The source does not say, or says something else.
        Unknown = "unknown",
    }
}

names! {
    /// Which of two positions in one symbol a fill is of, where an account may hold both.
    PositionSide("position_side") {
        /// The long one.
        Long = "long",
        /// The short one.
        Short = "short",
    }
}

names! {
    /// What a row is that is recognised, and is no trade.
    SkippedAs("skipped_as") {
        /// Money that came or went.
        Cash = "cash",
        /// Assets that came or went.
        Transfer = "transfer",
        /// Dividends, interest, rewards, gifts.
        Income = "income",
        /// Fees and taxes that belong to no trade.
        Charge = "charge",
        /// Splits, mergers, spin-offs, redemptions.
        CorporateAction = "corporate_action",
        /// A conversion that is written in several rows, which nothing links.
        Conversion = "conversion",
        /// An order, or what became of it.
        Order = "order",
        /// Cancelled, refused, or undone later.
        Cancelled = "cancelled",
        /// Figures of the market or of an account, which nobody traded.
        State = "state",
        /// The same trade, told once more in the same file.
        Repeated = "repeated",
    }
}

/// What was paid for a fill: more than zero is a cost, less is a rebate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// In what.
    pub asset: String,
    /// How much.
    pub amount: Decimal,
}

/// One fill, as one source says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    /// The broker's own id of it.
    pub external_id: Option<String>,
    /// The order that it fills.
    pub order_id: Option<String>,
    /// The broker's own id of the position that it opens or closes.
    pub position_id: Option<String>,
    /// What was traded, as the broker names it.
    pub symbol: String,
    /// The asset that was bought or sold, where the symbol is a pair.
    pub base: Option<String>,
    /// What its price is in.
    pub quote: Option<String>,
    /// Bought or sold.
    pub side: Side,
    /// Whether it opens or closes.
    pub effect: Effect,
    /// How much: of the asset, in shares, lots or contracts. More than zero.
    pub quantity: Decimal,
    /// Of one. Zero or more: an option may expire at nothing.
    pub price: Decimal,
    /// Units of the asset in one of the quantity; one where the source says nothing else.
    pub multiplier: Decimal,
    /// Its profit is counted in the base: quantities are contracts worth `multiplier` of the quote.
    pub inverse: bool,
    /// What it cost.
    pub fees: Vec<Fee>,
    /// Interest for the nights that the position was held, as the broker says; less than zero is paid.
    pub swap: Option<Decimal>,
    /// Taxes; more than zero is paid.
    pub taxes: Option<Decimal>,
    /// Profit that the broker reports for what it closes, before fees, swap and taxes.
    pub reported_pnl: Option<Decimal>,
    /// What that profit, swap and taxes are in.
    pub pnl_currency: Option<String>,
    /// When.
    pub executed_at: DateTime<Utc>,
    /// The source says the day only.
    pub is_date_only: bool,
    /// The zone that the source's times are in.
    pub time_zone: String,
    /// In what kind of market.
    pub market: MarketKind,
    /// Of which position, where there may be two.
    pub position_side: Option<PositionSide>,
    /// The account at the broker, where one file is of several.
    pub broker_account: Option<String>,
    /// Its place among those of its source, from the oldest: what is of one moment is in this order.
    pub sequence: i32,
}

impl Fill {
    /// A number as it is kept: at most 18 digits after the point, rounded half to even, without zeros at its end.
    pub fn kept(number: Decimal) -> Decimal {
        number
            .round_dp_with_strategy(u32::from(QUANTITY_SCALE), RoundingStrategy::MidpointNearestEven)
            .normalize()
    }

    /// A number in units of its last kept digit: what the Parquet column holds. None for one that does not fit.
    pub fn units(number: Decimal) -> Option<i128> {
        let kept = Self::kept(number);
        let missing = u32::from(QUANTITY_SCALE).checked_sub(kept.scale())?;
        let units = kept.mantissa().checked_mul(10_i128.checked_pow(missing)?)?;
        (units.unsigned_abs() < 10_u128.pow(u32::from(QUANTITY_PRECISION))).then_some(units)
    }

    /// The number of which these are the units. One that has more digits than a decimal holds loses its last.
    pub fn of_units(units: i128) -> Decimal {
        let mut scale = u32::from(QUANTITY_SCALE);
        let mut units = units;
        loop {
            match Decimal::try_from_i128_with_scale(units, scale) {
                Ok(number) => return number.normalize(),
                Err(_) if scale > 0 => {
                    units /= 10;
                    scale -= 1;
                }
                Err(_) => return if units < 0 { Decimal::MIN } else { Decimal::MAX },
            }
        }
    }
}

/// How a date of digits only is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// The day first.
    DayFirst,
    /// The month first.
    MonthFirst,
}

/// What an account says about its files that they don't say themselves. It is kept with each of them, so that they are read
/// the same way ever after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountTerms {
    /// The zone of the broker's times, as in `America/Caracas`, where files don't say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The layout of its files, where they are not to be recognised by their header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// The symbol, for answers that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The currency of the account, for files that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// How its dates are written, for files where that can't be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// Only rows of this account at the broker, of files with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_account: Option<String>,
    /// Units in one lot or contract by symbol.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contract_sizes: BTreeMap<String, Decimal>,
    /// Columns of a table of somebody's own, by what they hold: `time`, `symbol`, `side`, `quantity`, `price` have to be there;
    /// `fee`, `fee_asset`, `currency`, `id` and `order_id` may be. For the layout `generic`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// How the times of such a table are written, as in `%d/%m/%Y %H:%M:%S`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_format: Option<String>,
    /// Its numbers have commas for points.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decimal_comma: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_account_is_a_short_plain_name() {
        assert_eq!("binance-main_2".parse::<AccountId>().unwrap().as_str(), "binance-main_2");
        for text in ["", "Main", "a b", "_a", "-a", "a/b", "ä", &"a".repeat(65)] {
            assert!(text.parse::<AccountId>().is_err(), "{text}");
        }
    }

    #[test]
    fn digits_beyond_the_eighteenth_are_rounded_half_to_even() {
        let kept = |text: &str| Fill::kept(text.parse().unwrap()).to_string();
        assert_eq!(kept("3102.3217898325970226955"), "3102.321789832597022696");
        assert_eq!(kept("0.0000000000000000005"), "0");
        assert_eq!(kept("0.0000000000000000015"), "0.000000000000000002");
        assert_eq!(kept("200.0000000000"), "200");
    }

    proptest! {
        #[test]
        fn a_kept_number_comes_back_as_it_went_in(mantissa in -(1_i64 << 60)..(1_i64 << 60), scale in 0_u32..=18) {
            let number = Decimal::new(mantissa, scale).normalize();
            prop_assert_eq!(Fill::of_units(Fill::units(number).unwrap()), number);
        }
    }
}
