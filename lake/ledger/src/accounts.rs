use cauce_model::{Account, AccountId, AccountStatus};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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

    /// Forgets an account; its trades stay in the lake. Answers whether there was one.
    pub async fn remove(ledger: &dyn Ledger, id: &AccountId) -> Result<bool, LedgerError> {
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
