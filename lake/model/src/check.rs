//! What is said about data: checks of a snapshot, and records that broke a rule.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

/// One result of one check, a row of `ops_data_quality`.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What was measured: `completeness`, `duplicate_offers`, `schema_drift`, `hard_rules`, `side_consistency`.
    pub metric: &'static str,
    /// What came out. A share or a count; never money.
    pub value: f64,
    /// The bound that it is held against.
    pub threshold: f64,
    /// Whether the bound holds.
    pub passed: bool,
    /// What stands behind the value, as JSON.
    pub details: serde_json::Value,
}

/// A record that broke a hard rule, a row of `quarantine`. Nothing of it is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined<'a> {
    /// Position in the raw object of what the record came in.
    pub raw_pos: i32,
    /// When the record was fetched.
    pub fetched_at: DateTime<Utc>,
    /// The rule that it broke.
    pub rule: Rule,
    /// The field that broke it, and its value.
    pub reason: String,
    /// The record, verbatim; where the bytes are not UTF-8, with replacement characters (the raw object has
    /// the bytes).
    pub record: Cow<'a, str>,
}

/// Rules that a record must keep to become a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The line of the raw object is not an envelope.
    InvalidEnvelope,
    /// The body is not JSON.
    InvalidJson,
    /// The body is JSON of a shape that the source's protocol does not know.
    UnknownShape,
    /// No protocol is registered for the source.
    UnknownSource,
    /// The record has no id of its own.
    MissingId,
    /// A field that every row needs is not there.
    MissingField,
    /// A number is not a number, or does not fit its column.
    InvalidNumber,
    /// The price is zero or less.
    PriceNotPositive,
    /// An amount or a limit is less than zero.
    NegativeAmount,
    /// The least that may be paid is more than the most.
    MinAboveMax,
    /// The side is neither buy nor sell.
    UnknownSide,
    /// The record's asset or currency is no code of a market.
    InvalidMarket,
    /// The record belongs to another market than the one asked for.
    MarketMismatch,
    /// It says that it is of a payment provider, and its signature is not.
    ForgedSignature,
    /// The currency is none of ISO 4217, or can't be told.
    InvalidCurrency,
    /// A date is no day of the calendar.
    InvalidDate,
}

impl Rule {
    /// The rule's name, as it stands in the column `rule`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidEnvelope => "invalid_envelope",
            Self::InvalidJson => "invalid_json",
            Self::UnknownShape => "unknown_shape",
            Self::UnknownSource => "unknown_source",
            Self::MissingId => "missing_id",
            Self::MissingField => "missing_field",
            Self::InvalidNumber => "invalid_number",
            Self::PriceNotPositive => "price_not_positive",
            Self::NegativeAmount => "negative_amount",
            Self::MinAboveMax => "min_above_max",
            Self::UnknownSide => "unknown_side",
            Self::InvalidMarket => "invalid_market",
            Self::MarketMismatch => "market_mismatch",
            Self::ForgedSignature => "forged_signature",
            Self::InvalidCurrency => "invalid_currency",
            Self::InvalidDate => "invalid_date",
        }
    }
}
