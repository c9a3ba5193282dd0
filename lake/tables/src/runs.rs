//! The rows of several files in one order. Each file is in order, so each is read from its beginning, a row group at a
//! time: the memory is that of one row group a file.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet, VecDeque},
};

use arrow::{array::RecordBatch, compute::concat_batches, row::OwnedRow};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::path::Path;
use parquet::{arrow::ParquetRecordBatchStreamBuilder, errors::ParquetError};

use crate::{
    Cover, Input, MergeError, Table, WriteError,
    older::with_all_columns,
    order::{Run, Runs},
};

/// Runs of rows of several inputs, in the table's order.
pub(crate) struct RunStream {
    cursors: Vec<Cursor>,
    heap: BinaryHeap<Reverse<(OwnedRow, usize)>>,
    /// The cursor whose run was handed out last, and has not been asked for its next one.
    current: Option<usize>,
}

impl RunStream {
    pub(crate) async fn open(table: Table, inputs: &[Input]) -> Result<Self, MergeError> {
        let mut cursors = Vec::new();
        let mut heap = BinaryHeap::new();
        for input in inputs.iter().filter(|input| input.rows() > 0) {
            let mut cursor = Cursor::open(table, input).await?;
            heap.extend(cursor.key().await?.map(|key| Reverse((key, cursors.len()))));
            cursors.push(cursor);
        }
        Ok(Self { cursors, heap, current: None })
    }

    /// The next run, and the batch that its rows are in. A run that a file's batches cut in two comes in two.
    pub(crate) async fn next(&mut self) -> Result<Option<(Run, &RecordBatch)>, MergeError> {
        if let Some(index) = self.current.take() {
            let key = self.cursors[index].key().await?;
            self.heap.extend(key.map(|key| Reverse((key, index))));
        }
        let Some(Reverse((_, index))) = self.heap.pop() else { return Ok(None) };
        self.current = Some(index);
        let cursor = &mut self.cursors[index];
        Ok(cursor.runs.pop_front().map(|run| (run, &cursor.batch)))
    }
}

/// Rows that agree in the columns of the table's order: those of one raw object at one time of one market.
#[derive(Debug, Clone)]
pub struct KeyedRows {
    key: OwnedRow,
    /// The rows, whole.
    pub rows: RecordBatch,
}

impl KeyedRows {
    /// Which of two comes first in the table's order.
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// The rows of several inputs, run by run, each run whole.
pub struct Rows {
    stream: RunStream,
    ahead: Option<KeyedRows>,
}

impl Rows {
    /// Opens the inputs.
    pub async fn open(table: Table, inputs: &[Input]) -> Result<Self, MergeError> {
        Ok(Self { stream: RunStream::open(table, inputs).await?, ahead: None })
    }

    /// The next run; none at the end.
    pub async fn next(&mut self) -> Result<Option<KeyedRows>, MergeError> {
        let mut whole = self.ahead.take();
        loop {
            let piece = self.stream.next().await?.map(|(run, batch)| {
                let rows = batch.slice(run.rows.start, run.rows.len());
                KeyedRows { key: run.key, rows }
            });
            match (&mut whole, piece) {
                (_, None) => return Ok(whole),
                (None, Some(first)) => whole = Some(first),
                (Some(so_far), Some(more)) if so_far.key == more.key => {
                    let joined = concat_batches(&so_far.rows.schema(), [&so_far.rows, &more.rows]);
                    so_far.rows = joined.map_err(|source| MergeError::Rows { source })?;
                }
                (Some(_), Some(next)) => {
                    self.ahead = Some(next);
                    return Ok(whole);
                }
            }
        }
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("files", &self.stream.cursors.len()).finish_non_exhaustive()
    }
}

/// A file, read from its beginning.
struct Cursor {
    path: Path,
    stream: BoxStream<'static, Result<RecordBatch, ParquetError>>,
    splitter: Runs,
    /// The raw objects asked for, where the file can't be read by their places.
    wanted: Option<HashSet<String>>,
    batch: RecordBatch,
    runs: VecDeque<Run>,
    last: Option<OwnedRow>,
}

impl Cursor {
    async fn open(table: Table, input: &Input) -> Result<Self, MergeError> {
        let meta = &input.file.meta;
        let failed = |source| MergeError::Read { path: meta.location.clone(), source };
        let reader = input.planner.reader(meta.clone());
        let mut builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(failed)?;
        let mut wanted = None;
        match input.selection() {
            Some(selection) => builder = builder.with_row_selection(selection),
            None if input.rows() < input.file.total_rows() => {
                let ids = input.objects().iter().map(|object| object.raw_id.as_str().to_owned());
                wanted = Some(ids.collect());
            }
            None => {}
        }
        let in_order = Cover::is_in_order(builder.metadata());
        let schema = table.schema();
        let whole = move |rows: RecordBatch| Ok(with_all_columns(rows, &schema)?);
        let mut stream = builder.build().map_err(failed)?.map(move |rows| rows.and_then(&whole)).boxed();
        let splitter = Runs::of(table).map_err(|source| WriteError::Columns { table, source })?;
        let batch = RecordBatch::new_empty(table.schema());
        let path = meta.location.clone();
        if in_order {
            return Ok(Self { path, stream, splitter, wanted, batch, runs: VecDeque::new(), last: None });
        }
        // Of before files had one order: read whole, and sorted here. Runs of one key stay in their order.
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(failed)?;
        let schema = batches.first().map_or_else(|| table.schema(), RecordBatch::schema);
        let whole = concat_batches(&schema, &batches).map_err(|source| MergeError::Rows { source })?;
        let mut runs = splitter.split(&whole).map_err(|source| MergeError::Rows { source })?;
        runs.retain(|run| wanted.as_ref().is_none_or(|wanted| wanted.contains(&run.raw_id)));
        runs.sort_by(|left, right| left.key.cmp(&right.key));
        stream = futures::stream::empty().boxed();
        Ok(Self { path, stream, splitter, wanted, batch: whole, runs: runs.into(), last: None })
    }

    /// The key of the next run; none at the end.
    async fn key(&mut self) -> Result<Option<OwnedRow>, MergeError> {
        while self.runs.is_empty() {
            let Some(batch) = self.stream.next().await else { return Ok(None) };
            let failed = |source| MergeError::Read { path: self.path.clone(), source };
            self.batch = batch.map_err(failed)?;
            let runs =
                self.splitter.split(&self.batch).map_err(|source| failed(ParquetError::from(source)))?;
            let wanted = |run: &Run| self.wanted.as_ref().is_none_or(|wanted| wanted.contains(&run.raw_id));
            self.runs = runs.into_iter().filter(wanted).collect();
        }
        let key = self.runs.front().map(|run| run.key.clone());
        if key < self.last {
            return Err(MergeError::NotInOrder { path: self.path.clone() });
        }
        self.last.clone_from(&key);
        Ok(key)
    }
}
