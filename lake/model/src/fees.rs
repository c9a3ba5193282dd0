use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::Venue;

/// What trading costs beside the price, as shares of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fees {
    /// What venues take from takers.
    pub venues: BTreeMap<Venue, TakerFees>,
    /// By payment method: for who pays and for who is paid alike.
    pub payment_methods: BTreeMap<String, Decimal>,
}

/// What a venue takes from takers. Less than zero is what it gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakerFees {
    /// Of the price, from one who buys.
    pub buy: Decimal,
    /// Of the price, from one who sells.
    pub sell: Decimal,
}
