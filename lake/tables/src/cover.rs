//! What a file covers: the raw objects that it speaks for, in its footer.

use cauce_model::RawId;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
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
pub struct CoveredObject {
    /// Which.
    pub raw_id: RawId,
    /// The rules that made its rows.
    #[serde(rename = "version")]
    pub normalizer_version: i32,
    /// Where its rows are: first row and number of rows, ascending. Empty for an object that gave no row.
    pub rows: Vec<(u32, u32)>,
}

/// The raw objects of a file, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cover {
    /// Them.
    pub objects: Vec<CoveredObject>,
}

impl Cover {
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
