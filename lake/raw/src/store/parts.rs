//! Objects of S3 that are too large for one good request: put in parts, and completed on the same condition as a put of
//! one request. `object_store` can do parts or conditions; S3 has had both together since November 2024.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    config::{Builder, http::HttpResponse},
    error::{ProvideErrorMetadata, SdkError},
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

/// From here on an object goes in parts: a request that breaks is then repeated for a part of it.
pub(super) const PARTS_FROM: usize = 64 << 20;

/// Bytes of a part. S3 takes 10,000 of them, of at least 5 MiB each but the last.
const PART: usize = 16 << 20;

/// Parts under way at once.
const AT_ONCE: usize = 4;

/// A store whose large puts go in parts; everything else is the inner store's.
pub struct LargePuts {
    inner: Arc<dyn ObjectStore>,
    client: Client,
    bucket: String,
    prefix: Path,
    parts_from: usize,
    uploads: AtomicUsize,
}

impl LargePuts {
    /// Around `inner`, which is `bucket` below `prefix`. Objects of `parts_from` bytes and more go in parts.
    pub fn new(
        inner: Arc<dyn ObjectStore>,
        aws: &SdkConfig,
        bucket: &str,
        prefix: &str,
        parts_from: usize,
    ) -> Self {
        // As object_store does it: by path at an endpoint of one's own, by host at AWS.
        let config = Builder::from(aws).force_path_style(aws.endpoint_url().is_some()).build();
        let client = Client::from_conf(config);
        let uploads = AtomicUsize::new(0);
        Self { inner, client, bucket: bucket.to_owned(), prefix: Path::from(prefix), parts_from, uploads }
    }

    /// How many objects went in parts.
    pub fn uploads(&self) -> usize {
        self.uploads.load(Ordering::Relaxed)
    }

    async fn put_in_parts(&self, to: &Path, bytes: Bytes, mode: &PutMode) -> Result<PutResult> {
        let key: Path = self.prefix.parts().chain(to.parts()).collect();
        let begin = self.client.create_multipart_upload().bucket(&self.bucket).key(key.as_ref());
        // Said here, so that S3 keeps the checksum that each part comes with, and compares it at the end.
        let begun = begin.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await;
        let begun = begun.map_err(|error| refused(to, mode, error))?;
        let id = begun.upload_id().unwrap_or_default();
        let put = self.parts_and_completion(to, &key, id, bytes, mode).await;
        self.uploads.fetch_add(1, Ordering::Relaxed);
        if put.is_err() {
            // What stays of it, if this fails too, ends by the bucket's life cycle.
            let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(key.as_ref());
            if let Err(error) = abort.upload_id(id).send().await {
                tracing::warn!(key = %key, error = ?error.code(), "parts of an upload are left behind");
            }
        }
        put
    }

    /// The condition holds when the upload is completed: whoever completes first has the name. A completion that is sent
    /// again after its answer was lost may be told that the name is taken, by itself: as with a put of one request,
    /// "exists" says only that somebody's object is there.
    async fn parts_and_completion(
        &self,
        to: &Path,
        key: &Path,
        id: &str,
        bytes: Bytes,
        mode: &PutMode,
    ) -> Result<PutResult> {
        let parts = (1..).zip((0..bytes.len()).step_by(PART)).map(|(number, start)| {
            let part = bytes.slice(start..bytes.len().min(start + PART));
            async move {
                let put = self.client.upload_part().bucket(&self.bucket).key(key.as_ref()).upload_id(id);
                let put = put.part_number(number).checksum_algorithm(ChecksumAlgorithm::Crc32);
                let put = put.body(part.into()).send().await;
                let put = put.map_err(|error| refused(to, mode, error))?;
                let part = CompletedPart::builder().part_number(number).set_e_tag(put.e_tag);
                Ok::<_, Error>(part.set_checksum_crc32(put.checksum_crc32).build())
            }
        });
        let parts: Vec<_> = stream::iter(parts).buffered(AT_ONCE).try_collect().await?;
        let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(key.as_ref());
        let complete = complete.upload_id(id).multipart_upload(upload);
        let complete = match mode {
            PutMode::Create => complete.if_none_match("*"),
            PutMode::Update(expected) => complete.set_if_match(expected.e_tag.clone()),
            PutMode::Overwrite => complete,
        };
        let done = complete.send().await.map_err(|error| refused(to, mode, error))?;
        Ok(PutResult { e_tag: done.e_tag, version: done.version_id })
    }
}

/// What object_store would have said of it.
fn refused<E>(to: &Path, mode: &PutMode, error: SdkError<E, HttpResponse>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let (path, source) = (to.to_string(), Box::new(error));
    match (status, mode) {
        (Some(409 | 412), PutMode::Create) => Error::AlreadyExists { path, source },
        // 404: what should be replaced is gone.
        (Some(404 | 409 | 412), PutMode::Update(_)) => Error::Precondition { path, source },
        _ => Error::Generic { store: "s3", source },
    }
}

impl fmt::Debug for LargePuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LargePuts").field("inner", &self.inner).field("parts_from", &self.parts_from).finish()
    }
}

impl fmt::Display for LargePuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for LargePuts {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if payload.content_length() < self.parts_from {
            return self.inner.put_opts(location, payload, options).await;
        }
        // On the heap: the SDK's requests are large.
        Box::pin(self.put_in_parts(location, payload.into(), &options.mode)).await
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

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
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
