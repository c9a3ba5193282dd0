use std::{collections::BTreeSet, io::Read, sync::Arc};

use bytes::Bytes;
use cauce_model::{BadValue, RawId};
use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt, future, stream::BoxStream};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, path::Path};
use thiserror::Error;

use crate::{Bundle, RawObject};

/// What goes wrong with raw objects.
#[derive(Debug, Error)]
pub enum RawError {
    /// The object store failed.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// The parts of a key are not well-formed.
    #[error("raw key: {0}")]
    Key(#[source] BadValue),
    /// An envelope could not be written as JSON.
    #[error("envelope: {0}")]
    Envelope(#[source] serde_json::Error),
    /// The bytes could not be compressed.
    #[error("zstd: {0}")]
    Compression(#[source] std::io::Error),
    /// The bytes of an object are not zstd.
    #[error("raw object {id} is damaged, zstd says: {source}")]
    Damaged {
        /// Which object.
        id: RawId,
        /// What zstd said.
        source: std::io::Error,
    },
    /// An object is larger than a normalizer's memory allows.
    #[error("raw object {id} is larger than {limit} bytes after decompression")]
    TooLarge {
        /// Which object.
        id: RawId,
        /// The limit.
        limit: u64,
    },
}

/// Whether a put made the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    Created,
    /// One of that key was there before; it was left as it is.
    AlreadyThere,
}

/// The raw zone of a lake.
#[derive(Debug, Clone)]
pub struct RawZone {
    store: Arc<dyn ObjectStore>,
}

impl RawZone {
    /// Decompressed, so that a small bomb can't take all memory.
    const LARGEST: u64 = 1 << 30;

    /// The raw zone in `store`.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// Stores an object, unless its key is taken.
    pub async fn put(&self, object: &RawObject) -> Result<Put, RawError> {
        let path = Path::from(object.id.key());
        match self.store.put_opts(&path, object.bytes.clone().into(), PutMode::Create.into()).await {
            Ok(_) => Ok(Put::Created),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Put::AlreadyThere),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes of an object as stored.
    pub async fn get(&self, id: &RawId) -> Result<Bytes, RawError> {
        Ok(self.store.get(&Path::from(id.key())).await?.bytes().await?)
    }

    /// The lines of an object, decompressed.
    pub async fn read(&self, id: &RawId) -> Result<Vec<u8>, RawError> {
        Self::decompress(id, &self.get(id).await?)
    }

    /// Decompresses what [`RawZone::get`] gave.
    pub fn decompress(id: &RawId, stored: &[u8]) -> Result<Vec<u8>, RawError> {
        let damaged = |source| RawError::Damaged { id: id.clone(), source };
        // The frame says how long it will be; it may lie, so it is believed only up to a bound.
        let said = zstd::zstd_safe::get_frame_content_size(stored).ok().flatten().unwrap_or(0);
        let capacity = usize::try_from(said.min(64 << 20)).unwrap_or(0);
        // In one go where it says the truth: the stream below keeps a window of its own and copies out of it.
        if let Ok(lines) = zstd::bulk::decompress(stored, capacity) {
            return Ok(lines);
        }
        let mut lines = Vec::with_capacity(capacity);
        let decoder = zstd::Decoder::with_buffer(stored).map_err(damaged)?;
        let read = decoder.take(Self::LARGEST + 1).read_to_end(&mut lines).map_err(damaged)?;
        if read as u64 > Self::LARGEST {
            return Err(RawError::TooLarge { id: id.clone(), limit: Self::LARGEST });
        }
        Ok(lines)
    }

    /// Compresses lines as raw objects are.
    pub fn compress(lines: &[u8]) -> Result<Bytes, RawError> {
        Ok(zstd::bulk::compress(lines, Bundle::ZSTD_LEVEL).map_err(RawError::Compression)?.into())
    }

    /// The days that have raw objects.
    pub async fn days(&self) -> Result<BTreeSet<NaiveDate>, RawError> {
        Ok(self.day_folders().await?.into_iter().map(|(day, _)| day).collect())
    }

    /// The raw objects of one day: a listing for each source and kind, and not of all that there is.
    pub async fn on(&self, day: NaiveDate) -> Result<Vec<(RawId, ObjectMeta)>, RawError> {
        let mut found = Vec::new();
        for (_, folder) in self.day_folders().await?.into_iter().filter(|(of, _)| *of == day) {
            let listed: Vec<ObjectMeta> = self.store.list(Some(&folder)).try_collect().await?;
            let read = |meta: ObjectMeta| Some((RawId::from_key(meta.location.as_ref()).ok()?, meta));
            found.extend(listed.into_iter().filter_map(read));
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(found)
    }

    /// `raw/<source>/<kind>/date=…`, each with its day.
    async fn day_folders(&self) -> Result<Vec<(NaiveDate, Path)>, RawError> {
        let mut folders = vec![Path::from("raw")];
        for _ in ["source", "kind", "date"] {
            let mut below = Vec::new();
            for folder in &folders {
                below.extend(self.store.list_with_delimiter(Some(folder)).await?.common_prefixes);
            }
            folders = below;
        }
        let day = |path: Path| {
            let day = path.filename()?.strip_prefix("date=")?.parse().ok()?;
            Some((day, path))
        };
        Ok(folders.into_iter().filter_map(day).collect())
    }

    /// Every raw object that is `wanted`, with its metadata. Objects under `raw/` that are not raw objects are passed
    /// over.
    pub fn list(
        &self,
        wanted: impl Fn(&RawId) -> bool + Send + Sync + 'static,
    ) -> BoxStream<'_, Result<(RawId, ObjectMeta), RawError>> {
        let wanted = Arc::new(wanted);
        self.store
            .list(Some(&Path::from("raw")))
            .map_err(RawError::from)
            .try_filter_map(move |meta| {
                let id = RawId::from_key(meta.location.as_ref()).ok().filter(|id| wanted(id));
                future::ready(Ok(id.map(|id| (id, meta))))
            })
            .boxed()
    }
}
