//! Many files of one day and table into one, in order. Each file is in order, so each is read from its beginning, a
//! row group at a time: the memory is that of one row group a file, and of the compressed result.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::Arc,
};

use arrow::{array::RecordBatch, row::OwnedRow};
use bytes::Bytes;
use cauce_model::RawId;
use chrono::NaiveDate;
use futures::{StreamExt, stream::BoxStream};
use object_store::{ObjectStore, path::Path};
use parquet::{
    arrow::{ParquetRecordBatchStreamBuilder, arrow_reader::RowSelection},
    errors::ParquetError,
};
use thiserror::Error;

use crate::{
    CountedFile, Cover, CoveredObject, HotFile, Table, WriteError, Zone,
    file::{FileWriter, hot_path},
    order::{Run, Runs},
    reader::PinnedReader,
};

/// Why files could not be merged. Nothing was written.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A file can't be read. If it vanished, others have replaced it: plan again.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: Path,
        /// What Parquet or the object store said.
        source: ParquetError,
    },
    /// Rows can't be taken apart or put together.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file's rows are not in the table's order.
    #[error(
        "{path}: its rows are not in the order of the table; it was not written by this version of cauce"
    )]
    NotInOrder {
        /// The file.
        path: Path,
    },
    /// A file gives other rows than its footer says.
    #[error("{path}: {raw_id} has {found} rows, but its footer says {said}")]
    OtherRows {
        /// The file.
        path: Path,
        /// The raw object whose rows were counted.
        raw_id: RawId,
        /// Rows in the file.
        found: u32,
        /// Rows by the footer.
        said: u32,
    },
}

impl MergeError {
    /// Whether a file is not there any more, because others merged or collected it: planning again helps.
    pub fn vanished(&self) -> bool {
        let Self::Read { source: ParquetError::External(source), .. } = self else { return false };
        matches!(
            source.downcast_ref::<object_store::Error>(),
            Some(object_store::Error::NotFound { .. } | object_store::Error::Precondition { .. })
        )
    }
}

/// Rows of one file that a merge takes.
#[derive(Debug, Clone)]
pub struct Input {
    file: CountedFile,
    objects: Vec<CoveredObject>,
}

impl Input {
    /// What readers take from `file`.
    pub fn supplied_by(file: &CountedFile) -> Self {
        Self { objects: file.supplies().cloned().collect(), file: file.clone() }
    }

    /// Of a file only these of its raw objects.
    pub fn only(file: &CountedFile, wanted: impl Fn(&RawId) -> bool) -> Self {
        let objects = file.covers().iter().filter(|object| wanted(&object.raw_id)).cloned().collect();
        Self { objects, file: file.clone() }
    }

    /// The raw objects taken.
    pub fn objects(&self) -> &[CoveredObject] {
        &self.objects
    }

    /// How many rows are taken.
    pub fn rows(&self) -> u64 {
        self.objects.iter().map(|object| u64::from(object.count)).sum()
    }
}

/// The rows of the inputs in one file.
#[derive(Debug, Clone)]
pub struct Merged {
    /// Parquet.
    pub bytes: Bytes,
    /// What it covers, and where.
    pub cover: Cover,
    /// How many rows it has.
    pub rows: u64,
}

/// Merges for a seal: its footer says what it covers, and not where, because a seal is never read in part.
pub async fn merge_for_seal(
    store: &Arc<dyn ObjectStore>,
    table: Table,
    inputs: &[Input],
) -> Result<Merged, MergeError> {
    merge(store, table, inputs, Zone::Sealed).await
}

/// Merges hot files into one hot file.
pub async fn merge_hot(
    store: &Arc<dyn ObjectStore>,
    table: Table,
    date: NaiveDate,
    inputs: &[Input],
) -> Result<HotFile, MergeError> {
    let merged = merge(store, table, inputs, Zone::Hot).await?;
    let earliest = inputs.iter().filter_map(|input| input.file.meta.location.filename()).min();
    let time = earliest.and_then(|name| name.split('-').next()).unwrap_or("none");
    let path = hot_path(table, date, time, &merged.cover);
    Ok(HotFile { table, path, bytes: merged.bytes, rows: usize::try_from(merged.rows).unwrap_or(usize::MAX) })
}

