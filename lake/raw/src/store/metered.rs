//! A store whose operations are counted and timed, for whoever runs it.

use std::{fmt, future::Future, sync::Arc};

use async_trait::async_trait;
use cauce_telemetry::{STORE_DURATION, STORE_FAILURES, Timer};
use futures::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

/// A store whose operations are counted and timed: a get until its head is there, a list and a deletion until their end.
#[derive(Debug, Clone)]
pub struct MeteredStore(Arc<dyn ObjectStore>);

impl MeteredStore {
    /// Counts what is done to `inner`.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self(inner)
    }
}

impl fmt::Display for MeteredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metered({})", self.0)
    }
}

fn note(operation: &'static str, error: &Error) {
    // Answers, not failures: conditional puts and looks for what may not be there.
    let is_answer = matches!(
        error,
        Error::NotFound { .. }
            | Error::AlreadyExists { .. }
            | Error::Precondition { .. }
            | Error::NotModified { .. }
    );
    if !is_answer {
        STORE_FAILURES.add([operation], 1);
    }
}

async fn counted<T>(operation: &'static str, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let _timer = Timer::start(&STORE_DURATION, operation);
    work.await.inspect_err(|error| note(operation, error))
}

fn streamed<T: Send + 'static>(
    operation: &'static str,
    items: BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    let timer = Timer::start(&STORE_DURATION, operation);
    items
        .inspect(move |item| {
            let _until_dropped = &timer;
            if let Err(error) = item {
                note(operation, error);
            }
        })
        .boxed()
}

#[async_trait]
impl ObjectStore for MeteredStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        counted("put", self.0.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        counted("put_multipart", self.0.put_multipart_opts(to, options)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let operation = if options.head { "head" } else { "get" };
        counted(operation, self.0.get_opts(location, options)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        streamed("delete", self.0.delete_stream(locations))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        streamed("list", self.0.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        streamed("list", self.0.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        counted("list", self.0.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        counted("copy", self.0.copy_opts(from, to, options)).await
    }
}
