//! Many files of one day and table into one, in order.

use std::collections::HashMap;

use bytes::Bytes;
use cauce_model::RawId;
use chrono::NaiveDate;
use object_store::path::Path;
use parquet::{arrow::arrow_reader::RowSelection, errors::ParquetError};
use thiserror::Error;

use crate::{
    CountedFile, Cover, CoveredObject, HotFile, Planner, Table, WriteError, Zone,
    file::{FileWriter, hot_path},
    runs::RunStream,
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
    /// Rows can't be put together.
    #[error("rows can't be put together: {source}")]
    Rows {
        /// What Arrow said.
        source: arrow::error::ArrowError,
    },
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
        matches!(self, Self::Read { source, .. } if is_gone(source))
    }
}

/// Whether reading failed because the file is not there any more, or is another one under the same name.
pub(crate) fn is_gone(error: &ParquetError) -> bool {
    let ParquetError::External(source) = error else { return false };
    matches!(
        source.downcast_ref::<object_store::Error>(),
        Some(object_store::Error::NotFound { .. } | object_store::Error::Precondition { .. })
    )
}

/// Rows of one file that a merge takes.
#[derive(Debug, Clone)]
pub struct Input {
    pub(crate) planner: Planner,
    pub(crate) file: CountedFile,
    objects: Vec<CoveredObject>,
}

impl Input {
    /// What readers take from `file`, which `planner` has counted, as far as it is `wanted`.
    pub fn supplied_by(planner: &Planner, file: &CountedFile, wanted: impl Fn(&RawId) -> bool) -> Self {
        let objects = file.supplies().filter(|object| wanted(&object.raw_id)).cloned().collect();
        Self { planner: planner.clone(), objects, file: file.clone() }
    }

    /// The raw objects taken.
    pub fn objects(&self) -> &[CoveredObject] {
        &self.objects
    }

    /// How many rows are taken.
    pub fn rows(&self) -> u64 {
        self.objects.iter().map(|object| u64::from(object.count)).sum()
    }

    /// The rows to read; none for all of them. A seal says not where its objects' rows are, so it is read whole and
    /// what was not asked for is left out afterwards.
    pub(crate) fn selection(&self) -> Option<RowSelection> {
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
pub async fn merge_for_seal(table: Table, inputs: &[Input]) -> Result<Merged, MergeError> {
    merge(table, inputs, Zone::Sealed).await
}

/// Merges hot files into one hot file, whose place is [`merged_path`].
pub async fn merge_hot(table: Table, date: NaiveDate, inputs: &[Input]) -> Result<HotFile, MergeError> {
    let merged = merge(table, inputs, Zone::Hot).await?;
    let path = hot_path(table, date, earliest(inputs), &merged.cover);
    Ok(HotFile { table, path, bytes: merged.bytes, rows: usize::try_from(merged.rows).unwrap_or(usize::MAX) })
}

/// Where [`merge_hot`] will put these inputs.
pub fn merged_path(table: Table, date: NaiveDate, inputs: &[Input]) -> Path {
    let mut objects: Vec<_> = inputs.iter().flat_map(|input| input.objects.iter().cloned()).collect();
    objects.sort_by(|left, right| left.raw_id.cmp(&right.raw_id));
    hot_path(table, date, earliest(inputs), &Cover { objects })
}

/// The time in the names of hot files.
fn earliest(inputs: &[Input]) -> &str {
    let names = inputs.iter().filter_map(|input| input.file.meta.location.filename());
    names.min().and_then(|name| name.split('-').next()).unwrap_or("none")
}

async fn merge(table: Table, inputs: &[Input], zone: Zone) -> Result<Merged, MergeError> {
    let mut places: HashMap<&str, CoveredObject> = HashMap::new();
    for object in inputs.iter().flat_map(|input| &input.objects) {
        let fresh = CoveredObject::without_rows(object.raw_id.clone(), object.normalizer_version);
        places.insert(object.raw_id.as_str(), fresh);
    }
    let mut runs = RunStream::open(table, inputs).await?;
    let mut writer = FileWriter::new(table, zone)?;
    while let Some((run, batch)) = runs.next().await? {
        if let Some(object) = places.get_mut(run.raw_id.as_str()) {
            let length = u32::try_from(run.rows.len()).unwrap_or(u32::MAX);
            object.add_rows(u32::try_from(writer.rows()).unwrap_or(u32::MAX), length);
            writer.write(batch, run.rows)?;
        }
    }
    for input in inputs {
        for object in &input.objects {
            let found = places.get(object.raw_id.as_str()).map_or(0, |object| object.count);
            if object.count != found {
                let (path, raw_id) = (input.file.meta.location.clone(), object.raw_id.clone());
                return Err(MergeError::OtherRows { path, raw_id, found, said: object.count });
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