async fn merge(
    store: &Arc<dyn ObjectStore>,
    table: Table,
    inputs: &[Input],
    zone: Zone,
) -> Result<Merged, MergeError> {
    let mut places: HashMap<String, CoveredObject> = HashMap::new();
    for object in inputs.iter().flat_map(|input| &input.objects) {
        let fresh = CoveredObject::without_rows(object.raw_id.clone(), object.normalizer_version);
        places.insert(object.raw_id.as_str().to_owned(), fresh);
    }
    let mut cursors = Vec::new();
    for input in inputs.iter().filter(|input| input.rows() > 0) {
        cursors.push(Cursor::open(store, table, input).await?);
    }
    let mut heap = BinaryHeap::new();
    for (index, cursor) in cursors.iter_mut().enumerate() {
        heap.extend(cursor.key().await?.map(|key| Reverse((key, index))));
    }
    let mut writer = FileWriter::new(table)?;
    while let Some(Reverse((_, index))) = heap.pop() {
        let cursor = &mut cursors[index];
        let Some(run) = cursor.runs.pop_front() else { continue };
        if let Some(object) = places.get_mut(&run.raw_id) {
            let length = u32::try_from(run.rows.len()).unwrap_or(u32::MAX);
            object.add_rows(u32::try_from(writer.rows()).unwrap_or(u32::MAX), length);
            writer.write(&cursor.batch, run.rows)?;
        }
        heap.extend(cursor.key().await?.map(|key| Reverse((key, index))));
    }
    for input in inputs {
        for object in &input.objects {
            let said = object.count;
            let found = places.get(object.raw_id.as_str()).map_or(0, |object| object.count);
            if said != found {
                let (path, raw_id) = (input.file.meta.location.clone(), object.raw_id.clone());
                return Err(MergeError::OtherRows { path, raw_id, found, said });
            }
        }
    }
    let rows = writer.rows();
    let mut cover = Cover { objects: places.into_values().collect() };
    cover.objects.sort_by(|left, right| left.raw_id.cmp(&right.raw_id));
    let bytes = match zone {
        Zone::Hot => writer.close(&cover)?,
        Zone::Sealed => writer.close(&cover.clone().without_places())?,
    };
    Ok(Merged { bytes, cover, rows })
}

/// A file, read from its beginning.
struct Cursor {
    path: Path,
    stream: BoxStream<'static, Result<RecordBatch, ParquetError>>,
    splitter: Runs,
    batch: RecordBatch,
    runs: VecDeque<Run>,
    last: Option<OwnedRow>,
}

impl Cursor {
    async fn open(store: &Arc<dyn ObjectStore>, table: Table, input: &Input) -> Result<Self, MergeError> {
        let meta = &input.file.meta;
        let failed = |source| MergeError::Read { path: meta.location.clone(), source };
        let reader = PinnedReader::new(Arc::clone(store), meta.clone());
        let mut builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(failed)?;
        if let Some(selection) = input.selection() {
            builder = builder.with_row_selection(selection);
        }
        let stream = builder.build().map_err(failed)?.boxed();
        let splitter = Runs::of(table).map_err(|source| WriteError::Columns { table, source })?;
        let batch = RecordBatch::new_empty(table.schema());
        Ok(Self { path: meta.location.clone(), stream, splitter, batch, runs: VecDeque::new(), last: None })
    }

    /// The key of the next run; none at the end.
    async fn key(&mut self) -> Result<Option<OwnedRow>, MergeError> {
        while self.runs.is_empty() {
            let Some(batch) = self.stream.next().await else { return Ok(None) };
            self.batch = batch.map_err(|source| MergeError::Read { path: self.path.clone(), source })?;
            let runs = self.splitter.split(&self.batch);
            let failed =
                |source| MergeError::Read { path: self.path.clone(), source: ParquetError::from(source) };
            self.runs = runs.map_err(failed)?.into();
        }
        let key = self.runs.front().map(|run| run.key.clone());
        if key < self.last {
            return Err(MergeError::NotInOrder { path: self.path.clone() });
        }
        self.last.clone_from(&key);
        Ok(key)
    }
}

impl Input {
    /// The rows to read; none for all of them. A seal says not where its objects' rows are, so it is read whole and
    /// the merge leaves out what was not asked for.
    fn selection(&self) -> Option<RowSelection> {
        if self.rows() == self.file.total_rows() || self.file.zone == Zone::Sealed {
            return None;
        }
        let mut ranges: Vec<_> = self.objects.iter().flat_map(|object| object.rows.iter().copied()).collect();
        ranges.sort_unstable();
        let ranges = ranges.into_iter().map(|(start, length)| start as usize..(start + length) as usize);
        let total = usize::try_from(self.file.total_rows()).unwrap_or(usize::MAX);
        Some(RowSelection::from_consecutive_ranges(ranges, total))
    }
}
