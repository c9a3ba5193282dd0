//! The ledger: the small operational store beside the lake. Leases, limiter slots, breakers, cursors and running
//! jobs; never facts. Apart from identities it can be rebuilt.
//!
//! A [`Ledger`] is as little as every store has: items with a version, and a write that succeeds only if the version
//! is the expected one. All that Cauce keeps there is made of that, once, for every adapter.

mod accounts;
pub mod conformance;
mod deliveries;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod jobs;
mod lease;
mod metered;
mod slots;
mod sqlite;

pub use accounts::{AccountBook, Fetched, KeyTag, Pause};
use async_trait::async_trait;
pub use deliveries::{Batch, Batched};
#[cfg(feature = "dynamodb")]
pub use dynamodb::DynamoLedger;
pub use jobs::{Job, Jobs};
pub use lease::{Acquired, Lease};
pub use metered::MeteredLedger;
use serde::{Serialize, de::DeserializeOwned};
pub use slots::Slots;
pub use sqlite::SqliteLedger;
use thiserror::Error;

/// What goes wrong with a ledger.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The store behind it failed.
    #[error("ledger '{place}': {source}")]
    Store {
        /// Which ledger.
        place: String,
        /// What the store said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item is not what its reader expects: another version of Cauce wrote it.
    #[error("ledger item '{key}' can't be read: {source}")]
    Unreadable {
        /// Which item.
        key: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Others changed an item again and again, and this writer never came through.
    #[error("ledger item '{key}' is changed by others all the time; gave up after {tries} tries")]
    Contended {
        /// Which item.
        key: String,
        /// How often it was tried.
        tries: u32,
    },
}

/// An item as stored: JSON text, and the version that a conditional write names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// JSON.
    pub value: String,
    /// Rises with every write of this key; never reused while the key exists.
    pub version: i64,
}

/// A store of versioned items.
#[async_trait]
pub trait Ledger: std::fmt::Debug + Send + Sync {
    /// The item of this key.
    async fn get(&self, key: &str) -> Result<Option<Item>, LedgerError>;

    /// Writes the item if its version is still `expected`; none means that there must be no item. Answers whether it
    /// was written.
    async fn put_if(&self, key: &str, value: &str, expected: Option<i64>) -> Result<bool, LedgerError>;

    /// Deletes the item if its version is still `expected`. Answers whether it was deleted.
    async fn delete_if(&self, key: &str, expected: i64) -> Result<bool, LedgerError>;

    /// All items whose key begins with `prefix`, in the order of their keys.
    async fn list(&self, prefix: &str) -> Result<Vec<(String, Item)>, LedgerError>;
}

/// Tries of a contended write. Each loser means that another writer won, so this is about 100 writers at once.
const TRIES: u32 = 100;

/// Reads an item, changes it, and writes it if nobody else has meanwhile; else again from the start. `change` gets
/// none for a missing item and answers the new value and a result; without a new value nothing is written.
pub async fn update<T, R>(
    ledger: &dyn Ledger,
    key: &str,
    mut change: impl FnMut(Option<T>) -> (Option<T>, R) + Send,
) -> Result<R, LedgerError>
where
    T: Serialize + DeserializeOwned + Send,
    R: Send,
{
    for _ in 0..TRIES {
        let found = ledger.get(key).await?;
        let expected = found.as_ref().map(|item| item.version);
        let value = found.map(|item| decode(key, &item.value)).transpose()?;
        let (changed, result) = change(value);
        let Some(changed) = changed else { return Ok(result) };
        if ledger.put_if(key, &encode(key, &changed)?, expected).await? {
            return Ok(result);
        }
    }
    Err(LedgerError::Contended { key: key.to_owned(), tries: TRIES })
}

/// Reads an item.
pub async fn read<T: DeserializeOwned>(ledger: &dyn Ledger, key: &str) -> Result<Option<T>, LedgerError> {
    ledger.get(key).await?.map(|item| decode(key, &item.value)).transpose()
}

/// Items whose key begins with `prefix`, in the order of their keys.
pub async fn read_all<T: DeserializeOwned>(ledger: &dyn Ledger, prefix: &str) -> Result<Vec<T>, LedgerError> {
    let items = ledger.list(prefix).await?;
    items.iter().map(|(key, item)| decode(key, &item.value)).collect()
}

/// Deletes an item, whoever changes it meanwhile. Answers whether there was one.
pub async fn remove(ledger: &dyn Ledger, key: &str) -> Result<bool, LedgerError> {
    for _ in 0..TRIES {
        let Some(item) = ledger.get(key).await? else { return Ok(false) };
        if ledger.delete_if(key, item.version).await? {
            return Ok(true);
        }
    }
    Err(LedgerError::Contended { key: key.to_owned(), tries: TRIES })
}

fn decode<T: DeserializeOwned>(key: &str, value: &str) -> Result<T, LedgerError> {
    serde_json::from_str(value).map_err(|source| LedgerError::Unreadable { key: key.to_owned(), source })
}

fn encode<T: Serialize>(key: &str, value: &T) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|source| LedgerError::Unreadable { key: key.to_owned(), source })
}
