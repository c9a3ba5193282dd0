//! Deletes what nobody needs any more: hot files whose raw objects others cover, what a replay replaced long ago, and
//! what the retention says.
//!
//! A hot file goes when each of its raw objects is in a seal, or in a hot file that comes after it in one fixed order:
//! by the number of raw objects, then by name. So of two files that cover the same, two collectors that see different
//! moments can't delete one each. And it goes only when the file that covers it is older than the grace.

use std::collections::{HashMap, HashSet};

use cauce_model::RawId;
use cauce_tables::{CountedFile, Days, Derived, Table, Zone};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use serde::Serialize;

use crate::{MaintainError, Maintainer};

/// Why an object is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Other files cover all that it covers.
    Covered,
    /// A replay replaced it long ago.
    Replaced,
    /// Its day is older than rows are kept.
    TableRetention,
    /// Its day is older than raw objects are kept.
    RawRetention,
}

impl Reason {
    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Covered => "other files cover all that it covers",
            Self::Replaced => "a replay replaced it, and it was kept long enough",
            Self::TableRetention => "its day is older than rows are kept",
            Self::RawRetention => "its day is older than raw objects are kept",
        }
    }
}

/// An object that was deleted, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Its key.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Why.
    pub reason: Reason,
}

impl Maintainer {
    /// Deletes what nobody needs. With `dry_run` it only says what it would delete.
    pub async fn collect(&self, now: DateTime<Utc>, dry_run: bool) -> Result<Vec<Collected>, MaintainError> {
        let mut goes: Vec<(ObjectMeta, Reason)> = Vec::new();
        for table in Table::ALL {
            for date in self.planner.unsealed_days(table).await? {
                let files = self.planner.census(table, Days::only(date)).await;
                match files {
                    Ok(files) => {
                        let covered = covered(&files, now - self.settings.grace);
                        goes.extend(covered.into_iter().map(|meta| (meta, Reason::Covered)));
                    }
                    // Another collector is at work on this day.
                    Err(error) if error.vanished() => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let replaced_before = now - self.settings.retention.replaced;
        let replaced = self.everything("replaced").await?.into_iter();
        goes.extend(
            replaced.filter(|meta| meta.last_modified < replaced_before).map(|meta| (meta, Reason::Replaced)),
        );
        // Raw objects first: their days are judged by the seals that cover them.
        if let Some(kept) = self.settings.retention.raw {
            let raw = self.old_raw(first_kept(now, kept)).await?;
            goes.extend(raw.into_iter().map(|meta| (meta, Reason::RawRetention)));
        }
        if let Some(kept) = self.settings.retention.tables {
            let old = self.old_rows(first_kept(now, kept)).await?;
            goes.extend(old.into_iter().map(|meta| (meta, Reason::TableRetention)));
        }
        let mut collected = Vec::with_capacity(goes.len());
        for (meta, reason) in goes {
            if !dry_run {
                fail::fail_point!("collect.before_delete");
                match self.store.delete(&meta.location).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            collected.push(Collected { path: meta.location.to_string(), bytes: meta.size, reason });
        }
        if !dry_run && !collected.is_empty() {
            tracing::info!(objects = collected.len(), "collected what nobody needs");
        }
        Ok(collected)
    }

    async fn everything(&self, folder: &str) -> Result<Vec<ObjectMeta>, MaintainError> {
        Ok(self.store.list(Some(&Path::from(folder))).try_collect().await?)
    }

    /// Raw objects of days before `first` that seals cover in every table that they feed. What is not sealed is not
    /// old enough, whatever its day.
    async fn old_raw(&self, first: NaiveDate) -> Result<Vec<ObjectMeta>, MaintainError> {
        let mut old = Vec::new();
        for day in self.raw.days().await?.into_iter().filter(|day| *day < first) {
            let mut sealed: HashSet<(Table, RawId)> = HashSet::new();
            for table in Table::ALL {
                let files = self.planner.census(table, Days::only(day)).await?;
                for file in files.iter().filter(|file| file.zone == Zone::Sealed) {
                    sealed.extend(file.covers().iter().map(|object| (table, object.raw_id.clone())));
                }
            }
            for (id, meta) in self.raw.on(day).await? {
                let is_sealed = |table: &Table| sealed.contains(&(*table, id.clone()));
                if Table::fed_by(&id).iter().all(is_sealed) {
                    old.push(meta);
                } else {
                    tracing::warn!(
                        raw_id = id.as_str(),
                        "older than raw objects are kept, but not sealed: kept"
                    );
                }
            }
        }
        Ok(old)
    }

    /// Files of days before `first`, of both zones.
    async fn old_rows(&self, first: NaiveDate) -> Result<Vec<ObjectMeta>, MaintainError> {
        let Some(last) = first.pred_opt() else { return Ok(Vec::new()) };
        let mut old = Vec::new();
        // Positions are opened years before they are closed: the journal needs every trade.
        for table in Table::ALL.into_iter().filter(|table| *table != Table::TradeObservations) {
            let files = self.planner.census(table, Days { first: None, last: Some(last) }).await?;
            // Hot files first: without its seal, a hot file that the seal covered would be read again.
            let (hot, sealed): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.zone == Zone::Hot);
            old.extend(hot.into_iter().chain(sealed).map(|file| file.meta));
        }
        for table in Derived::ALL.into_iter().filter(|table| table.by_day()) {
            let files = self.planner.derived(table, Days { first: None, last: Some(last) }).await?;
            old.extend(files.into_iter().map(|file| file.meta));
        }
        Ok(old)
    }
}

/// The first day that is kept.
pub(crate) fn first_kept(now: DateTime<Utc>, kept: TimeDelta) -> NaiveDate {
    (now - kept).date_naive()
}

/// Hot files of a day that other files cover, all of which were there before `before`.
fn covered(files: &[CountedFile], before: DateTime<Utc>) -> Vec<ObjectMeta> {
    let place = |file: &CountedFile| (file.covers().len(), file.meta.location.clone());
    // For each raw object the places of the hot files that cover it, with their versions.
    let mut seals: HashSet<&RawId> = HashSet::new();
    let mut hot: HashMap<&RawId, Vec<(usize, i32)>> = HashMap::new();
    for (index, file) in files.iter().enumerate().filter(|(_, file)| file.meta.last_modified < before) {
        for object in file.covers() {
            match file.zone {
                Zone::Sealed => {
                    seals.insert(&object.raw_id);
                }
                Zone::Hot => {
                    hot.entry(&object.raw_id).or_default().push((index, object.normalizer_version));
                }
            }
        }
    }
    let goes = |file: &&CountedFile| {
        let own = place(file);
        file.covers().iter().all(|object| {
            let better = |(index, version): &(usize, i32)| {
                *version >= object.normalizer_version && place(&files[*index]) > own
            };
            seals.contains(&object.raw_id)
                || hot.get(&object.raw_id).is_some_and(|others| others.iter().any(better))
        })
    };
    files.iter().filter(|file| file.zone == Zone::Hot).filter(goes).map(|file| file.meta.clone()).collect()
}
