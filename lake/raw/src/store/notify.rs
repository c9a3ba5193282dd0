//! The store's own event: an object was created. On AWS, S3 says so; here, a wrapper around the store does, after
//! the object is durable. The writer has no part in it, so a writer that dies after its put loses nothing.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

/// Hears of every object created under `raw/`.
#[async_trait]
pub trait CreatedListener: fmt::Debug + Send + Sync {
    /// The object under `key` is durable. An error is logged and left to the sweep, as S3 would lose it too.
    async fn created(&self, key: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// A store that tells a listener of every new raw object.
#[derive(Debug, Clone)]
pub struct NotifyingStore {
    inner: Arc<dyn ObjectStore>,
    listener: Arc<dyn CreatedListener>,
}

impl NotifyingStore {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn ObjectStore>, listener: Arc<dyn CreatedListener>) -> Self {
        Self { inner, listener }
    }
}

impl fmt::Display for NotifyingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "notifying({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for NotifyingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let result = self.inner.put_opts(location, payload, options).await?;
        if location.as_ref().starts_with("raw/")
            && let Err(error) = self.listener.created(location.as_ref()).await
        {
            tracing::warn!(key = %location, %error, "created event was lost; the sweep will find the object");
        }
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
