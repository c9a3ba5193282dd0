//! Brokers that are asked for the trades of an account.
//!
//! A connector is pure, too: a [`Session`] says what to ask next, is told the answer, and knows where the next session of the
//! account goes on. Who sends, waits and keeps is elsewhere. Answers that have trades are kept verbatim, and are read as files
//! are, by a layout of the broker.

use std::{collections::BTreeMap, fmt, fmt::Debug, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;
use thiserror::Error;

use super::binance;

/// Every broker that can be asked.
pub fn connectors() -> &'static [&'static dyn Connector] {
    ALL
}

/// The connector of this name.
pub fn find_connector(name: &str) -> Option<&'static dyn Connector> {
    ALL.iter().copied().find(|connector| connector.name() == name)
}

static ALL: &[&dyn Connector] = &[&binance::SPOT, &binance::USD_M, &binance::COIN_M];

/// A broker, or one of its markets, that is asked over HTTP.
pub trait Connector: Debug + Send + Sync {
    /// Its name: small letters, digits and `_`. Its server has the same.
    fn name(&self) -> &'static str;

    /// Where it is, without a slash at the end.
    fn base_url(&self) -> &'static str;

    /// What its server takes in a minute, in its own measure: see [`Ask::weight`].
    fn weight_per_minute(&self) -> u32;

    /// Begins to ask, where the session before it left off: `cursor` is what that one said. An error is that the key can't
    /// be used to sign.
    fn session(&'static self, begin: Begin<'_>) -> Result<Box<dyn Session>, String>;
}

/// What a session begins with.
#[derive(Debug, Clone, Copy)]
pub struct Begin<'a> {
    /// Who asks.
    pub login: &'a Login,
    /// Where the session before left off; none for the first.
    pub cursor: Option<&'a Value>,
    /// Symbols that are asked for in any case.
    pub symbols: &'a [String],
    /// What its server may be asked in a minute by everybody here.
    pub weight_per_minute: u32,
    /// The time of the asking machine.
    pub now: DateTime<Utc>,
}

/// Who asks: the name of a key and its secret. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The key's name, which is sent.
    pub key: String,
    /// What it signs with.
    pub secret: String,
}

impl Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

/// The conversation with one broker about one account.
pub trait Session: Debug + Send {
    /// What to ask next; none when there is no more. What failed is asked again.
    fn next(&mut self, now: DateTime<Utc>) -> Option<Ask>;

    /// Takes the answer to what was asked last.
    fn hear(&mut self, reply: &Reply<'_>) -> Result<Heard, Trouble>;

    /// Where the next session goes on, once all that was heard before is kept.
    fn cursor(&self) -> Value;

    /// What could not be had though the rest could: for people.
    fn problems(&self) -> &[String];
}

/// A request.
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// Whose server is asked: the name of a connector.
    pub server: &'static str,
    /// Path and query, signed where it is to be.
    pub path: String,
    /// The same without the signature, as it is kept.
    pub shown: String,
    /// Headers that say who asks. They are kept nowhere.
    pub headers: Vec<(&'static str, String)>,
    /// What it costs, in the server's measure.
    pub weight: u32,
    /// The answer is the same for everybody who asks.
    pub is_common: bool,
}

impl Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ask({} {})", self.server, self.shown)
    }
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// HTTP status.
    pub status: u16,
    /// Headers, their names in small letters.
    pub headers: &'a BTreeMap<String, String>,
    /// The bytes.
    pub body: &'a [u8],
    /// When the request left.
    pub sent_at: DateTime<Utc>,
    /// When the answer was there.
    pub received_at: DateTime<Utc>,
}

/// What an answer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// It has trades, and is kept.
    pub has_trades: bool,
    /// The server is near its limit: nobody asks it for so long.
    pub rest: Option<Duration>,
}

/// Why an answer does not help.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Trouble {
    /// Asked again at once, it may: [`Session::next`] has something else first.
    #[error("{0}")]
    Again(String),
    /// Asked again later, it may.
    #[error("{0}")]
    Passing(String),
    /// The server wants to be left alone.
    #[error("the broker wants to be left alone for {}s: {why}", wait.as_secs())]
    Wait {
        /// For so long.
        wait: Duration,
        /// What it said.
        why: String,
    },
    /// The broker does not know the key any more.
    #[error("{0}")]
    KeyRevoked(String),
    /// The key may not read trades.
    #[error("{0}")]
    KeyNotPermitted(String),
    /// It would not be answered otherwise if it was asked again.
    #[error("{0}")]
    Refused(String),
}
