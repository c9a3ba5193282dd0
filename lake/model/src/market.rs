//! Markets: a venue, an asset, a currency, and the side of whoever takes an offer.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::BadValue;

macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $field:literal, $longest:literal, $ok:expr, $reason:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The code as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadValue;

            fn from_str(text: &str) -> Result<Self, BadValue> {
                let ok: fn(char) -> bool = $ok;
                if text.is_empty() || text.len() > $longest || !text.chars().all(ok) {
                    return Err(BadValue::new($field, text, $reason));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadValue;

            fn try_from(text: String) -> Result<Self, BadValue> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> Self {
                code.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code! {
    /// A place that answers with offers: `binance_p2p`, `bybit_p2p` …
    Venue, "venue", 32, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_',
    "is not 1 to 32 of a-z, 0-9 and '_'"
}
code! {
    /// What is bought and sold: `USDT`, `BTC` … (a venue may trade a currency as an asset).
    Asset, "asset", 20, |c| c.is_ascii_uppercase() || c.is_ascii_digit(),
    "is not 1 to 20 of A-Z and 0-9"
}
code! {
    /// The currency that pays for it: an ISO 4217 code, or what a venue uses in its place.
    Fiat, "fiat", 8, |c| c.is_ascii_uppercase() || c.is_ascii_digit(),
    "is not 1 to 8 of A-Z and 0-9"
}

/// What the **taker** does: whoever answers an offer. `Buy` means that the taker buys the asset, so the
/// offers asked for are makers' offers to sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TradeType {
    /// The taker buys; makers sell. The lowest price is best.
    Buy,
    /// The taker sells; makers buy. The highest price is best.
    Sell,
}

impl TradeType {
    /// Both, in the order in which they are listed everywhere.
    pub const ALL: [Self; 2] = [Self::Buy, Self::Sell];

    /// `BUY` or `SELL`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }

    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// What a maker does whose offer this taker takes.
    pub fn maker(self) -> MakerSide {
        match self {
            Self::Buy => MakerSide::Sell,
            Self::Sell => MakerSide::Buy,
        }
    }
}

impl FromStr for TradeType {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        match text {
            "BUY" | "buy" => Ok(Self::Buy),
            "SELL" | "sell" => Ok(Self::Sell),
            _ => Err(BadValue::new("trade_type", text, "is neither BUY nor SELL")),
        }
    }
}

impl fmt::Display for TradeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the **maker** does, as the venue states it in the offer itself. Kept for audit: a price's side is
/// never derived from its level, because P2P books are often crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MakerSide {
    /// The maker buys the asset.
    Buy,
    /// The maker sells the asset.
    Sell,
}

impl MakerSide {
    /// `BUY` or `SELL`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }

    /// What a taker does who takes this maker's offer.
    pub fn taker(self) -> TradeType {
        match self {
            Self::Buy => TradeType::Sell,
            Self::Sell => TradeType::Buy,
        }
    }
}

impl FromStr for MakerSide {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        match text {
            "BUY" => Ok(Self::Buy),
            "SELL" => Ok(Self::Sell),
            _ => Err(BadValue::new("maker_side", text, "is neither BUY nor SELL")),
        }
    }
}

/// One side of one pair at one venue: what a snapshot is a snapshot of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Market {
    /// Where.
    pub venue: Venue,
    /// What is traded.
    pub asset: Asset,
    /// What pays for it.
    pub fiat: Fiat,
    /// What the taker does.
    pub trade_type: TradeType,
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}:{}", self.venue, self.asset, self.fiat, self.trade_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_field_value_and_reason() {
        let refused = "usdt".parse::<Asset>().unwrap_err();
        assert_eq!(refused.to_string(), "asset: 'usdt' is not 1 to 20 of A-Z and 0-9");
        assert!("".parse::<Venue>().is_err());
        assert!("VES;".parse::<Fiat>().is_err());
        assert!("hold".parse::<TradeType>().is_err());
    }

    #[test]
    fn maker_and_taker_stand_on_opposite_sides() {
        for taker in TradeType::ALL {
            assert_eq!(taker.maker().taker(), taker);
            assert_ne!(taker.maker().as_str(), taker.as_str());
            assert_eq!(taker.opposite().opposite(), taker);
        }
    }
}
