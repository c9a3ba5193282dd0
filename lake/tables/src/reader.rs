//! Reading what was planned, or nothing.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use object_store::{
    GetOptions, GetRange, OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta, ObjectStore, coalesce_ranges,
};
use parquet::{
    arrow::{arrow_reader::ArrowReaderOptions, async_reader::AsyncFileReader},
    errors::{ParquetError, Result},
    file::metadata::ParquetMetaData,
};

use crate::footers::Footers;

/// Reads one version of a file. If the file is gone, or is another one under the same name, reading fails with the
/// store's own error and whoever planned it plans again. Footers come from those that the planner has read.
#[derive(Debug, Clone)]
pub struct PinnedReader {
    store: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
    footers: Footers,
}

impl PinnedReader {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, meta: ObjectMeta, footers: Footers) -> Self {
        Self { store, meta, footers }
    }

    async fn fetch(&self, range: Range<u64>) -> Result<Bytes> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: self.meta.e_tag.clone(),
            ..GetOptions::default()
        };
        let external = |error: object_store::Error| ParquetError::External(Box::new(error));
        let answer = self.store.get_opts(&self.meta.location, options).await.map_err(external)?;
        answer.bytes().await.map_err(external)
    }
}

impl AsyncFileReader for PinnedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        self.fetch(range).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        let this = &*self;
        async move { coalesce_ranges(&ranges, |range| this.fetch(range), OBJECT_STORE_COALESCE_DEFAULT).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move { Ok(Arc::clone(self.footers.get(&self.meta).await?.metadata())) }.boxed()
    }
}
