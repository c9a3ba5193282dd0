//! Footers of files, each read once: files never change under one ETag.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use object_store::{ObjectMeta, ObjectStore, path::Path};
use parquet::arrow::async_reader::AsyncFileReader;

use crate::{Cover, PlanError, reader::PinnedReader};

/// What a plan needs of a file's footer.
#[derive(Debug)]
pub(crate) struct Footer {
    pub(crate) cover: Cover,
    pub(crate) rows: u64,
}

/// Path, ETag and size.
type Key = (Path, Option<String>, u64);

#[derive(Debug, Clone)]
pub(crate) struct Footers {
    store: Arc<dyn ObjectStore>,
    read: Arc<Mutex<HashMap<Key, Arc<Footer>>>>,
}

impl Footers {
    /// Footers kept, so that a process that lives for months does not keep those of files long gone.
    const KEPT: usize = 20_000;

    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, read: Arc::default() }
    }

    pub(crate) async fn get(&self, meta: &ObjectMeta) -> Result<Arc<Footer>, PlanError> {
        let key = (meta.location.clone(), meta.e_tag.clone(), meta.size);
        if let Some(footer) = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(footer));
        }
        let mut reader = PinnedReader::new(Arc::clone(&self.store), meta.clone());
        let metadata = reader
            .get_metadata(None)
            .await
            .map_err(|source| PlanError::Footer { path: meta.location.clone(), source })?;
        let cover = Cover::from_footer(&metadata)
            .map_err(|source| PlanError::Cover { path: meta.location.clone(), source })?;
        let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
        let footer = Arc::new(Footer { cover, rows });
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.len() >= Self::KEPT {
            read.clear();
        }
        read.insert(key, Arc::clone(&footer));
        Ok(footer)
    }
}
