//! Reads raw objects again with the rules of today, shows what comes out differently, and rewrites the files.
//!
//! A seal is rewritten in place, with the same raw objects: those that could be read again by the rules of today, all
//! others as they were. It is replaced only if nobody else has replaced it meanwhile, and the one before is kept under
//! `replaced/`. Hot rows are superseded by a hot file of the newer version. A replay that is cut short goes on when it
//! is run again; run twice, it changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cauce_model::RawId;
use cauce_normalize::{Thresholds, VERSION};
use cauce_tables::{
    CountedFile, DayBatch, Days, HotFile, Input, Planner, Table, Zone, merge_for_seal, merge_hot, write,
};
use chrono::{DateTime, NaiveDate, Utc};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, UpdateVersion, memory::InMemory, path::Path};
use serde::Serialize;

use crate::{
    MaintainError, Maintainer,
    diff::{Difference, compare},
};

/// What a replay found in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayedTable {
    /// The table.
    pub table: &'static str,
    /// How its rows differ.
    #[serde(flatten)]
    pub difference: Difference,
    /// Files written anew, or that would be.
    pub rewritten: Vec<String>,
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Replayed {
    /// Raw objects read again.
    pub read: u64,
    /// Raw objects that could not be read again, and why: their rows stay as they are.
    pub carried_over: Vec<(String, String)>,
    /// By table, those in which something was to do.
    pub tables: Vec<ReplayedTable>,
}

/// Rows made anew from raw objects of one day, in a store of their own.
pub(crate) struct Fresh {
    store: Arc<dyn ObjectStore>,
    pub(crate) planner: Planner,
    objects: BTreeSet<RawId>,
    thresholds: Thresholds,
}

impl Maintainer {
    /// Bytes of raw objects, decompressed, that are read at a time.
    const BUNDLE: usize = 128 << 20;

    /// Replays the days wanted. `source` is one source, or all.
    pub async fn replay(
        &self,
        days: Days,
        source: Option<&str>,
        now: DateTime<Utc>,
        dry_run: bool,
    ) -> Result<Replayed, MaintainError> {
        let mut all = BTreeSet::new();
        for table in Table::ALL {
            all.extend(self.planner.unsealed_days(table).await?);
            all.extend(self.planner.sealed_days(table).await?);
        }
        let mut replayed = Replayed::default();
        let mut tables: BTreeMap<Table, ReplayedTable> = BTreeMap::new();
        for day in all.into_iter().filter(|day| days.contains(*day)) {
            let fresh = self.read_again(day, source, &mut replayed).await?;
            for table in Table::ALL {
                let found = self.replay_table(table, day, &fresh, now, dry_run).await?;
                if found.difference.is_none() && found.rewritten.is_empty() {
                    continue;
                }
                let empty =
                    ReplayedTable { difference: Difference::default(), rewritten: Vec::new(), ..found };
                let so_far = tables.entry(table).or_insert(empty);
                so_far.difference.merge(found.difference);
                so_far.rewritten.extend(found.rewritten);
            }
        }
        replayed.tables = tables.into_values().collect();
        Ok(replayed)
    }

    /// Normalizes the day's raw objects again, as far as files cover them: what no file covers is the sweep's.
    async fn read_again(
        &self,
        day: NaiveDate,
        source: Option<&str>,
        replayed: &mut Replayed,
    ) -> Result<Fresh, MaintainError> {
        let mut versions: BTreeMap<RawId, i32> = BTreeMap::new();
        for table in Table::ALL {
            for file in self.planner.census(table, Days::only(day)).await? {
                for object in file.supplies() {
                    let version = versions.entry(object.raw_id.clone()).or_default();
                    *version = object.normalizer_version.max(*version);
                }
            }
        }
        let mut fresh = Fresh::judged_by(self.settings.thresholds);
        let (mut bundle, mut size) = (Vec::new(), 0);
        for (raw, version) in versions {
            if source.is_some_and(|source| source != raw.source()) {
                continue;
            }
            let lines = if version > VERSION {
                Err(format!("was made by rules {version}, newer than {VERSION} of this version of cauce"))
            } else {
                self.raw.read(&raw).await.map_err(|error| error.to_string())
            };
            match lines {
                Ok(lines) => {
                    size += lines.len();
                    bundle.push((raw, lines));
                }
                Err(reason) => replayed.carried_over.push((raw.as_str().to_owned(), reason)),
            }
            if size >= Self::BUNDLE {
                replayed.read += bundle.len() as u64;
                fresh.add(day, std::mem::take(&mut bundle)).await?;
                size = 0;
            }
        }
        replayed.read += bundle.len() as u64;
        fresh.add(day, bundle).await?;
        Ok(fresh)
    }

    async fn replay_table(
        &self,
        table: Table,
        day: NaiveDate,
        fresh: &Fresh,
        now: DateTime<Utc>,
        dry_run: bool,
    ) -> Result<ReplayedTable, MaintainError> {
        for _ in 0..Self::TRIES {
            match self.try_replay_table(table, day, fresh, now, dry_run).await {
                Err(error) if error.is_stale() => {}
                done => return done,
            }
        }
        Err(MaintainError::Contended { what: format!("{table} of {day}"), tries: Self::TRIES })
    }

