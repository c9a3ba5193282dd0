//! Accounts at brokers, and what became of importing their trades.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{AccountId, AccountTerms, RunId, RunStatus, SecretPlace, names::names};

/// How many days of a year an account can trade: what daily figures are scaled to a year by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradingDays {
    /// Every day: its venue never closes.
    #[default]
    Always,
    /// Weekdays without holidays, 252 a year.
    Weekdays,
}

impl TradingDays {
    /// Days of a year.
    pub fn per_year(self) -> u32 {
        match self {
            Self::Always => 365,
            Self::Weekdays => 252,
        }
    }
}

/// How the trades of an account are fetched from its broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetching {
    /// The connectors that are asked, all with the same key.
    pub from: Vec<String>,
    /// Where the name of the key is.
    pub key: SecretPlace,
    /// Where its secret is.
    pub secret: SecretPlace,
    /// Symbols that are asked for whatever the broker says that the account has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
}

/// An account at a broker. What it signs in with stands elsewhere, and is never part of this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its id here.
    pub id: AccountId,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    /// What it had before its first trade, in its currency: drawdowns in percent are of it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub starting_balance: Option<Decimal>,
    /// When its venue is open.
    #[serde(default)]
    pub trading_days: TradingDays,
    /// Trades are fetched for it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The schedule that it is fetched by.
    #[serde(default = "default_group")]
    pub group: String,
    /// How its trades are fetched; those of an account without come by files only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<Fetching>,
    /// What its files don't say themselves.
    #[serde(default)]
    pub files: AccountTerms,
}

fn yes() -> bool {
    true
}

fn default_group() -> String {
    "default".to_owned()
}

impl Account {
    /// An account of which nothing is known but its id.
    pub fn bare(id: AccountId) -> Self {
        Self {
            id,
            owner: None,
            broker: None,
            starting_balance: None,
            trading_days: TradingDays::default(),
            enabled: true,
            group: default_group(),
            fetch: None,
            files: AccountTerms::default(),
        }
    }
}

names! {
    /// What became of one account in one import.
    AccountStatus("status") {
        /// All that there was is kept.
        Imported = "imported",
        /// Some of it is no trade that can be read.
        Partial = "partial",
        /// Nothing is.
        Failed = "failed",
        /// The broker does not know the key any more: the account is paused.
        KeyRevoked = "key_revoked",
        /// The key may not read trades: the account is paused.
        KeyNotPermitted = "key_not_permitted",
        /// It was not asked: it is paused, or the time was over.
        Skipped = "skipped",
    }
}

/// One account of an import, a row of `ops_account_results`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountResult {
    /// Which.
    pub account_id: AccountId,
    /// What became of it.
    pub status: AccountStatus,
    /// Fills that were new.
    pub trades: u32,
    /// Fills that were there already.
    pub duplicates: u32,
    /// Rows that can't be read.
    pub rejected: u32,
    /// Rows that are recognised, and no trades.
    pub skipped: u32,
    /// Why not all is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
}

/// What became of an import: the body of an `import_report`, and from it rows of `ops_account_results`, and one of
/// `ops_batch_runs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// The run.
    pub run_id: RunId,
    /// Its first moment.
    pub started_at: DateTime<Utc>,
    /// Its last.
    pub ended_at: DateTime<Utc>,
    /// Account by account.
    pub accounts: Vec<AccountResult>,
    /// The trace in which it happened, where whoever started it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl ImportReport {
    /// The job's name in `ops_batch_runs`.
    pub const JOB: &'static str = "trade_import";

    /// The status that follows from how the accounts fared.
    pub fn status(&self) -> RunStatus {
        let failed = self.failed();
        if failed > 0 && failed == self.accounts.len() {
            return RunStatus::Failed;
        }
        match self.accounts.iter().all(|account| account.status == AccountStatus::Imported) {
            true => RunStatus::Completed,
            false => RunStatus::Partial,
        }
    }

    /// Accounts of which nothing could be imported.
    pub fn failed(&self) -> usize {
        self.accounts.iter().filter(|account| account.status.is_failure()).count()
    }
}

impl AccountStatus {
    /// Whether nothing could be imported.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::KeyRevoked | Self::KeyNotPermitted)
    }
}
