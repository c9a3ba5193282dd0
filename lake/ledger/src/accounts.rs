use std::collections::BTreeMap;

use cauce_model::{Account, AccountId, AccountStatus};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Ledger, LedgerError, read, read_all, remove, update};

/// Accounts that were made through the API or the command line. Those of the configuration are not here.
#[derive(Debug, Clone, Copy)]
pub struct AccountBook;

impl AccountBook {
    const PREFIX: &'static str = "account/";

    fn key(id: &AccountId) -> String {
        format!("{}{id}", Self::PREFIX)
    }

    /// All of them, by their ids.
    pub async fn all(ledger: &dyn Ledger) -> Result<Vec<Account>, LedgerError> {
        read_all(ledger, Self::PREFIX).await
    }

    /// One of them.
    pub async fn get(ledger: &dyn Ledger, id: &AccountId) -> Result<Option<Account>, LedgerError> {
        read(ledger, &Self::key(id)).await
    }

    /// Makes an account, or puts it in place of the one of this id. Answers whether it is new.
    pub async fn put(ledger: &dyn Ledger, account: &Account) -> Result<bool, LedgerError> {
        let key = Self::key(&account.id);
        update(ledger, &key, |known: Option<Account>| (Some(account.clone()), known.is_none())).await
    }

    /// Forgets an account, and where fetching it goes on; its trades stay in the lake. Answers whether there was one.
    pub async fn remove(ledger: &dyn Ledger, id: &AccountId) -> Result<bool, LedgerError> {
        Fetched::forget(ledger, id).await?;
        remove(ledger, &Self::key(id)).await
    }
}

/// Why an account is not asked any more until somebody says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Which account.
    pub account_id: AccountId,
    /// What became of its last import.
    pub status: AccountStatus,
    /// What the broker said.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Pause {
    const PREFIX: &'static str = "account-pause/";

    fn key(id: &AccountId) -> String {
        format!("{}{id}", Self::PREFIX)
    }

    /// Accounts that are paused.
    pub async fn all(ledger: &dyn Ledger) -> Result<Vec<Self>, LedgerError> {
        read_all(ledger, Self::PREFIX).await
    }

    /// Pauses an account.
    pub async fn set(&self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        update(ledger, &Self::key(&self.account_id), |known: Option<Self>| {
            (Some(known.unwrap_or_else(|| self.clone())), ())
        })
        .await
    }

    /// Lets an account be asked again. Answers whether it was paused.
    pub async fn lift(ledger: &dyn Ledger, id: &AccountId) -> Result<bool, LedgerError> {
        remove(ledger, &Self::key(id)).await
    }
}

/// Which key it was, without saying it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KeyTag(String);

impl KeyTag {
    /// Of a key by its name.
    pub fn of(name: &str) -> Self {
        Self(blake3::hash(name.as_bytes()).to_hex()[..16].to_owned())
    }
}

/// Where fetching the trades of an account goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fetched {
    /// Which account.
    pub account_id: AccountId,
    /// With which key: another one may be of another account at the broker, and is begun anew.
    #[serde(default)]
    pub key: KeyTag,
    /// When it was asked last.
    pub at: DateTime<Utc>,
    /// What each connector said of where it goes on.
    pub cursors: BTreeMap<String, Value>,
}

impl Fetched {
    const PREFIX: &'static str = "account-fetched/";

    fn key_of(id: &AccountId) -> String {
        format!("{}{id}", Self::PREFIX)
    }

    /// Of all accounts that were ever asked.
    pub async fn all(ledger: &dyn Ledger) -> Result<Vec<Self>, LedgerError> {
        read_all(ledger, Self::PREFIX).await
    }

    /// Of one account, if it was ever asked.
    pub async fn get(ledger: &dyn Ledger, id: &AccountId) -> Result<Option<Self>, LedgerError> {
        read(ledger, &Self::key_of(id)).await
    }

    /// Forgets where it goes on: all is asked for again.
    pub async fn forget(ledger: &dyn Ledger, id: &AccountId) -> Result<bool, LedgerError> {
        remove(ledger, &Self::key_of(id)).await
    }

    /// Notes that an account was asked at a time, and where one of its connectors goes on.
    pub async fn note(
        ledger: &dyn Ledger,
        id: &AccountId,
        key: &KeyTag,
        at: DateTime<Utc>,
        goes_on: Option<(&str, &Value)>,
    ) -> Result<(), LedgerError> {
        update(ledger, &Self::key_of(id), |known: Option<Self>| {
            let new = || Self { account_id: id.clone(), key: key.clone(), at, cursors: BTreeMap::new() };
            let mut fetched = known.filter(|known| known.key == *key).unwrap_or_else(new);
            fetched.at = at.max(fetched.at);
            fetched.cursors.extend(goes_on.map(|(name, cursor)| (name.to_owned(), cursor.clone())));
            (Some(fetched), ())
        })
        .await
    }
}
