use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ring::{hmac, signature};

/// How a simulated broker treats an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// As it should.
    #[default]
    Well,
    /// Its key was deleted.
    Revoked,
    /// Its key may not read trades.
    NotPermitted,
    /// Its key may not read trades of futures.
    NoFutures,
    /// It is never answered.
    Hanging,
    /// Its fills come cut short.
    Corrupt,
}

/// What verifies an account's signatures.
#[derive(Debug, Clone)]
pub enum Verifier {
    /// The secret itself.
    Hmac(String),
    /// The public key, 32 bytes.
    Ed25519(Vec<u8>),
}

impl Verifier {
    pub(super) fn holds(&self, signed: &str, by: &str) -> bool {
        match self {
            Self::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                let tag = hmac::sign(&key, signed.as_bytes());
                let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
                hex == by
            }
            Self::Ed25519(public) => {
                let by = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, by).unwrap_or_default();
                let public = signature::UnparsedPublicKey::new(&signature::ED25519, public);
                public.verify(signed.as_bytes(), &by).is_ok()
            }
        }
    }
}

/// A fill at the simulated broker. Numbers as they are written there.
#[derive(Debug, Clone)]
pub struct SimulatedFill {
    /// Its number in its symbol.
    pub id: i64,
    /// Bought or sold.
    pub is_buyer: bool,
    /// How much.
    pub quantity: String,
    /// Of one.
    pub price: String,
    /// What it cost.
    pub commission: String,
    /// In which asset.
    pub commission_asset: String,
    /// What it realized, of futures.
    pub realized: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// An account at the simulated broker.
#[derive(Debug, Clone)]
pub struct BrokerAccount {
    /// The name of its key.
    pub key: String,
    /// What verifies its signatures.
    pub verifier: Verifier,
    /// How it is treated.
    pub mood: Mood,
    /// What it has, by asset.
    pub balances: BTreeMap<String, String>,
    /// What it traded, by symbol, in the order of their ids. Those of futures have the market before the symbol: `fapi:BTCUSDT`.
    pub fills: BTreeMap<String, Vec<SimulatedFill>>,
    /// Requests that it was answered.
    pub answered: u32,
}

impl BrokerAccount {
    /// An account that traded nothing.
    pub fn new(key: &str, verifier: Verifier) -> Self {
        Self {
            key: key.to_owned(),
            verifier,
            mood: Mood::Well,
            balances: BTreeMap::new(),
            fills: BTreeMap::new(),
            answered: 0,
        }
    }
}
