//! Footers of files, each read once, by planner and scans alike: files never change under one ETag.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use object_store::{ObjectMeta, ObjectStore, path::Path};
use parquet::{
    errors::Result,
    file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader},
};

use crate::{Cover, CoverError, reader::PinnedReader};

/// What a file says of itself.
#[derive(Debug)]
pub(crate) struct Footer {
    metadata: Arc<ParquetMetaData>,
    cover: OnceLock<Cover>,
}

impl Footer {
    /// Parquet's metadata, with the page index if there is one.
    pub(crate) fn metadata(&self) -> &Arc<ParquetMetaData> {
        &self.metadata
    }

    /// What the file covers; parsed when it is asked for first.
    pub(crate) fn cover(&self) -> std::result::Result<&Cover, CoverError> {
        if let Some(cover) = self.cover.get() {
            return Ok(cover);
        }
        let cover = Cover::from_footer(&self.metadata)?;
        Ok(self.cover.get_or_init(|| cover))
    }

    pub(crate) fn rows(&self) -> u64 {
        u64::try_from(self.metadata.file_metadata().num_rows()).unwrap_or(0)
    }
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
    /// Bytes read from a file's end: one read for nearly every footer.
    const TAIL: usize = 64 << 10;

    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, read: Arc::default() }
    }

    pub(crate) async fn get(&self, meta: &ObjectMeta) -> Result<Arc<Footer>> {
        let key = (meta.location.clone(), meta.e_tag.clone(), meta.size);
        if let Some(footer) = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(footer));
        }
        let mut reader = PinnedReader::new(Arc::clone(&self.store), meta.clone(), self.clone());
        let metadata = ParquetMetaDataReader::new()
            .with_prefetch_hint(Some(Self::TAIL))
            .with_page_index_policy(PageIndexPolicy::Optional)
            .load_and_finish(&mut reader, meta.size)
            .await?;
        let footer = Arc::new(Footer { metadata: Arc::new(metadata), cover: OnceLock::new() });
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.len() >= Self::KEPT {
            read.clear();
        }
        read.insert(key, Arc::clone(&footer));
        Ok(footer)
    }
}
