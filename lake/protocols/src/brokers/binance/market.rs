//! Binance's markets, each with a server, paths and weights of its own (its documentation, "Account trade list" and "Limits").

use super::{
    super::connector::{Begin, Connector, Session},
    session::Conversation,
};

/// One of Binance's markets.
#[derive(Debug)]
pub(in super::super) struct Market {
    pub(super) name: &'static str,
    base_url: &'static str,
    /// What its paths begin with.
    pub(super) prefix: &'static str,
    /// The path of an account's fills.
    pub(super) trades: &'static str,
    pub(super) weights: Weights,
    weight_per_minute: u32,
    /// It says of balances and not of incomes what an account traded.
    pub(super) is_spot: bool,
}

/// What its requests cost.
#[derive(Debug)]
pub(super) struct Weights {
    pub(super) trades: u32,
    /// Balances, or positions.
    pub(super) account: u32,
    /// Of the spot market what symbols there are; of futures what an account earned and paid.
    pub(super) discovery: u32,
}

pub(in super::super) static SPOT: Market = Market {
    name: "binance_spot",
    base_url: "https://api.binance.com",
    prefix: "/api/v3",
    trades: "myTrades",
    weights: Weights { trades: 20, account: 20, discovery: 20 },
    weight_per_minute: 6_000,
    is_spot: true,
};

pub(in super::super) static USD_M: Market = Market {
    name: "binance_usd_m",
    base_url: "https://fapi.binance.com",
    prefix: "/fapi/v1",
    trades: "userTrades",
    weights: Weights { trades: 5, account: 5, discovery: 30 },
    weight_per_minute: 2_400,
    is_spot: false,
};

pub(in super::super) static COIN_M: Market = Market {
    name: "binance_coin_m",
    base_url: "https://dapi.binance.com",
    prefix: "/dapi/v1",
    trades: "userTrades",
    weights: Weights { trades: 20, account: 1, discovery: 20 },
    weight_per_minute: 2_400,
    is_spot: false,
};

impl Connector for Market {
    fn name(&self) -> &'static str {
        self.name
    }

    fn base_url(&self) -> &'static str {
        self.base_url
    }

    fn weight_per_minute(&self) -> u32 {
        self.weight_per_minute
    }

    fn session(&'static self, begin: Begin<'_>) -> Result<Box<dyn Session>, String> {
        Ok(Box::new(Conversation::new(self, begin)?))
    }
}
