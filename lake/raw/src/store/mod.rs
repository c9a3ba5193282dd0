//! The object store behind a lake, chosen by its address.

#[cfg(feature = "s3")]
mod connector;
mod directory;
mod metered;
mod notify;
#[cfg(feature = "multipart")]
mod parts;
#[cfg(feature = "s3")]
mod s3;

use std::{
    path::{Path as FilePath, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use directory::DirectoryStore;
pub use directory::Durability;
pub use metered::MeteredStore;
pub use notify::{CreatedListener, NotifyingStore};
use object_store::{ObjectStore, memory::InMemory, path::Path};
#[cfg(feature = "multipart")]
pub use parts::LargePuts;
#[cfg(feature = "s3")]
pub use s3::{S3Links, open_s3, open_s3_with_links};
use thiserror::Error;

/// Why a lake can't be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The address is of a kind that this build has no adapter for.
    #[error(
        "lake '{url}': only a directory or memory:// can be opened here; s3:// needs a build with the feature aws"
    )]
    Unsupported {
        /// The address as given.
        url: String,
    },
    /// The directory can't be made or read.
    #[error("lake '{}': {source}; choose a directory that this user can write", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An address of S3 without a bucket.
    #[error("lake '{url}' names no bucket; write s3://bucket or s3://bucket/prefix")]
    NoBucket {
        /// The address as given.
        url: String,
    },
    /// The object store refused.
    #[error("lake: {0}")]
    Store(#[from] object_store::Error),
}

/// Gives others links by which they may put or get one object of the lake without having its keys.
#[async_trait]
pub trait Links: std::fmt::Debug + Send + Sync {
    /// An address for a `PUT` of `place`, good for `good_for`.
    async fn upload(&self, place: &Path, good_for: Duration) -> Result<String, object_store::Error>;

    /// An address for a `GET` of `place`, good for `good_for`.
    async fn download(&self, place: &Path, good_for: Duration) -> Result<String, object_store::Error>;
}

/// Opens the store of a lake: a directory (made if missing), `file://…`, or `memory://`.
pub fn open(url: &str, durability: Durability) -> Result<Arc<dyn ObjectStore>, OpenError> {
    if url == "memory://" {
        return Ok(Arc::new(InMemory::new()));
    }
    let path = url.strip_prefix("file://").unwrap_or(url);
    if path.contains("://") {
        return Err(OpenError::Unsupported { url: url.to_owned() });
    }
    Ok(Arc::new(DirectoryStore::open(FilePath::new(path), durability)?))
}

/// Where a lake in a directory keeps what is not the lake: the ledger, the queue, temporary files. None for a
/// lake that is not in a directory.
pub fn state_folder(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("file://").unwrap_or(url);
    (!path.contains("://")).then(|| FilePath::new(path).join(directory::STATE_FOLDER))
}
