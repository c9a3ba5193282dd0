//! Which files a reader reads, and which rows of them.
//!
//! Every raw object is taken from exactly one file: from a seal if one covers it, else from the hot file with the
//! highest version of the rules, and of those the one with the smallest name. Hot files are listed before seals: an
//! object that leaves the hot zone between the two listings is found in the seal that covers it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cauce_model::{AccountId, RawId};
use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use parquet::{arrow::arrow_reader::RowSelection, errors::ParquetError};
use thiserror::Error;

use crate::{
    CoverError, CoveredObject, Days, Derived, Figures, Inputs, Parts, Table, figures,
    footers::{Footer, Footers},
    merge::is_gone,
    reader::PinnedReader,
};

/// Why a plan can't be made.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The object store failed.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// A file can't be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: Path,
        /// What Parquet said.
        source: ParquetError,
    },
    /// A file's cover can't be read.
    #[error("{path}: {source}")]
    Cover {
        /// The file.
        path: Path,
        /// What is wrong with it.
        source: CoverError,
    },
    /// Two seals cover one raw object: the zone was changed by something other than cauce.
    #[error("{path} and another seal of its day both cover {raw_id}; move one of them away")]
    Overlap {
        /// One of the seals.
        path: Path,
        /// What both cover.
        raw_id: RawId,
    },
}

impl PlanError {
    /// Whether a file went away, or was replaced, while it was planned: planning again helps.
    pub fn vanished(&self) -> bool {
        match self {
            Self::File { source, .. } => is_gone(source),
            Self::Store(error) => matches!(error, object_store::Error::NotFound { .. }),
            Self::Cover { .. } | Self::Overlap { .. } => false,
        }
    }
}

/// The zone that a file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Just written; many and small.
    Hot,
    /// A closed day; few and sorted.
    Sealed,
}

/// Which rows of a file a reader takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Take {
    /// All of them.
    All,
    /// Some of them.
    Ranges {
        /// First row and number of rows, ascending and apart.
        ranges: Vec<(u32, u32)>,
        /// How many rows the file has in all.
        of: u64,
    },
}

/// A file that a reader reads.
#[derive(Debug, Clone)]
pub struct PlannedFile {
    /// Where it is, how large, and its ETag: a file that changed since is planned anew.
    pub meta: ObjectMeta,
    /// Its day.
    pub date: NaiveDate,
    /// Its zone.
    pub zone: Zone,
    /// Which of its rows.
    pub rows: Take,
}

/// A file of one of the zones, and what it covers.
#[derive(Debug, Clone)]
pub struct CountedFile {
    /// Where it is, how large, and its ETag.
    pub meta: ObjectMeta,
    /// Its day.
    pub date: NaiveDate,
    /// Its zone.
    pub zone: Zone,
    footer: Arc<Footer>,
    /// Which of the covered objects readers take from this file.
    supplies: Vec<bool>,
}

impl CountedFile {
    /// Every raw object that the file covers.
    pub fn covers(&self) -> &[CoveredObject] {
        // Parsed when the file was counted.
        self.footer.cover().map(|cover| cover.objects.as_slice()).unwrap_or_default()
    }

    /// The raw objects that readers take from this file.
    pub fn supplies(&self) -> impl Iterator<Item = &CoveredObject> {
        self.covers().iter().zip(&self.supplies).filter_map(|(object, supplies)| supplies.then_some(object))
    }

    /// How many rows the file has.
    pub fn total_rows(&self) -> u64 {
        self.footer.rows()
    }

    /// The rows that readers take; none if there are none.
    pub fn rows(&self) -> Option<Take> {
        let left_out = |(object, supplies): (&CoveredObject, &bool)| !supplies && object.count > 0;
        if self.zone == Zone::Sealed || !self.covers().iter().zip(&self.supplies).any(left_out) {
            return (self.footer.rows() > 0).then_some(Take::All);
        }
        let mut ranges: Vec<_> = self.supplies().flat_map(|object| object.rows.iter().copied()).collect();
        ranges.sort_unstable();
        (!ranges.is_empty()).then_some(Take::Ranges { ranges, of: self.footer.rows() })
    }
}

impl Take {
    /// The rows as a selection; none if they are all.
    pub fn selection(&self) -> Option<RowSelection> {
        let Self::Ranges { ranges, of } = self else { return None };
        let range = |(start, length): &(u32, u32)| *start as usize..(*start + *length) as usize;
        let total = usize::try_from(*of).unwrap_or(usize::MAX);
        Some(RowSelection::from_consecutive_ranges(ranges.iter().map(range), total))
    }
}

struct Listed {
    meta: ObjectMeta,
    date: NaiveDate,
    zone: Zone,
}

impl Listed {
    fn whole(self) -> PlannedFile {
        PlannedFile { meta: self.meta, date: self.date, zone: self.zone, rows: Take::All }
    }
}

