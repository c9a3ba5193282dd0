//! What a report needs of a file, read once and kept.
//!
//! Files never change under one ETag, so what was decoded stays true as long as the planner names the file and takes
//! the same rows of it. Opening and decoding the files of a month costs far more than computing over them.

use std::{fmt, hash::Hash, marker::PhantomData, panic, sync::Arc};

use cauce_tables::{Days, PlanError, PlannedFile, Planner, Take};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use quick_cache::{Weighter, sync::Cache};

use crate::{QueryError, provider::Kind};

/// What is kept of a file.
pub(crate) trait Decoded: Sized + fmt::Debug + Send + Sync + 'static {
    /// The table that the file belongs to.
    const OF: Kind;
    /// Bytes kept over all files.
    const KEPT: u64;
    /// What is asked of the file.
    type Question: fmt::Debug + Clone + Eq + Hash + Send + Sync + 'static;

    /// Reads what was planned of a file.
    fn read(
        planner: Planner,
        planned: PlannedFile,
        question: Self::Question,
    ) -> impl Future<Output = Result<Self, PlanError>> + Send;

    /// About how many bytes it takes in memory.
    fn bytes(&self) -> usize;
}

/// A file, the rows taken of it, and what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key<Q> {
    path: Path,
    e_tag: Option<String>,
    size: u64,
    rows: Take,
    question: Q,
}

struct Bytes<T>(PhantomData<fn() -> T>);

impl<T> Clone for Bytes<T> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<T: Decoded> Weighter<Key<T::Question>, Arc<T>> for Bytes<T> {
    fn weight(&self, _: &Key<T::Question>, file: &Arc<T>) -> u64 {
        // A file without rows weighs what its key does.
        300 + file.bytes() as u64
    }
}

type Files<T> = Cache<Key<<T as Decoded>::Question>, Arc<T>, Bytes<T>>;

/// Keeps what was asked for last.
pub(crate) struct FileCache<T: Decoded> {
    planner: Planner,
    files: Arc<Files<T>>,
}

impl<T: Decoded> Clone for FileCache<T> {
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

    /// What the files of some days say, in the order of days.
    pub(crate) async fn read(&self, days: Days, question: &T::Question) -> Result<Vec<Arc<T>>, QueryError> {
        let mut tries = 1;
        loop {
            match self.read_once(days, question).await {
                Err(error) if tries < Self::TRIES && error.vanished() => tries += 1,
                other => return other.map_err(QueryError::from),
            }
        }
    }

    async fn read_once(&self, days: Days, question: &T::Question) -> Result<Vec<Arc<T>>, PlanError> {
        let plan = match T::OF {
            Kind::Observed(table) => self.planner.plan(table, days).await?,
            Kind::Derived(table) => self.planner.derived(table, days).await?,
        };
        let files = stream::iter(plan).map(|file| self.file(file, question));
        files.buffered(Self::PARALLEL).try_collect().await
    }

    async fn file(&self, planned: PlannedFile, question: &T::Question) -> Result<Arc<T>, PlanError> {
        let meta = &planned.meta;
        let key = Key {
            path: meta.location.clone(),
            e_tag: meta.e_tag.clone(),
            size: meta.size,
            rows: planned.rows.clone(),
            question: question.clone(),
        };
        if let Some(file) = self.files.get(&key) {
            return Ok(file);
        }
        // A task of its own, so that files are decoded on all cores.
        let decoding = tokio::spawn(T::read(self.planner.clone(), planned, question.clone()));
        let file = decoding.await.unwrap_or_else(|failed| panic::resume_unwind(failed.into_panic()))?;
        let file = Arc::new(file);
        self.files.insert(key, Arc::clone(&file));
        Ok(file)
    }
}
