//! What passes have seen.

use std::collections::{BTreeMap, BTreeSet};

use cauce_model::AccountId;
use chrono::NaiveDate;
use object_store::{ObjectMeta, ObjectStoreExt, UpdateVersion, path::Path};
use serde::{Deserialize, Serialize};

use crate::{MaintainError, Maintainer};

/// Where it stands. Readers of folders pass over names that begin so.
const SEEN: &str = "tables/fact_trades/_inputs.json";

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

pub(super) async fn read(
    maintainer: &Maintainer,
) -> Result<(Option<Seen>, Option<UpdateVersion>), MaintainError> {
    let read = match maintainer.store.get(&Path::from(SEEN)).await {
        Ok(read) => read,
        Err(object_store::Error::NotFound { .. }) => return Ok((None, None)),
        Err(error) => return Err(error.into()),
    };
    let ObjectMeta { e_tag, version, .. } = read.meta.clone();
    // What can't be read is as good as nothing: every account is looked at again.
    let seen = serde_json::from_slice(&read.bytes().await?).ok();
    Ok((seen, Some(UpdateVersion { e_tag, version })))
}

/// Notes what was seen in place of what was read; where another pass was first, its note stays, and the next pass looks again.
pub(super) async fn note(
    maintainer: &Maintainer,
    seen: &Seen,
    version: Option<UpdateVersion>,
) -> Result<(), MaintainError> {
    let bytes = serde_json::to_vec(seen).map_err(cauce_tables::WriteError::from)?;
    maintainer.put_if(&Path::from(SEEN), bytes.into(), version).await?;
    Ok(())
}
