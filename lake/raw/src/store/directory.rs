//! A directory as an object store, with what `object_store`'s own lacks: an object is on disk, file and folder,
//! before a put answers; temporary files stand outside the tree that readers list; a replace is conditional.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    local::LocalFileSystem, path::Path,
};
use tempfile::NamedTempFile;

use super::OpenError;

/// Folder inside the lake's directory for what is not the lake.
pub(super) const STATE_FOLDER: &str = ".cauce";

/// What a put waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// File and folder are on disk. For everything that can't be had again.
    Full,
    /// The operating system has it. For data that a seed makes again: the demo's history, benchmarks.
    Relaxed,
}

#[derive(Debug, Clone)]
pub(super) struct DirectoryStore {
    inner: Arc<LocalFileSystem>,
    state: PathBuf,
    durability: Durability,
}

impl DirectoryStore {
    pub(super) fn open(root: &FilePath, durability: Durability) -> Result<Self, OpenError> {
        let state = root.join(STATE_FOLDER);
        let temporary = state.join("tmp");
        fs::create_dir_all(&temporary).map_err(|source| OpenError::Directory { path: temporary, source })?;
        let inner = Arc::new(LocalFileSystem::new_with_prefix(root)?);
        Ok(Self { inner, state, durability })
    }

    /// Makes the folder of `file`, and the folders above it, as durable as asked.
    fn make_folder(&self, folder: &FilePath) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let Some(above) = folder.parent() else { return Ok(()) };
        self.make_folder(above)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.sync_folder(above),
        }
    }

    fn sync_folder(&self, folder: &FilePath) -> io::Result<()> {
        match self.durability {
            Durability::Full => File::open(folder)?.sync_all(),
            Durability::Relaxed => Ok(()),
        }
    }

    fn write_temporary(&self, payload: &PutPayload) -> io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new().prefix("put-").tempfile_in(self.state.join("tmp"))?;
        for part in payload {
            file.write_all(part)?;
        }
        if self.durability == Durability::Full {
            file.as_file().sync_all()?;
        }
        Ok(file)
    }

    /// Makes the object under its name only if the name is free: the hard link decides.
    fn create(&self, target: &FilePath, payload: &PutPayload) -> io::Result<()> {
        let folder = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
        self.make_folder(folder)?;
        let file = self.write_temporary(payload)?;
        let linked = fs::hard_link(file.path(), target);
        // Also when somebody else was first: "already there" must mean that it stays there.
        self.sync_folder(folder)?;
        linked
    }

    fn replace(&self, target: &FilePath, payload: &PutPayload) -> io::Result<()> {
        let folder = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
        self.make_folder(folder)?;
        self.write_temporary(payload)?.persist(target).map_err(|error| error.error)?;
        self.sync_folder(folder)
    }

    /// One replace at a time, over all processes on this lake, so that comparing and renaming are one step.
    fn replace_lock(&self) -> io::Result<File> {
        let lock = File::create(self.state.join("replace.lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        location: &Path,
        work: impl FnOnce(&Self, PathBuf) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let target = self.inner.path_to_filesystem(location)?;
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this, target)).await?;
        done.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::AlreadyExists { path: location.to_string(), source: Box::new(source) }
            }
            _ => Error::Generic { store: "directory", source: Box::new(source) },
        })
    }
}

impl fmt::Display for DirectoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "directory({})", self.state.parent().unwrap_or(&self.state).display())
    }
}

#[async_trait]
impl ObjectStore for DirectoryStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        match options.mode {
            PutMode::Create => {
                self.off_thread(location, move |this, target| this.create(&target, &payload)).await?;
            }
            PutMode::Overwrite => {
                self.off_thread(location, move |this, target| this.replace(&target, &payload)).await?;
            }
            PutMode::Update(expected) => {
                let lock = self.off_thread(location, |this, _| this.replace_lock()).await?;
                let found = self.inner.head(location).await?;
                if found.e_tag != expected.e_tag {
                    let source = "the object was changed by another writer".into();
                    return Err(Error::Precondition { path: location.to_string(), source });
                }
                self.off_thread(location, move |this, target| this.replace(&target, &payload)).await?;
                drop(lock);
            }
        }
        let made = self.inner.head(location).await?;
        Ok(PutResult { e_tag: made.e_tag, version: None })
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let source = "objects are written in one put, so that they appear whole".into();
        Err(Error::NotSupported { source })
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
