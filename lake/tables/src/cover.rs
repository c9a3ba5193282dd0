//! What a file covers: the raw objects that it speaks for, in its footer.

use cauce_model::RawId;
use parquet::file::metadata::{KeyValue, ParquetMetaData, RowGroupMetaData};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The footer's key.
const KEY: &str = "cauce.cover";

/// A file without a cover that can be read. Such a file is not part of a lake's tables.
#[derive(Debug, Error)]
pub enum CoverError {
    /// The footer has no cover.
    #[error("the file says not which raw objects it covers; it was not written by cauce")]
    Missing,
    /// The cover is not what this version writes.
    #[error("the file's cover can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// One raw object in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct CoveredObject {
    /// Which.
    pub raw_id: RawId,
    /// The rules that made its rows.
    #[serde(rename = "version")]
    pub normalizer_version: i32,
    /// How many rows it gave; zero is an answer, too.
    pub count: u32,
    /// Where its rows are: first row and number of rows, ascending. Only hot files say so: a seal is never read in
    /// part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<(u32, u32)>,
}

/// As it stands in footers. The first hot files said only where the rows are, and not how many.
#[derive(Deserialize)]
struct Stored {
    raw_id: RawId,
    version: i32,
    count: Option<u32>,
    #[serde(default)]
    rows: Vec<(u32, u32)>,
}

impl From<Stored> for CoveredObject {
    fn from(stored: Stored) -> Self {
        let Stored { raw_id, version, count, rows } = stored;
        let count = count.unwrap_or_else(|| rows.iter().map(|(_, length)| length).sum());
        Self { raw_id, normalizer_version: version, count, rows }
    }
}

impl CoveredObject {
    /// An object, before its rows are written.
    pub fn without_rows(raw_id: RawId, normalizer_version: i32) -> Self {
        Self { raw_id, normalizer_version, count: 0, rows: Vec::new() }
    }

    /// Notes that its next `length` rows begin at `start`.
    pub fn add_rows(&mut self, start: u32, length: u32) {
        self.count += length;
        match self.rows.last_mut() {
            Some((first, so_far)) if *first + *so_far == start => *so_far += length,
            _ => self.rows.push((start, length)),
        }
    }
}

/// The raw objects of a file, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cover {
    /// Them.
    pub objects: Vec<CoveredObject>,
}

impl Cover {
    /// Whether a file says that it is in its table's order. The first files were in an order of their own.
    pub(crate) fn is_in_order(metadata: &ParquetMetaData) -> bool {
        let says_so = |group: &RowGroupMetaData| group.sorting_columns().is_some_and(|by| !by.is_empty());
        metadata.row_groups().iter().all(says_so)
    }

    /// The same, without saying where the rows are.
    pub(crate) fn without_places(mut self) -> Self {
        for object in &mut self.objects {
            object.rows = Vec::new();
        }
        self
    }

    /// The entry for a footer.
    pub(crate) fn to_footer(&self) -> Result<KeyValue, serde_json::Error> {
        Ok(KeyValue::new(KEY.to_owned(), serde_json::to_string(self)?))
    }

    /// Reads the cover of a file from its footer.
    pub fn from_footer(metadata: &ParquetMetaData) -> Result<Self, CoverError> {
        let entries = metadata.file_metadata().key_value_metadata().ok_or(CoverError::Missing)?;
        let entry = entries.iter().find(|entry| entry.key == KEY).and_then(|entry| entry.value.as_ref());
        Ok(serde_json::from_str(entry.ok_or(CoverError::Missing)?)?)
    }
}