    async fn try_replay_table(
        &self,
        table: Table,
        day: NaiveDate,
        fresh: &Fresh,
        now: DateTime<Utc>,
        dry_run: bool,
    ) -> Result<ReplayedTable, MaintainError> {
        let made = fresh.planner.census(table, Days::only(day)).await?;
        let files = self.planner.census(table, Days::only(day)).await?;
        let (sealed, hot): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.zone == Zone::Sealed);
        let units = sealed.into_iter().map(|file| vec![file]).chain([hot]);
        let mut found =
            ReplayedTable { table: table.name(), difference: Difference::default(), rewritten: Vec::new() };
        for unit in units {
            let supplied = || unit.iter().flat_map(|file| file.supplies());
            let again: BTreeSet<&RawId> =
                supplied().map(|object| &object.raw_id).filter(|id| fresh.objects.contains(*id)).collect();
            let is_old = supplied()
                .any(|object| again.contains(&object.raw_id) && object.normalizer_version < VERSION);
            let take = |planner: &Planner, file: &CountedFile| {
                Input::supplied_by(planner, file, |id| again.contains(id))
            };
            let old: Vec<Input> = unit.iter().map(|file| take(&self.planner, file)).collect();
            let new: Vec<Input> = made
                .iter()
                .map(|file| take(&fresh.planner, file))
                .filter(|input| !input.objects().is_empty())
                .collect();
            let difference = compare(table, &old, &new).await?;
            let differs = !difference.is_none();
            found.difference.merge(difference);
            match unit.as_slice() {
                [seal] if seal.zone == Zone::Sealed && (differs || is_old) => {
                    if !dry_run {
                        self.rewrite_seal(table, seal, &again, new, now).await?;
                    }
                    found.rewritten.push(seal.meta.location.to_string());
                }
                // Readers take the highest version of hot rows, so of the same version none can be replaced.
                [first, ..] if first.zone == Zone::Hot && is_old => {
                    let file = merge_hot(table, day, &new).await?;
                    if !dry_run {
                        write(&self.store, &file).await?;
                    }
                    found.rewritten.push(file.path.to_string());
                }
                [first, ..] if first.zone == Zone::Hot && differs => {
                    tracing::warn!(%table, %day, "rules changed without a new version: hot rows stay as they are until they are sealed");
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// Replaces a seal by one with the same raw objects: `again` from `new`, all others as they were.
    async fn rewrite_seal(
        &self,
        table: Table,
        seal: &CountedFile,
        again: &BTreeSet<&RawId>,
        mut new: Vec<Input>,
        now: DateTime<Utc>,
    ) -> Result<(), MaintainError> {
        let others = Input::supplied_by(&self.planner, seal, |id| !again.contains(id));
        if !others.objects().is_empty() {
            new.push(others);
        }
        let merged = merge_for_seal(table, &new).await?;
        let covers = |objects: &[cauce_tables::CoveredObject]| -> BTreeSet<RawId> {
            objects.iter().map(|object| object.raw_id.clone()).collect()
        };
        let (expected, found) = (covers(seal.covers()), covers(&merged.cover.objects));
        if expected != found {
            let what = seal.meta.location.to_string();
            return Err(MaintainError::Coverage { what, expected: expected.len(), found: found.len() });
        }
        let before = self.store.get(&seal.meta.location).await?.bytes().await?;
        let name = seal.meta.location.filename().unwrap_or_default().trim_end_matches(".parquet");
        let day = seal.date;
        let kept = format!("replaced/{table}/date={day}/{name}-{}.parquet", now.format("%Y%m%dT%H%M%S%3fZ"));
        self.store.put(&Path::from(kept), before.into()).await?;
        let expected = UpdateVersion { e_tag: seal.meta.e_tag.clone(), version: seal.meta.version.clone() };
        fail::fail_point!("replay.before_put");
        self.store
            .put_opts(&seal.meta.location, merged.bytes.into(), PutMode::Update(expected).into())
            .await?;
        fail::fail_point!("replay.after_put");
        tracing::info!(%table, %day, path = %seal.meta.location, rows = merged.rows, "seal was rewritten");
        Ok(())
    }
}

impl Fresh {
    fn judged_by(thresholds: Thresholds) -> Self {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let planner = Planner::new(Arc::clone(&store));
        Self { store, planner, objects: BTreeSet::new(), thresholds }
    }

    /// Of these raw objects of a day.
    pub(crate) async fn of(
        day: NaiveDate,
        objects: Vec<(RawId, Vec<u8>)>,
        thresholds: Thresholds,
    ) -> Result<Self, MaintainError> {
        let mut fresh = Self::judged_by(thresholds);
        fresh.add(day, objects).await?;
        Ok(fresh)
    }

    async fn add(&mut self, day: NaiveDate, bundle: Vec<(RawId, Vec<u8>)>) -> Result<(), MaintainError> {
        for file in files_of(day, &bundle, self.thresholds)? {
            write(&self.store, &file).await?;
        }
        self.objects.extend(bundle.into_iter().map(|(raw, _)| raw));
        Ok(())
    }
}

fn files_of(
    day: NaiveDate,
    bundle: &[(RawId, Vec<u8>)],
    thresholds: Thresholds,
) -> Result<Vec<HotFile>, MaintainError> {
    let mut batch = DayBatch::new(day).judged_by(thresholds);
    for (raw, lines) in bundle {
        batch.read(raw, lines);
    }
    Ok(batch.finish()?)
}
