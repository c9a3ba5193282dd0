//! What passes have seen.

use std::collections::{BTreeMap, BTreeSet};

use cauce_model::AccountId;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Where it stands. Readers of folders pass over names that begin so.
pub(super) const SEEN: &str = "tables/fact_trades/_inputs.json";

/// What the last pass saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The rules of that pass.
    pub(super) rules: String,
    /// Days with observations.
    pub(super) days: BTreeMap<NaiveDate, Day>,
    /// What tells the settings of accounts.
    pub(super) settings: BTreeMap<AccountId, String>,
    /// What tells the rates.
    pub(super) rates: String,
    /// Accounts whose figures take rates.
    pub(super) with_rates: BTreeSet<AccountId>,
    /// Accounts that have to be made again whatever happens.
    pub(super) failed: BTreeSet<AccountId>,
}

/// A day with observations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Day {
    /// What tells its files.
    pub(super) state: String,
    /// Whose observations they have.
    pub(super) accounts: BTreeSet<AccountId>,
}

impl Seen {
    pub(super) fn states(&self) -> BTreeMap<NaiveDate, Option<String>> {
        self.days.iter().map(|(day, seen)| (*day, Some(seen.state.clone()))).collect()
    }
}
