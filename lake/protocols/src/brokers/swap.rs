//! What was given for what was got, as a fill of one pair: one of the two is what the price is in.

use cauce_model::{Fill, Side};
use rust_decimal::Decimal;

use super::{
    record::{Result, Told, Values},
    time::Moment,
};

/// One side of an exchange.
#[derive(Debug)]
pub(super) struct Leg {
    /// The column of its amount.
    pub(super) name: &'static str,
    pub(super) amount: Decimal,
    pub(super) asset: String,
}

impl Leg {
    /// The side whose amount and asset stand in these columns.
    pub(super) fn of(row: &Values<'_>, amount: &'static str, asset: &str) -> Result<Self> {
        Ok(Self { name: amount, amount: row.need_number(amount)?, asset: row.need(asset)? })
    }
}

/// How near to money an asset is: that of a pair which is nearer is what its price is in.
fn rank(asset: &str) -> u8 {
    const STABLE: [&str; 11] =
        ["USDT", "USDC", "DAI", "BUSD", "TUSD", "FDUSD", "USDP", "GUSD", "PYUSD", "GBPX", "EURX"];
    const MONEY: [&str; 22] = [
        "USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "BRL", "ARS",
        "COP", "VES", "MXN", "CLP", "PEN", "BOB", "UYU", "TRY",
    ];
    match asset.to_uppercase().as_str() {
        asset if MONEY.contains(&asset) => 5,
        asset if STABLE.contains(&asset) => 4,
        "BTC" | "XBT" => 3,
        "ETH" => 2,
        "BNB" => 1,
        _ => 0,
    }
}

/// The fill that an exchange is: what was given is what was paid, unless it is farther from money than what was got.
pub(super) fn swapped(row: &Values<'_>, got: Leg, gave: Leg, at: Moment) -> Result<Fill> {
    let is_sale = rank(&got.asset) > rank(&gave.asset);
    let (base, quote, side) = if is_sale { (gave, got, Side::Sell) } else { (got, gave, Side::Buy) };
    let price = row.ratio((quote.name, quote.amount), (base.name, base.amount))?;
    let (base_name, quote_name) = (base.asset.to_uppercase(), quote.asset.to_uppercase());
    let symbol = format!("{base_name}/{quote_name}");
    let fill = row.fill(symbol, side, (base.name, base.amount), (quote.name, price), at)?;
    Ok(fill.of(Some(base_name), Some(quote_name)))
}
