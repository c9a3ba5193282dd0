//! Which files a reader reads, and which rows of them.
//!
//! Every raw object is taken from exactly one file: from a seal if one covers it, else from the hot file with the
//! highest version of the rules, and of those the one with the smallest name. Hot files are listed before seals: an
//! object that leaves the hot zone between the two listings is found in the seal that covers it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use cauce_model::RawId;
use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, path::Path};
use parquet::{
    errors::ParquetError,
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};
use thiserror::Error;

use crate::{Cover, CoverError, Table};

/// Why a plan can't be made.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The object store failed.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// A file's footer can't be read.
    #[error("{path}: {source}")]
    Footer {
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
}

/// Which days are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first of them, if there is a first.
    pub first: Option<NaiveDate>,
    /// The last of them, if there is a last.
    pub last: Option<NaiveDate>,
}

impl Days {
    /// Every day.
    pub const ALL: Self = Self { first: None, last: None };

    /// Whether a day is wanted.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.first.is_none_or(|first| day >= first) && self.last.is_none_or(|last| day <= last)
    }

    /// The days that both want.
    pub fn and(self, other: Self) -> Self {
        let last = match (self.last, other.last) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { first: self.first.max(other.first), last }
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// All of them.
    All,
    /// These: first row and number of rows, ascending and apart.
    Ranges(Vec<(u32, u32)>),
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
    /// How many rows it has in all.
    pub total_rows: u64,
    /// Which of them.
    pub rows: Rows,
}

/// The files that together are the table.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order of days; seals first.
    pub files: Vec<PlannedFile>,
    /// The raw objects that the files speak for, each once.
    pub covered: BTreeSet<RawId>,
}

#[derive(Debug)]
struct Listed {
    meta: ObjectMeta,
    date: NaiveDate,
    zone: Zone,
}

/// What a plan needs of a file's footer.
#[derive(Debug)]
struct Footer {
    cover: Cover,
    rows: u64,
}

/// A file's footer is read once: files never change under one ETag.
type FooterKey = (Path, Option<String>, u64);

/// Plans reads of a lake.
#[derive(Debug, Clone)]
pub struct Planner {
    store: Arc<dyn ObjectStore>,
    footers: Arc<Mutex<HashMap<FooterKey, Arc<Footer>>>>,
}

impl Planner {
    /// Footers read side by side.
    const PARALLEL: usize = 16;
    /// Footers kept, so that a process that lives for months does not keep those of files long gone.
    const KEPT: usize = 20_000;
    /// Bytes read from a file's end: one read for nearly every footer.
    const TAIL: u64 = 64 << 10;