impl PlannedFile {
    /// All rows of an object of a derived table.
    pub fn whole(meta: ObjectMeta, date: NaiveDate) -> Self {
        Self { meta, date, zone: Zone::Sealed, rows: Take::All }
    }
}

/// Plans reads of a lake.
#[derive(Debug, Clone)]
pub struct Planner {
    store: Arc<dyn ObjectStore>,
    footers: Footers,
}

impl Planner {
    /// Days listed, and footers read, side by side.
    const PARALLEL: usize = 16;

    /// A planner for the lake in `store`.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        let footers = Footers::new(Arc::clone(&store));
        Self { store, footers }
    }

    /// The files that together are `table` on the days wanted, in the order of days, seals first. A day that is sealed
    /// whole costs its listing and no footer.
    pub async fn plan(&self, table: Table, days: Days) -> Result<Vec<PlannedFile>, PlanError> {
        let listed = self.list_zones(table, days).await?;
        let unsealed: BTreeSet<NaiveDate> =
            listed.iter().filter(|file| file.zone == Zone::Hot).map(|file| file.date).collect();
        let (open, closed): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|file| unsealed.contains(&file.date));
        let mut plan: Vec<PlannedFile> = closed.into_iter().map(Listed::whole).collect();
        for file in self.count(open).await? {
            if let Some(rows) = file.rows() {
                plan.push(PlannedFile { meta: file.meta, date: file.date, zone: file.zone, rows });
            }
        }
        plan.sort_by_key(|file| file.date);
        Ok(plan)
    }

    /// Every file of `table` on the days wanted, with what it covers: hot files and seals, also those that readers
    /// take nothing from.
    pub async fn census(&self, table: Table, days: Days) -> Result<Vec<CountedFile>, PlanError> {
        let listed = self.list_zones(table, days).await?;
        self.count(listed).await
    }

    /// Reads a file that was planned.
    pub fn reader(&self, meta: ObjectMeta) -> PinnedReader {
        PinnedReader::new(Arc::clone(&self.store), meta, self.footers.clone())
    }

    /// The objects of a derived table on the days wanted, in the order of days. A table whose objects are of no day ignores
    /// the days, and has the day of the epoch.
    pub async fn derived(&self, table: Derived, days: Days) -> Result<Vec<PlannedFile>, PlanError> {
        match table.parts() {
            Parts::Days => {
                let listed = self.list(&format!("tables/{table}"), Zone::Sealed, days).await?;
                Ok(listed.into_iter().map(Listed::whole).collect())
            }
            Parts::One => self.object(&table.path(NaiveDate::default())).await,
            Parts::Accounts => {
                let folder = Path::from(format!("tables/{table}"));
                let mut found: Vec<ObjectMeta> = self.store.list(Some(&folder)).try_collect().await?;
                found.retain(|meta| meta.location.as_ref().ends_with(".parquet"));
                found.sort_by(|left, right| left.location.cmp(&right.location));
                Ok(found.into_iter().map(|meta| PlannedFile::whole(meta, NaiveDate::default())).collect())
            }
        }
    }

    /// The object of one account, of a derived table that has one per account.
    pub async fn derived_of(
        &self,
        table: Derived,
        account: &AccountId,
    ) -> Result<Option<PlannedFile>, PlanError> {
        Ok(self.object(&table.path_of(account)).await?.pop())
    }

    async fn object(&self, path: &Path) -> Result<Vec<PlannedFile>, PlanError> {
        match self.store.head(path).await {
            Ok(meta) => Ok(vec![PlannedFile::whole(meta, NaiveDate::default())]),
            Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// What was counted of a file when it was written; none where it does not say, or not all of its rows are wanted.
    pub async fn figures<F: Figures>(&self, planned: &PlannedFile) -> Result<Option<F>, PlanError> {
        if planned.rows != Take::All {
            return Ok(None);
        }
        Ok(figures::from_footer(self.footer(&planned.meta).await?.metadata()))
    }

    /// Whether the rows of a file were counted when it was written, whatever came of it.
    pub async fn is_counted(&self, planned: &PlannedFile) -> Result<bool, PlanError> {
        Ok(figures::is_counted(self.footer(&planned.meta).await?.metadata()))
    }

    async fn footer(&self, meta: &ObjectMeta) -> Result<Arc<Footer>, PlanError> {
        let footer = self.footers.get(meta).await;
        footer.map_err(|source| PlanError::File { path: meta.location.clone(), source })
    }

    /// What an object of a derived table was made from; none if it does not say.
    pub async fn inputs(&self, meta: &ObjectMeta) -> Result<Option<Inputs>, PlanError> {
        Ok(Inputs::from_footer(self.footer(meta).await?.metadata()))
    }

    /// The days on which `table` has hot files.
    pub async fn unsealed_days(&self, table: Table) -> Result<Vec<NaiveDate>, PlanError> {
        self.days(&format!("hot/{table}")).await
    }

    /// The days on which `table` has seals.
    pub async fn sealed_days(&self, table: Table) -> Result<Vec<NaiveDate>, PlanError> {
        self.days(&format!("tables/{table}")).await
    }

    async fn list_zones(&self, table: Table, days: Days) -> Result<Vec<Listed>, PlanError> {
        let hot = self.list(&format!("hot/{table}"), Zone::Hot, days).await?;
        let mut listed = self.list(&format!("tables/{table}"), Zone::Sealed, days).await?;
        listed.extend(hot);
        Ok(listed)
    }

    async fn days(&self, folder: &str) -> Result<Vec<NaiveDate>, PlanError> {
        let folders = self.store.list_with_delimiter(Some(&Path::from(folder))).await?.common_prefixes;
        let day = |path: &Path| path.filename()?.strip_prefix("date=")?.parse().ok();
        let mut days: Vec<NaiveDate> = folders.iter().filter_map(day).collect();
        days.sort();
        Ok(days)
    }

    /// The files of a folder on the days wanted, by day and name. A few days are listed one by one, so that their cost
    /// does not grow with the lake; more of them in one go from the first on, which is the fewest calls.
    async fn list(&self, folder: &str, zone: Zone, days: Days) -> Result<Vec<Listed>, PlanError> {
        let found: Vec<ObjectMeta> = match days.few() {
            Some(days) => {
                let lists = days
                    .into_iter()
                    .map(|day| self.store.list(Some(&Path::from(format!("{folder}/date={day}")))));
                stream::iter(lists).flatten_unordered(Self::PARALLEL).try_collect().await?
            }
            None => {
                let all = Path::from(folder);
                let listing = match days.first {
                    Some(first) => {
                        let before = Path::from(format!("{folder}/date={first}"));
                        self.store.list_with_offset(Some(&all), &before)
                    }
                    None => self.store.list(Some(&all)),
                };
                listing.try_collect().await?
            }
        };
        let day_of = |meta: &ObjectMeta| -> Option<NaiveDate> {
            let name = meta.location.as_ref();
            let rest = name.strip_suffix(".parquet")?.strip_prefix(folder)?.strip_prefix("/date=")?;
            rest.split('/').next()?.parse().ok()
        };
        let mut listed: Vec<Listed> = found
            .into_iter()
            .filter_map(|meta| Some(Listed { date: day_of(&meta)?, meta, zone }))
            .filter(|file| days.contains(file.date))
            .collect();
        listed.sort_by(|left, right| left.meta.location.cmp(&right.meta.location));
        Ok(listed)
    }

    async fn count(&self, listed: Vec<Listed>) -> Result<Vec<CountedFile>, PlanError> {
        let with_footer = |Listed { meta, date, zone }| async move {
            let path = || meta.location.clone();
            let footer = self.footers.get(&meta).await;
            let footer = footer.map_err(|source| PlanError::File { path: path(), source })?;
            let cover = footer.cover().map_err(|source| PlanError::Cover { path: path(), source })?;
            let supplies = vec![false; cover.objects.len()];
            Ok::<_, PlanError>(CountedFile { meta, date, zone, footer, supplies })
        };
        let mut files: Vec<_> =
            stream::iter(listed).map(with_footer).buffered(Self::PARALLEL).try_collect().await?;
        choose(&mut files)?;
        Ok(files)
    }
}

/// Takes every raw object from one file: from the seal that covers it, else of the hot files that do from the one with
/// the highest version, and of those from the one with the smallest name, which is the one listed first.
fn choose(files: &mut [CountedFile]) -> Result<(), PlanError> {
    let mut suppliers: BTreeMap<&RawId, (usize, usize, Zone, i32)> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        for (place, object) in file.covers().iter().enumerate() {
            let offer = (index, place, file.zone, object.normalizer_version);
            let taken = match suppliers.entry(&object.raw_id) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(offer);
                    continue;
                }
                std::collections::btree_map::Entry::Occupied(taken) => taken.into_mut(),
            };
            match (taken.2, file.zone) {
                (Zone::Hot, Zone::Hot) if object.normalizer_version > taken.3 => *taken = offer,
                (Zone::Hot, Zone::Hot) | (Zone::Sealed, Zone::Hot) => {}
                (Zone::Hot, Zone::Sealed) => *taken = offer,
                (Zone::Sealed, Zone::Sealed) => {
                    let (path, raw_id) = (file.meta.location.clone(), object.raw_id.clone());
                    return Err(PlanError::Overlap { path, raw_id });
                }
            }
        }
    }
    let chosen: Vec<(usize, usize)> =
        suppliers.into_values().map(|(index, place, ..)| (index, place)).collect();
    for (index, place) in chosen {
        files[index].supplies[place] = true;
    }
    Ok(())
}
