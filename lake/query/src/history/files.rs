//! What a price history needs of a file and a pair, decoded once and kept.
//!
//! Files never change under one ETag, so what was decoded stays true as long as the planner names the file and takes
//! the same rows of it. Opening and decoding the files of a month costs far more than computing over them.

use std::{fmt, marker::PhantomData, panic, sync::Arc};

use arrow::{array::RecordBatch, error::ArrowError};
use cauce_tables::{Days, PlanError, PlannedFile, Planner, Table, Take, Wanted};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use quick_cache::{Weighter, sync::Cache};

use crate::QueryError;

/// What is kept of a file and a pair.
pub(crate) trait Decoded: Sized + fmt::Debug + Send + Sync + 'static {
    /// The table that the file belongs to.
    const TABLE: Table;
    /// The columns that are read.
    const COLUMNS: &'static [&'static str];
    /// Those of them that are read as dictionaries.
    const REPEATED: &'static [&'static str] = &[];
    /// Bytes kept over all files.
    const KEPT: u64;

    /// Takes what is needed out of the pair's rows, which come in the file's order.
    fn decode(batches: &[RecordBatch]) -> Result<Self, ArrowError>;

    /// About how many bytes it takes in memory.
    fn bytes(&self) -> usize;
}

/// A pair: asset and currency, as they stand in the tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub(super) crypto: String,
    pub(super) fiat: String,
}

/// A file, the rows taken of it, and the pair.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    path: Path,
    e_tag: Option<String>,
    size: u64,
    rows: Take,
    pair: Pair,
}

struct Bytes<T>(PhantomData<fn() -> T>);

impl<T> Clone for Bytes<T> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<T: Decoded> Weighter<Key, Arc<T>> for Bytes<T> {
    fn weight(&self, _: &Key, file: &Arc<T>) -> u64 {
        // A file without rows weighs what its key does.
        300 + file.bytes() as u64
    }
}

/// Keeps the files that were asked for last.
pub(crate) struct FileCache<T> {
    planner: Planner,
    files: Arc<Cache<Key, Arc<T>, Bytes<T>>>,
}

impl<T> Clone for FileCache<T> {
    fn clone(&self) -> Self {
        Self { planner: self.planner.clone(), files: Arc::clone(&self.files) }
    }
}

impl<T: Decoded> FileCache<T> {
    /// Files guessed to be in it at a time.
    const FILES: usize = 1_000;
    /// Files read side by side.
    const PARALLEL: usize = 8;
    /// Plans made before a store that changes under each of them is an error.
    const TRIES: usize = 3;

    pub(crate) fn new(planner: Planner) -> Self {
        let files = Cache::with_weighter(Self::FILES, T::KEPT, Bytes(PhantomData));
        Self { planner, files: Arc::new(files) }
    }

    /// What the files of some days hold of a pair, in the order of days.
    pub(super) async fn read(&self, days: Days, pair: &Pair) -> Result<Vec<Arc<T>>, QueryError> {
        let mut tries = 1;
        loop {
            match self.read_once(days, pair).await {
                Err(error) if tries < Self::TRIES && error.vanished() => tries += 1,
                other => return other.map_err(QueryError::from),
            }
        }
    }

    async fn read_once(&self, days: Days, pair: &Pair) -> Result<Vec<Arc<T>>, PlanError> {
        let plan = self.planner.plan(T::TABLE, days).await?;
        let files = stream::iter(plan).map(|file| self.file(file, pair));
        files.buffered(Self::PARALLEL).try_collect().await
    }

    async fn file(&self, planned: PlannedFile, pair: &Pair) -> Result<Arc<T>, PlanError> {
        let meta = &planned.meta;
        let key = Key {
            path: meta.location.clone(),
            e_tag: meta.e_tag.clone(),
            size: meta.size,
            rows: planned.rows.clone(),
            pair: pair.clone(),
        };
        if let Some(file) = self.files.get(&key) {
            return Ok(file);
        }
        // A task of its own, so that files are decoded on all cores.
        let decoding = tokio::spawn(decode(self.planner.clone(), planned, pair.clone()));
        let file = decoding.await.unwrap_or_else(|failed| panic::resume_unwind(failed.into_panic()))?;
        self.files.insert(key, Arc::clone(&file));
        Ok(file)
    }
}

async fn decode<T: Decoded>(planner: Planner, planned: PlannedFile, pair: Pair) -> Result<Arc<T>, PlanError> {
    let values = [("crypto", pair.crypto.as_str()), ("fiat", pair.fiat.as_str())];
    let wanted = Wanted { columns: T::COLUMNS, repeated: T::REPEATED, values: &values };
    let batches = planner.read_where(&planned, wanted).await?;
    let broken = |source: ArrowError| PlanError::File { path: planned.meta.location, source: source.into() };
    T::decode(&batches).map(Arc::new).map_err(broken)
}
