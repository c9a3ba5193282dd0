use std::collections::BTreeMap;

use cauce_model::BatchResult;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Ledger, LedgerError, read, read_all, remove, update};

/// Trades that are to be delivered together. It is here until what the platform answered is in the lake's `ops_deliveries`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Where it goes.
    pub sink: String,
    /// What it is known by, here and there: it follows from its trades.
    pub id: String,
    /// When it was put together: the older goes first.
    pub made_at: DateTime<Utc>,
    /// Its trades, as they are sent.
    pub trades: Vec<Value>,
    /// What tells each of them and all that is said of it.
    pub hashes: Vec<String>,
    /// Tries that failed.
    #[serde(default)]
    pub failures: u32,
    /// Why the last of them did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// It failed too often, and waits until somebody says so.
    #[serde(default)]
    pub set_aside: bool,
    /// What became of it, until that is in the lake. Its trades are not needed any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<BatchResult>,
}

impl Batch {
    const PREFIX: &'static str = "delivery/";

    /// In the order in which batches were made.
    fn key(&self) -> String {
        format!("{}{}/{:014}-{}", Self::PREFIX, self.sink, self.made_at.timestamp_millis(), self.id)
    }

    /// Those of one sink, the oldest first; also such whose answer is not in the lake yet.
    pub async fn of(ledger: &dyn Ledger, sink: &str) -> Result<Vec<Self>, LedgerError> {
        read_all(ledger, &format!("{}{sink}/", Self::PREFIX)).await
    }

    /// Those of all sinks.
    pub async fn all(ledger: &dyn Ledger) -> Result<Vec<Self>, LedgerError> {
        read_all(ledger, Self::PREFIX).await
    }

    /// It waits to be sent.
    pub fn is_waiting(&self) -> bool {
        !self.set_aside && self.answer.is_none()
    }

    /// Keeps it, or what changed about it.
    pub async fn put(&self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        update(ledger, &self.key(), |_: Option<Self>| (Some(self.clone()), ())).await
    }

    /// Forgets it: what was answered is in the lake.
    pub async fn remove(&self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        remove(ledger, &self.key()).await?;
        Ok(())
    }

    /// Lets it go again, if it is still there.
    pub async fn retry(&self, ledger: &dyn Ledger) -> Result<bool, LedgerError> {
        update(ledger, &self.key(), |known: Option<Self>| match known {
            Some(batch) => (Some(Self { failures: 0, set_aside: false, ..batch }), true),
            None => (None, false),
        })
        .await
    }
}

/// Of which state of each account's trades everything was put into batches: the tags of their objects.
#[derive(Debug, Clone, Copy)]
pub struct Batched;

impl Batched {
    fn key(sink: &str) -> String {
        format!("delivery-state/{sink}")
    }

    /// By account.
    pub async fn get(ledger: &dyn Ledger, sink: &str) -> Result<BTreeMap<String, String>, LedgerError> {
        Ok(read(ledger, &Self::key(sink)).await?.unwrap_or_default())
    }

    /// Notes a state of one account's trades.
    pub async fn note(ledger: &dyn Ledger, sink: &str, account: &str, tag: &str) -> Result<(), LedgerError> {
        update(ledger, &Self::key(sink), |known: Option<BTreeMap<String, String>>| {
            let mut known = known.unwrap_or_default();
            known.insert(account.to_owned(), tag.to_owned());
            (Some(known), ())
        })
        .await
    }
}