    /// A planner for the lake in `store`.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, footers: Arc::default() }
    }

    /// The files of `table` for the days wanted.
    pub async fn plan(&self, table: Table, days: Days) -> Result<Plan, PlanError> {
        let hot = self.list(&format!("hot/{table}"), Zone::Hot, days).await?;
        let sealed = self.list(&format!("tables/{table}"), Zone::Sealed, days).await?;
        let listed = sealed.into_iter().chain(hot);
        let with_footer = |file: Listed| async move {
            let footer = self.footer(&file.meta).await?;
            Ok::<_, PlanError>((file, footer))
        };
        let files: Vec<_> =
            stream::iter(listed).map(with_footer).buffered(Self::PARALLEL).try_collect().await?;
        Ok(choose(files))
    }

    async fn list(&self, folder: &str, zone: Zone, days: Days) -> Result<Vec<Listed>, PlanError> {
        let mut folders: Vec<(NaiveDate, Path)> = Vec::new();
        for path in self.store.list_with_delimiter(Some(&Path::from(folder))).await?.common_prefixes {
            let day =
                path.filename().and_then(|name| name.strip_prefix("date=")).and_then(|day| day.parse().ok());
            folders.extend(day.filter(|day| days.contains(*day)).map(|day| (day, path)));
        }
        folders.sort();
        let files_of = |(date, path): (NaiveDate, Path)| async move {
            let mut found: Vec<ObjectMeta> = self.store.list(Some(&path)).try_collect().await?;
            found.retain(|meta| meta.location.as_ref().ends_with(".parquet"));
            found.sort_by(|left, right| left.location.cmp(&right.location));
            Ok::<_, PlanError>(
                found.into_iter().map(move |meta| Listed { meta, date, zone }).collect::<Vec<_>>(),
            )
        };
        let lists: Vec<_> =
            stream::iter(folders).map(files_of).buffered(Self::PARALLEL).try_collect().await?;
        Ok(lists.into_iter().flatten().collect())
    }

    async fn footer(&self, meta: &ObjectMeta) -> Result<Arc<Footer>, PlanError> {
        let key = (meta.location.clone(), meta.e_tag.clone(), meta.size);
        if let Some(footer) = self.footers.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(footer));
        }
        let metadata = self.metadata(meta).await?;
        let cover = Cover::from_footer(&metadata)
            .map_err(|source| PlanError::Cover { path: meta.location.clone(), source })?;
        let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
        let footer = Arc::new(Footer { cover, rows });
        let mut footers = self.footers.lock().unwrap_or_else(PoisonError::into_inner);
        if footers.len() >= Self::KEPT {
            footers.clear();
        }
        footers.insert(key, Arc::clone(&footer));
        Ok(footer)
    }

    async fn metadata(&self, meta: &ObjectMeta) -> Result<ParquetMetaData, PlanError> {
        let failed = |source| PlanError::Footer { path: meta.location.clone(), source };
        let mut reader = ParquetMetaDataReader::new();
        let mut tail = Self::TAIL.min(meta.size);
        loop {
            let bytes = self.last_bytes(meta, tail).await?;
            match reader.try_parse_sized(&bytes, meta.size) {
                Ok(()) => return reader.finish().map_err(failed),
                Err(ParquetError::NeedMoreData(needed)) if (needed as u64) > tail && tail < meta.size => {
                    tail = (needed as u64).min(meta.size);
                }
                Err(source) => return Err(failed(source)),
            }
        }
    }

    async fn last_bytes(&self, meta: &ObjectMeta, length: u64) -> Result<Bytes, PlanError> {
        let range = GetRange::Bounded(meta.size - length..meta.size);
        let options =
            GetOptions { range: Some(range), if_match: meta.e_tag.clone(), ..GetOptions::default() };
        Ok(self.store.get_opts(&meta.location, options).await?.bytes().await?)
    }
}

/// Takes every raw object from one file.
fn choose(files: Vec<(Listed, Arc<Footer>)>) -> Plan {
    // For each raw object the file that supplies it. Seals win over hot files; of hot files the highest version, then
    // the smallest name, which is the one listed first.
    let mut supplier: BTreeMap<&RawId, (usize, Zone, i32)> = BTreeMap::new();
    for (index, (file, footer)) in files.iter().enumerate() {
        for object in &footer.cover.objects {
            let offer = (index, file.zone, object.normalizer_version);
            let taken = supplier.entry(&object.raw_id).or_insert(offer);
            let newer = file.zone == Zone::Hot && taken.1 == Zone::Hot && object.normalizer_version > taken.2;
            if newer {
                *taken = offer;
            }
        }
    }
    let mut plan = Plan::default();
    for (index, (file, footer)) in files.iter().enumerate() {
        let (mut all, mut ranges) = (true, Vec::new());
        for object in &footer.cover.objects {
            if supplier.get(&object.raw_id).is_some_and(|(supplies, ..)| *supplies == index) {
                ranges.extend(object.rows.iter().copied());
            } else {
                all &= object.rows.is_empty();
            }
        }
        if ranges.is_empty() {
            continue;
        }
        ranges.sort_unstable();
        let rows = if all { Rows::All } else { Rows::Ranges(ranges) };
        let (meta, total_rows) = (file.meta.clone(), footer.rows);
        plan.files.push(PlannedFile { meta, date: file.date, zone: file.zone, total_rows, rows });
    }
    plan.covered = supplier.into_keys().cloned().collect();
    plan.files.sort_by_key(|file| file.date);
    plan
}
