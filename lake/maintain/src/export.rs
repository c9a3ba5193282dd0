//! Copies a lake to another place, and reads back what it wrote.
//!
//! The lake may be in use. Zones are copied in the order in which readers list them, hot before sealed, so the copy holds
//! every row that the lake held when the copy began. Hot tables are copied against the order in which they are written,
//! so a raw object that the last of its tables covers, which is what a sweep looks at, is covered in the others too; raw
//! objects come last, and those of them that no copied file covers are found by the sweep of whoever opens the copy.
//! Where files went away meanwhile, what covers them now is copied in another pass. What is there already and the same is left alone, so a copy
//! that was cut short goes on, and a second one brings what is new. To move a lake: copy it, stop it, copy again.

use std::{cmp::Reverse, sync::Arc};

use cauce_tables::Table;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion, path::Path};
use serde::Serialize;
use thiserror::Error;

/// What is copied, in this order.
fn zones() -> Vec<String> {
    // Of the tables that an object feeds, the one written last comes first.
    let mut tables = Table::ALL;
    tables.sort_by_key(|table| Reverse(table.written()));
    let hot = tables.iter().map(|table| format!("hot/{table}"));
    hot.chain(["tables", "replaced", "raw"].map(str::to_owned)).collect()
}

/// Passes over a lake whose files go away while they are copied.
const PASSES: u32 = 5;
/// Objects copied side by side.
const PARALLEL: usize = 4;

/// Why a copy stopped. What was copied before is right; run it again to go on.
#[derive(Debug, Error)]
pub enum ExportError {
    /// One of the stores failed.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// The other place has another object under the name of one that never changes.
    #[error(
        "{path}: the other place has something else under this name; choose an empty place, or remove it there"
    )]
    Differs {
        /// The object.
        path: Path,
    },
    /// What was written is not what is read back.
    #[error("{path}: what was written is not what is read back; the other place can't be trusted")]
    Unfaithful {
        /// The object.
        path: Path,
    },
}

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Exported {
    /// Objects copied and read back.
    pub copied: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that were there already, compared byte by byte.
    pub same: u64,
    /// Objects that went away in the last pass: run it again if there are any.
    pub gone: u64,
}

enum One {
    Copied(u64),
    Same,
    Gone,
}

/// Copies the lake in `from` to `to`. `progress` is told after each object, with the zone.
pub async fn export(
    from: &Arc<dyn ObjectStore>,
    to: &Arc<dyn ObjectStore>,
    progress: impl Fn(&str),
) -> Result<Exported, ExportError> {
    let mut exported = pass(from, to, &progress).await?;
    for _ in 1..PASSES {
        if exported.gone == 0 {
            break;
        }
        let again = pass(from, to, &progress).await?;
        exported.copied += again.copied;
        exported.bytes += again.bytes;
        exported.gone = again.gone;
    }
    Ok(exported)
}

async fn pass(
    from: &Arc<dyn ObjectStore>,
    to: &Arc<dyn ObjectStore>,
    progress: &impl Fn(&str),
) -> Result<Exported, ExportError> {
    let mut exported = Exported::default();
    for zone in zones() {
        let objects: Vec<ObjectMeta> = from.list(Some(&Path::from(zone.as_str()))).try_collect().await?;
        let copies =
            stream::iter(objects).map(|meta| copy(from, to, meta.location)).buffer_unordered(PARALLEL);
        futures::pin_mut!(copies);
        while let Some(one) = copies.try_next().await? {
            match one {
                One::Copied(bytes) => {
                    exported.copied += 1;
                    exported.bytes += bytes;
                }
                One::Same => exported.same += 1,
                One::Gone => exported.gone += 1,
            }
            progress(&zone);
        }
    }
    Ok(exported)
}

async fn copy(
    from: &Arc<dyn ObjectStore>,
    to: &Arc<dyn ObjectStore>,
    path: Path,
) -> Result<One, ExportError> {
    let bytes = match from.get(&path).await {
        Ok(found) => found.bytes().await?,
        Err(object_store::Error::NotFound { .. }) => return Ok(One::Gone),
        Err(error) => return Err(error.into()),
    };
    let mode = match to.get(&path).await {
        Err(object_store::Error::NotFound { .. }) => PutMode::Create,
        Err(error) => return Err(error.into()),
        Ok(there) => {
            let version =
                UpdateVersion { e_tag: there.meta.e_tag.clone(), version: there.meta.version.clone() };
            if there.bytes().await? == bytes {
                return Ok(One::Same);
            }
            // A seal that was replayed, a derived table that was made anew. Nothing else is ever replaced.
            if !path.as_ref().starts_with("tables/") {
                return Err(ExportError::Differs { path });
            }
            PutMode::Update(version)
        }
    };
    to.put_opts(&path, bytes.clone().into(), mode.into()).await?;
    if to.get(&path).await?.bytes().await? != bytes {
        return Err(ExportError::Unfaithful { path });
    }
    Ok(One::Copied(bytes.len() as u64))
}
